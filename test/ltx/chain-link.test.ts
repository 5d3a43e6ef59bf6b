import { describe, expect, test } from 'vitest'
import {
  chainLink,
  commitOf,
  compact,
  decodeHeader,
  Encoder,
  goesOnFrom,
  HEADER_FLAG_NO_CHECKSUM,
  LtxReader,
  newCommitName,
  predecessorOf,
  UNKNOWN_COMMIT,
} from '../../ltx/index.ts'
import { ltxHeader } from '../support/ltx-header.ts'

const PAGE_SIZE = 512

/** A file of one page whose every byte is its last TXID. */
function file(min: bigint, max: bigint, link: bigint): Uint8Array {
  const about = { pageSize: PAGE_SIZE, commit: 1, minTXID: min, maxTXID: max, timestamp: Number(max) }
  const encoder = new Encoder({ ...ltxHeader(about), flags: HEADER_FLAG_NO_CHECKSUM, nodeID: link })
  encoder.encodePage(1, new Uint8Array(PAGE_SIZE).fill(Number(max)))
  encoder.finish()
  return encoder.take()
}

function readerOf(bytes: Uint8Array): LtxReader {
  const whole = async function* () {
    yield bytes
  }
  return new LtxReader(whole(), { key: 'x' })
}

async function compacted(...files: Uint8Array[]): Promise<bigint> {
  const chunks = await Array.fromAsync(compact(files.map(readerOf)))
  return decodeHeader(Buffer.concat(chunks)).nodeID
}

test('holds two names, and every name of 32 bits', () => {
  for (const name of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
    for (const predecessor of [0, 7, 0xffffffff]) {
      const link = chainLink(name, predecessor)
      expect([commitOf(link), predecessorOf(link)]).toEqual([name, predecessor])
      expect(link).toBeLessThan(2n ** 64n)
    }
  }
})

test('names are of 32 bits, differ, and are not the unknown one', () => {
  const names = Array.from({ length: 1000 }, newCommitName)
  expect(names.every((name) => Number.isInteger(name) && name > UNKNOWN_COMMIT && name <= 0xffffffff)).toBe(true)
  expect(new Set(names).size).toBeGreaterThan(990)
})

test.each([
  [chainLink(5, 4), chainLink(6, 5), true],
  [chainLink(5, 4), chainLink(6, 4), false],
  [chainLink(5, 4), chainLink(6, 0), undefined],
  [chainLink(0, 4), chainLink(6, 5), undefined],
  [0n, 0n, undefined],
])('%d, then %d: goes on %s', (before, after, goesOn) => {
  expect(goesOnFrom(before, after)).toBe(goesOn)
})

describe('a compacted file', () => {
  test('goes on from what its first input went on from, and ends with the commit of its last', async () => {
    const link = await compacted(
      file(1n, 1n, chainLink(10, 0)),
      file(2n, 3n, chainLink(30, 10)),
      file(4n, 4n, chainLink(40, 30)),
    )
    expect(link).toBe(chainLink(40, 0))
    expect(await compacted(file(2n, 3n, chainLink(30, 10)), file(4n, 4n, chainLink(40, 30)))).toBe(chainLink(40, 10))
  })

  test('of files that do not say: what they say', async () => {
    expect(await compacted(file(1n, 1n, 0n), file(2n, 2n, 0n))).toBe(0n)
    expect(await compacted(file(1n, 1n, 0n), file(2n, 2n, chainLink(20, 0)))).toBe(chainLink(20, 0))
    expect(await compacted(file(1n, 1n, chainLink(10, 0)), file(2n, 2n, 0n))).toBe(0n)
  })

  test('is not made of two histories', async () => {
    const spliced = compacted(file(1n, 1n, chainLink(10, 0)), file(2n, 2n, chainLink(20, 11)))
    await expect(spliced).rejects.toMatchObject({ code: 'LTX_COMPACT_CHAIN' })
  })
})
