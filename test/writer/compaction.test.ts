import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { LtxReader } from '../../ltx/index.ts'
import { listLevel } from '../../replica/index.ts'
import { openReplica, type ReplicaClient } from '../../storage/node.ts'
import { compactLevel } from '../../writer/compaction.ts'
import { restore } from '../../writer/restore.ts'
import { names } from '../replica/levels.ts'
import { tempDir } from '../support/temp-dir.ts'
import { Bucket, damage, EPOCH, flipBit } from './restore-bucket.ts'

async function restoresTo(client: ReplicaClient, image: Buffer, txid?: bigint): Promise<string[]> {
  const path = join(tempDir(), 'r.db')
  const { files } = await restore(client, path, txid === undefined ? {} : { txid })
  expect(readFileSync(path).equals(image)).toBe(true)
  return names(files)
}

describe('compactLevel, facts 5.4', () => {
  test('level after level, from TXID 1 on, on a directory', async () => {
    const client = await openReplica(`file://${join(tempDir(), 'replica')}`)
    const bucket = new Bucket({ client })
    for (let i = 0; i < 4; i++) await bucket.insertAndUpload(30)
    expect(await compactLevel(client, 1)).toMatchObject({
      written: { level: 1, minTXID: 1n, maxTXID: 4n },
      more: false,
    })
    for (let i = 0; i < 3; i++) await bucket.insertAndUpload(30)
    const second = await compactLevel(client, 1, { verify: true })
    expect(names(second.sources)).toEqual(['0:5-5', '0:6-6', '0:7-7'])
    expect(second).toMatchObject({ written: { minTXID: 5n, maxTXID: 7n }, faults: [] })
    expect((await compactLevel(client, 2)).written).toMatchObject({ level: 2, minTXID: 1n, maxTXID: 7n })
    expect(await compactLevel(client, 2)).toEqual({ sources: [], more: false })
    await client.delete([...(await listLevel(client, 0)), ...(await listLevel(client, 1))])
    expect(await restoresTo(client, bucket.images[7]!)).toEqual(['2:1-7'])
  })

  test('the header is that of a compacted file, facts 1.9', async () => {
    const bucket = new Bucket()
    for (let i = 0; i < 3; i++) await bucket.insertAndUpload(5)
    const { written } = await compactLevel(bucket.client, 1)
    const reader = new LtxReader((await bucket.client.open(written!))!)
    expect(await reader.header()).toMatchObject({
      flags: 2,
      minTXID: 1n,
      maxTXID: 3n,
      timestamp: EPOCH + 2000,
      walOffset: 0,
      walSize: 0,
      walSalt1: 0,
      preApplyChecksum: 0n,
    })
    await reader.close()
  })

  test('a database that shrinks', async () => {
    const bucket = new Bucket()
    await bucket.insertAndUpload(300)
    for (const sql of ['DELETE FROM t WHERE id > 9', 'VACUUM']) {
      const txid = bucket.commit(sql)
      await bucket.upload(0, txid, txid)
    }
    await compactLevel(bucket.client, 1)
    await bucket.client.delete(await listLevel(bucket.client, 0))
    await restoresTo(bucket.client, bucket.images[3]!)
  })

  test('with a position the caller knows, the destination is not listed', async () => {
    const bucket = new Bucket()
    for (let i = 0; i < 5; i++) await bucket.insertAndUpload(3)
    const { written } = await compactLevel(bucket.client, 1, { reached: 2n })
    expect(written).toMatchObject({ minTXID: 3n, maxTXID: 5n })
  })

  test('in turns, when there are too many files', async () => {
    const bucket = new Bucket({ pageSize: 512 })
    for (let i = 0; i < 5; i++) await bucket.insertAndUpload(3)
    const turns: (string | boolean)[] = []
    for (let more = true; more; ) {
      const result = await compactLevel(bucket.client, 1, { maxFiles: 2 })
      more = result.more
      turns.push(names([result.written!])[0]!, more)
    }
    expect(turns).toEqual(['1:1-2', true, '1:3-4', true, '1:5-5', false])
  })

  test('legacy frames when asked for', async () => {
    const bucket = new Bucket()
    for (let i = 0; i < 2; i++) await bucket.insertAndUpload(30)
    const block = await compactLevel(bucket.client, 1)
    const legacy = await compactLevel(bucket.client, 1, { form: 'legacy', reached: 0n })
    expect(legacy.written!.size).not.toBe(block.written!.size)
    await restoresTo(bucket.client, bucket.images[2]!)
  })

  test('abort leaves nothing', async () => {
    const bucket = new Bucket()
    await bucket.insertAndUpload(30)
    const abort = AbortSignal.abort(new Error('enough'))
    await expect(compactLevel(bucket.client, 1, { signal: abort })).rejects.toThrow('enough')
    expect(await listLevel(bucket.client, 1)).toEqual([])
  })
})

