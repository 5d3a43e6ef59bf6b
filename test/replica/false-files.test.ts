import { describe, expect, test } from 'vitest'
import { Encoder, HEADER_SIZE } from '../../ltx/index.ts'
import { fileKey, Replica } from '../../replica/index.ts'
import { type LtxFileName, type MemoryReplica, type ReplicaClient, readAll } from '../../storage/index.ts'
import { ltxHeader } from '../support/ltx-header.ts'
import { Bucket, EPOCH } from '../writer/restore-bucket.ts'
import { readState } from './read-state.ts'

/** Files too large to be read whole when they are opened. */
const LARGE = 100

function name(level: number, min: number, max = min): LtxFileName {
  return { level, minTXID: BigInt(min), maxTXID: BigInt(max) }
}

async function bytesOf(client: ReplicaClient, file: LtxFileName): Promise<Uint8Array> {
  return await readAll((await client.open(file))!)
}

/** Put bytes in the place of a file, whatever they are. */
function put(client: ReplicaClient, file: LtxFileName, bytes: Uint8Array): void {
  const { bucket } = client as MemoryReplica
  const key = `ltx/${fileKey(file)}`
  bucket.set(key, { bytes, createdAt: bucket.get(key)!.createdAt })
}

async function swap(client: ReplicaClient, one: LtxFileName, other: LtxFileName): Promise<void> {
  const [a, b] = [await bytesOf(client, one), await bytesOf(client, other)]
  put(client, one, b)
  put(client, other, a)
}

async function scene(states: number, rows: number): Promise<Bucket> {
  const bucket = new Bucket()
  for (let i = 0; i < states; i++) await bucket.insertAndUpload(rows)
  return bucket
}

/** A file with one page and a header of one's own. */
function file(bucket: Bucket, txid: number, header: { timestamp?: number; nodeID?: bigint }): Uint8Array {
  const image = bucket.images[txid]!
  const ids = { minTXID: BigInt(txid), maxTXID: BigInt(txid) }
  const timestamp = EPOCH + (txid - 1) * 1000
  const base = ltxHeader({ pageSize: 4096, commit: image.length / 4096, ...ids, timestamp })
  const encoder = new Encoder({ ...base, ...header })
  for (let pgno = 1; pgno <= image.length / 4096; pgno++) {
    encoder.encodePage(pgno, image.subarray((pgno - 1) * 4096, pgno * 4096))
  }
  encoder.finish()
  return encoder.take()
}

describe('two files with each other’s content', () => {
  test.each([
    ['small ones', 3],
    ['large ones', LARGE],
  ])('%s: refused, by name', async (_what, rows) => {
    const bucket = await scene(5, rows)
    await swap(bucket.client, name(0, 2), name(0, 3))
    await expect(Replica.open(bucket.client)).rejects.toMatchObject({
      code: 'REPLICA_DAMAGED',
      at: { key: expect.stringMatching(/^0\/000000000000000[23]/) },
    })
  })

  test('of compacted files, in the middle of a plan', async () => {
    const bucket = new Bucket()
    for (let i = 0; i < 8; i++) bucket.insert(LARGE)
    await bucket.upload(9, 1, 2)
    await bucket.upload(1, 3, 4)
    await bucket.upload(1, 5, 6)
    await bucket.upload(0, 7, 7)
    await bucket.upload(0, 8, 8)
    await swap(bucket.client, name(1, 3, 4), name(1, 5, 6))
    await expect(Replica.open(bucket.client)).rejects.toMatchObject({ code: 'REPLICA_DAMAGED' })
  })

  test('of which one comes next while following', async () => {
    const bucket = await scene(3, 3)
    const replica = await Replica.open(bucket.client, { checkIntervalMs: 0 })
    await bucket.insertAndUpload(3)
    await bucket.insertAndUpload(3)
    await swap(bucket.client, name(0, 4), name(0, 5))
    await expect(replica.refresh()).rejects.toMatchObject({ code: 'REPLICA_DAMAGED' })
    expect((await readState(replica)).equals(bucket.images[3]!)).toBe(true)
    await swap(bucket.client, name(0, 4), name(0, 5))
    await replica.refresh()
    expect((await readState(replica)).equals(bucket.images[5]!)).toBe(true)
  })
})

describe('a header that lies', () => {
  test('a clock that was put right by a second is no lie', async () => {
    const bucket = await scene(4, LARGE)
    await bucket.client.write(name(0, 3), file(bucket, 3, { timestamp: EPOCH }))
    const replica = await Replica.open(bucket.client)
    expect((await readState(replica)).equals(bucket.images[4]!)).toBe(true)
  })

  test('about the transaction before it, where the writer names that', async () => {
    const bucket = await scene(3, 3)
    const link = (own: number, before: number): bigint => (BigInt(own) << 32n) | BigInt(before)
    await bucket.client.write(name(0, 2), file(bucket, 2, { nodeID: link(22, 11) }))
    await bucket.client.write(name(0, 3), file(bucket, 3, { nodeID: link(33, 22) }))
    const replica = await Replica.open(bucket.client, { checkIntervalMs: 0 })
    bucket.insert(3)
    await bucket.client.write(name(0, 4), file(bucket, 4, { nodeID: link(44, 34) }))
    await expect(replica.refresh()).rejects.toMatchObject({ code: 'REPLICA_DAMAGED' })
    await bucket.client.write(name(0, 4), file(bucket, 4, { nodeID: link(44, 33) }))
    expect((await replica.refresh()).txid).toBe(4n)
    await bucket.client.write(name(0, 3), file(bucket, 3, { nodeID: link(33, 23) }))
    await expect(Replica.open(bucket.client)).rejects.toMatchObject({ code: 'REPLICA_DAMAGED' })
  })

  test('of a large file’s header every byte counts that is looked at: magic, page size, TXIDs', async () => {
    for (const at of [0, 8, 10, 23, 31]) {
      const bucket = await scene(3, LARGE)
      const bytes = (await bytesOf(bucket.client, name(0, 2))).slice()
      expect(bytes.length).toBeGreaterThan(HEADER_SIZE + 16 * 1024)
      bytes[at]! ^= 0x40
      put(bucket.client, name(0, 2), bytes)
      await expect(Replica.open(bucket.client), `byte ${at}`).rejects.toThrow(/0\/0000000000000002/)
    }
  })
})
