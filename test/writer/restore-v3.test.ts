import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { FileReplica } from '../../storage/file/index.ts'
import { withRetry } from '../../storage/index.ts'
import { isWriterError, restore } from '../../writer/index.ts'
import { ltxBytes, name as ltxName } from '../storage/ltx-bytes.ts'
import { tempDir } from '../support/temp-dir.ts'
import { type V3Fixture, v3Fixture } from '../support/v3-fixture.ts'

function scene(): { fixture: V3Fixture; client: FileReplica; out: string } {
  const dir = tempDir()
  const fixture = v3Fixture(join(dir, 'replica'))
  return { fixture, client: new FileReplica({ path: fixture.dir }), out: join(dir, 'out', 'app.db') }
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

test('the newest state has the bytes that v0.3.13 restores', async () => {
  const { fixture, client, out } = scene()
  let progress = { bytes: 0, totalBytes: 0 }
  const onProgress = (now: typeof progress) => {
    progress = now
  }
  const result = await restore(withRetry(client), out, { integrityCheck: 'full', onProgress })
  expect(sha256(out)).toBe(fixture.sha256)
  expect(result).toMatchObject({ txid: 0n, files: [], pageSize: 512, integrityCheck: 'full' })
  expect(result.commit * 512).toBe(readFileSync(out).length)
  expect(result.v3!.segments.length).toBeGreaterThan(5)
  expect(progress).toEqual({ bytes: result.bytes, totalBytes: result.bytes })
  expect(readdirSync(join(out, '..'))).toEqual(['app.db'])
})

test('each state in time, byte for byte', async () => {
  const { fixture, client, out } = scene()
  const states = new Set<string>()
  let compared = 0
  for (const { modified, sha256: expected, name } of fixture.files) {
    const restored = await restore(client, out, { timestamp: modified + 1000, force: true }).then(
      () => sha256(out),
      () => null,
    )
    if (expected === null) continue
    expect(restored, name).toBe(expected)
    states.add(expected)
    compared++
  }
  expect(compared).toBeGreaterThan(15)
  expect(states.size).toBeGreaterThan(8)
})

test('a time before the first snapshot: no state, and the first time there is', async () => {
  const { fixture, client, out } = scene()
  const snapshots = fixture.files.filter(({ name }) => name.includes('/snapshots/'))
  const error = await restore(client, out, { timestamp: snapshots[0]!.modified - 1 }).catch((e: unknown) => e)
  expect(isWriterError(error, 'WRITER_TX_NOT_AVAILABLE')).toBe(true)
  expect(error).toMatchObject({ hint: `Choose a time from ${new Date(snapshots[0]!.modified).toISOString()} on.` })
})

describe('formats side by side', () => {
  test('newer LTX files win, older ones do not, and a TXID is LTX always', async () => {
    for (const timestamp of [Date.parse('2023-01-01'), Date.parse('2025-01-01')]) {
      const { client, out, fixture } = scene()
      await client.write(ltxName(9, 1), ltxBytes({ min: 1, timestamp }))
      const older = timestamp < fixture.files[0]!.modified
      // The LTX file of this test is no database: that it is chosen shows in its failure.
      const outcome = await restore(client, out).then(
        () => sha256(out),
        (error: unknown) => (isWriterError(error, 'WRITER_CORRUPT_REPLICA') ? 'ltx' : String(error)),
      )
      expect(outcome).toBe(older ? fixture.sha256 : 'ltx')
      await expect(restore(client, out, { txid: 1n, force: true })).rejects.toMatchObject({
        code: 'WRITER_CORRUPT_REPLICA',
      })
    }
  })
})

describe('a damaged backup', () => {
  /** Files of the newest generation. */
  function newest({ files }: V3Fixture): readonly string[] {
    const generation = /generations\/([^/]+)/.exec(files.at(-1)!.name)![1]!
    return files.map(({ name }) => name).filter((name) => name.includes(generation))
  }

  const cases: [string, (name: string) => boolean, (bytes: Buffer) => Buffer | undefined, string, RegExp][] = [
    ['a WAL is missing', (n) => /0000000[2]_/.test(n), () => undefined, 'WRITER_GAP', /WAL 00000002 is missing/],
    [
      'the front of a WAL is missing',
      (n) => n.includes('00000003_00000000'),
      () => undefined,
      'WRITER_GAP',
      /the front of WAL 00000003 is missing/,
    ],
    [
      'a piece in the middle of a WAL is missing',
      (n) => n.includes('00000001_00000238') || n.includes('00000001_00000450'),
      () => undefined,
      'WRITER_GAP',
      /WAL segment 00000001\/\w+ is missing: 00000001\/00000a98 follows/,
    ],
    [
      'a WAL is cut short',
      (n) => n.includes('00000004_00000238'),
      (b) => b.subarray(0, b.length - 20),
      'WRITER_CORRUPT_REPLICA',
      /Cannot read v0\.3 WAL .*\/00000004\/00000238: Cannot decode LZ4 frame/,
    ],
    [
      'a byte of a WAL is changed',
      (n) => n.includes('00000004_00000238'),
      (b) => b.fill(b[60]! ^ 1, 60, 61),
      'WRITER_CORRUPT_REPLICA',
      /LZ4 frame/,
    ],
    [
      'the snapshot is damaged',
      (n) => n.includes('/snapshots/'),
      (b) => b.subarray(0, 40),
      'WRITER_CORRUPT_REPLICA',
      /Cannot read v0\.3 snapshot/,
    ],
    [
      'the snapshot is no LZ4',
      (n) => n.includes('/snapshots/'),
      () => Buffer.from('hello, hello'),
      'WRITER_CORRUPT_REPLICA',
      /magic of LZ4/,
    ],
  ]

  test.each(cases)('%s: an error, and nothing at the output', async (_, which, change, code, message) => {
    const { fixture, client, out } = scene()
    const hit = newest(fixture).filter(which)
    expect(hit.length).toBeGreaterThan(0)
    for (const name of hit) {
      const path = join(fixture.dir, name)
      const changed = change(readFileSync(path))
      if (changed === undefined) rmSync(path)
      else writeFileSync(path, changed)
    }
    const error = await restore(client, out).catch((e: unknown) => e)
    expect(error).toMatchObject({ name: 'WriterError', code })
    expect((error as Error).message).toMatch(message)
    expect((error as { hint?: string }).hint).toMatch(/timestamp/)
    const folder = join(out, '..')
    expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([])
  })

  test('only WALs, no snapshot', async () => {
    const { fixture, client, out } = scene()
    for (const { name } of fixture.files) if (name.includes('/snapshots/')) rmSync(join(fixture.dir, name))
    await expect(restore(client, out)).rejects.toMatchObject({ code: 'WRITER_NO_BACKUP' })
  })
})