describe('local copies', () => {
  test('are used instead of downloads, for L0', async () => {
    const bucket = new Bucket()
    for (let i = 0; i < 4; i++) await bucket.insertAndUpload(30)
    const opened: string[] = []
    const client: ReplicaClient = Object.assign(Object.create(bucket.client), {
      list: bucket.client.list.bind(bucket.client),
      write: bucket.client.write.bind(bucket.client),
      open: async (file: Parameters<ReplicaClient['open']>[0]) => {
        opened.push(`${file.minTXID}`)
        return await bucket.client.open(file)
      },
    })
    await compactLevel(client, 1, {
      openLocal: async (file) => (file.minTXID === 3n ? undefined : await bucket.client.open(file)),
    })
    expect(opened).toEqual(['3'])
    await bucket.client.delete(await listLevel(bucket.client, 0))
    await restoresTo(bucket.client, bucket.images[4]!)
  })

  test.each([
    ['damaged', async () => once(new Uint8Array(500))],
    ['not readable', async () => broken()],
  ])('%s ones are replaced by downloads', async (_name, openLocal) => {
    const bucket = new Bucket()
    for (let i = 0; i < 3; i++) await bucket.insertAndUpload(30)
    await compactLevel(bucket.client, 1, { openLocal })
    await bucket.client.delete(await listLevel(bucket.client, 0))
    await restoresTo(bucket.client, bucket.images[3]!)
  })
})

describe('what is wrong in the replica', () => {
  test('a damaged input is named, and nothing is written', async () => {
    const bucket = new Bucket()
    for (let i = 0; i < 3; i++) await bucket.insertAndUpload(30)
    await damage(bucket.client, (await listLevel(bucket.client, 0))[1]!, flipBit)
    await expect(compactLevel(bucket.client, 1)).rejects.toMatchObject({
      code: 'WRITER_CORRUPT_REPLICA',
      at: { key: '0/0000000000000002-0000000000000002.ltx' },
    })
    expect(await listLevel(bucket.client, 1)).toEqual([])
  })

  test('a hole does not stop compaction (#1155): it is told, and a snapshot mends it', async () => {
    const bucket = new Bucket()
    for (let i = 0; i < 6; i++) await bucket.insertAndUpload(30)
    await bucket.client.delete([{ level: 0, minTXID: 3n, maxTXID: 3n }])
    expect(await compactLevel(bucket.client, 1)).toMatchObject({
      written: { minTXID: 1n, maxTXID: 2n },
      gap: { after: 2n, before: 4n },
    })
    expect(await compactLevel(bucket.client, 1)).toMatchObject({
      written: { minTXID: 4n, maxTXID: 6n },
      gap: { after: 2n, before: 4n },
    })
    expect(await compactLevel(bucket.client, 1)).toEqual({ sources: [], more: false })
    await bucket.upload(9, 1, 5)
    expect(await restoresTo(bucket.client, bucket.images[6]!)).toEqual(['9:1-5', '1:4-6'])
  })

  test('a hole in a higher level is filled from the one below', async () => {
    const bucket = new Bucket()
    for (let i = 0; i < 6; i++) await bucket.insertAndUpload(30)
    for (const reached of [0n, 2n, 4n]) await compactLevel(bucket.client, 1, { reached, maxFiles: 2 })
    await bucket.client.delete([{ level: 1, minTXID: 3n, maxTXID: 4n }])
    const result = await compactLevel(bucket.client, 2)
    expect(names(result.sources)).toEqual(['1:1-2', '0:3-3', '0:4-4', '1:5-6'])
    expect(result).toMatchObject({ written: { level: 2, minTXID: 1n, maxTXID: 6n } })
    expect(result.gap).toBeUndefined()
    await bucket.client.delete([...(await listLevel(bucket.client, 0)), ...(await listLevel(bucket.client, 1))])
    await restoresTo(bucket.client, bucket.images[6]!)
  })
})

async function* once(bytes: Uint8Array) {
  yield bytes
}

// biome-ignore lint/correctness/useYield: it fails before there is anything to give
async function* broken(): AsyncGenerator<Uint8Array> {
  throw new Error('I/O error')
}
