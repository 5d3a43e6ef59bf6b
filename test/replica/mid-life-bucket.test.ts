import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { compact, LtxReader } from '../../ltx/index.ts'
import { type ByteStream, type LtxFileInfo, memoryReplica, openReplica, readAll } from '../../storage/node.ts'
import { restore } from '../../writer/index.ts'
import { checkLevel } from '../../writer/plan-compaction.ts'
import { buildMidLifeBucket, type MidLifeBucket, testPreset } from '../support/mid-life-bucket.ts'
import { SHOP_SUMS, shopSums } from '../support/mid-life-bucket-shop.ts'
import { LifeWriter } from '../support/mid-life-bucket-writer.ts'
import { tempDir } from '../support/temp-dir.ts'

const run = promisify(execFile)

const small = { ...testPreset(), secondsSince: 3 * 3600 + 754, record: false }

function ofLevel(files: readonly LtxFileInfo[], level: number): LtxFileInfo[] {
  return files.filter((file) => file.level === level)
}

async function bytesOf({ client }: MidLifeBucket, file: LtxFileInfo): Promise<Uint8Array> {
  return await readAll((await client.open(file))!)
}

async function compacted(bucket: MidLifeBucket, files: readonly LtxFileInfo[]): Promise<Uint8Array> {
  const readers = await Promise.all(files.map(async (file) => new LtxReader((await bucket.client.open(file))!)))
  return await readAll(compact(readers) as ByteStream)
}

describe('the mid-life bucket of the tests', () => {
  it('has the files a writer leaves', async () => {
    const { files, plan, txid, timestamp } = await buildMidLifeBucket({
      client: memoryReplica(),
      dir: tempDir(),
      ...testPreset(),
    })
    expect([9, 3, 2, 1, 0].map((level) => ofLevel(plan, level).length)).toEqual([1, 23, 11, 8, 30])
    expect(plan.at(-1)).toMatchObject({ maxTXID: txid, createdAt: timestamp })
    for (const level of [0, 1, 2, 3]) expect(checkLevel(ofLevel(files, level))).toEqual([])
    expect(ofLevel(files, 1).length).toBeGreaterThan(500)
    const [snapshot, straddling] = plan
    expect(straddling!.minTXID).toBe(snapshot!.maxTXID)
    const oldest = ofLevel(files, 0)[0]!
    expect(timestamp - oldest.createdAt).toBeGreaterThan(290_000)
    expect(timestamp - oldest.createdAt).toBeLessThan(320_000)
  })

  it('restores to the very databases it was made from', async () => {
    const dir = tempDir()
    const { client, states, databasePath, txid } = await buildMidLifeBucket({
      client: memoryReplica(),
      dir,
      ...testPreset(),
    })
    expect(states.length).toBeGreaterThan(5)
    for (const state of [...states, { txid, imagePath: databasePath }]) {
      const output = join(dir, 'restored.db')
      await restore(client, output, { txid: state.txid, force: true, integrityCheck: 'full' })
      expect(readFileSync(output).equals(readFileSync(state.imagePath))).toBe(true)
    }
  })

  it('has levels as compaction makes them, byte for byte', async () => {
    const bucket = await buildMidLifeBucket({ client: memoryReplica(), dir: tempDir(), ...small })
    for (const level of [1, 2, 3]) {
      let compared = 0
      for (const file of ofLevel(bucket.files, level)) {
        const sources = ofLevel(bucket.files, level - 1).filter(
          ({ minTXID, maxTXID }) => minTXID >= file.minTXID && maxTXID <= file.maxTXID,
        )
        if (sources[0]?.minTXID !== file.minTXID) continue // level 0 keeps the newest only
        expect(await compacted(bucket, sources)).toEqual(await bytesOf(bucket, file))
        compared++
      }
      expect(compared).toBeGreaterThan(2)
    }
  })

  it('is the same for the same seed, and another for another', async () => {
    const build = async (seed: number) => {
      const bucket = await buildMidLifeBucket({ client: memoryReplica(), dir: tempDir(), ...small, seed })
      return await bytesOf(bucket, bucket.plan.at(-1)!)
    }
    expect(await build(5)).toEqual(await build(5))
    expect(await build(5)).not.toEqual(await build(6))
  })

  it('goes on living', async () => {
    const dir = tempDir()
    const bucket = await buildMidLifeBucket({ client: memoryReplica(), dir, ...small })
    const writer = new LifeWriter({ ...bucket, copyPath: join(dir, 'copy.db'), shape: small.shape })
    for (let i = 0; i < 20; i++) await writer.transact()
    const output = join(dir, 'restored.db')
    const { txid } = await restore(bucket.client, output, { integrityCheck: 'full' })
    expect(txid).toBe(bucket.txid + 20n)
    const restored = new DatabaseSync(output, { readOnly: true })
    expect(shopSums(restored)).toEqual(writer.sums)
    restored.close()
    writer.close()
  })

  it.each([
    { form: 'legacy', pageSize: 4096 },
    { form: 'block', pageSize: 512 },
    { form: 'block', pageSize: 65536 },
  ] as const)('is read by Litestream 0.5.17: $form frames, pages of $pageSize bytes', async (kind) => {
    const dir = tempDir()
    const url = pathToFileURL(join(dir, 'replica')).href
    const { sums } = await buildMidLifeBucket({ client: await openReplica(url), dir, ...small, ...kind })
    const env = { ...process.env, LITESTREAM_REPLICA_URL: url, LITESTREAM_LOG_FILE: '/dev/null' }
    const reader = join(import.meta.dirname, '../litestream-vfs/reader.ts')
    const queries = [`SELECT ${SHOP_SUMS} AS sums`, 'PRAGMA integrity_check']
    const { stdout } = await run(process.execPath, [reader, ...queries], { env, timeout: 60_000 })
    const [[row], integrity] = JSON.parse(stdout)
    expect(JSON.parse(row.sums)).toEqual(sums)
    expect(integrity).toEqual([{ integrity_check: 'ok' }])
  })
})
