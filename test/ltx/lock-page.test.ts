import { expect, test } from 'vitest'
import { decodeDatabase, Encoder, lockPgno } from '../../ltx/index.ts'
import {
  codeOf,
  codeOfAsync,
  decodeFile,
  encodeFile,
  header,
  incremental,
  PAGE_SIZES,
  page,
  pages,
  reader,
} from './support.ts'

test.each(PAGE_SIZES)('facts 1.8: pages around the lock page, page size %i', (pageSize) => {
  const lock = lockPgno(pageSize)
  const h = incremental(5n, { pageSize, commit: lock + 1 })
  const around = pages([lock - 1, lock + 1], pageSize)
  expect(decodeFile(encodeFile(h, around)).pages).toEqual(around)
  expect(codeOf(() => encodeFile(h, pages([lock - 1, lock], pageSize)))).toBe('LTX_LOCK_PAGE')
})

/** The smallest snapshot that reaches the lock page: 16384 pages of 64 KiB, nearly all of them zeros. */
function snapshot(commit: number, skip: readonly number[]): Uint8Array {
  const encoder = new Encoder(header({ pageSize: 65536, commit }))
  const zeros = new Uint8Array(65536)
  for (let pgno = 1; pgno <= commit; pgno++) {
    if (!skip.includes(pgno)) encoder.encodePage(pgno, pgno > 16380 ? page(pgno, 65536) : zeros)
  }
  encoder.finish()
  return encoder.take()
}

test('facts 1.3: a snapshot goes from lockPgno - 1 to lockPgno + 1, and its image has a zero page there', async () => {
  for (const commit of [16384, 16385, 16386]) {
    const file = snapshot(commit, [16385])
    const { pages: image } = await decodeDatabase([reader(file, 65536)])
    let expected = 0
    for await (const { pgno, data } of image) {
      expect(pgno).toBe(++expected)
      if (pgno === 16385) expect(data.every((byte) => byte === 0)).toBe(true)
      if (pgno === 16384 || pgno === 16386) expect(Buffer.compare(data, page(pgno, 65536))).toBe(0)
    }
    expect(expected).toBe(commit)
  }
  expect(codeOf(() => snapshot(16385, []))).toBe('LTX_LOCK_PAGE')
  expect(codeOf(() => snapshot(16386, [16384, 16385]))).toBe('LTX_SNAPSHOT_PAGE_MISSING')
  expect(codeOf(() => snapshot(16386, [16385, 16386]))).toBe('LTX_SNAPSHOT_PAGE_MISSING')
})

test('LTX_NOT_SNAPSHOT', async () => {
  const file = encodeFile(incremental(2n), pages([1]))
  expect(await codeOfAsync(() => decodeDatabase([reader(file)]))).toBe('LTX_NOT_SNAPSHOT')
})
