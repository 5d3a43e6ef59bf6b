import { expect, test } from 'vitest'
import { listLevels, Replica } from '../../replica/index.ts'
import { PageMapMaker } from '../../replica/published/index.ts'
import type { LtxFileInfo, ReplicaClient } from '../../storage/index.ts'
import { StorageError, withCounting } from '../../storage/index.ts'
import { altered } from '../support/altered-client.ts'
import { seededRandom } from '../support/random.ts'
import { Bucket } from '../writer/restore-bucket.ts'
import { readState } from './read-state.ts'

async function filesOf(client: ReplicaClient): Promise<LtxFileInfo[]> {
  return (await listLevels(client, { useMetadata: true })).flat()
}

/** A bucket with a snapshot, a compacted file and some transactions since, and where it is read from. */
async function scene() {
  const bucket = new Bucket()
  for (let i = 0; i < 30; i++) bucket.insert(20)
  await bucket.upload(9, 1, 10)
  await bucket.upload(1, 11, 20)
  for (let txid = 20; txid <= 30; txid++) await bucket.upload(0, txid, txid)
  const maker = new PageMapMaker(bucket.client)
  const make = async () => (await maker.make(await filesOf(bucket.client)))!
  return { bucket, maker, make }
}

/** Open as a reader does that has a catalog, with this page map beside it. */
async function openBy(bucket: Bucket, body: Uint8Array | undefined, files?: readonly LtxFileInfo[]) {
  const { client, counts } = withCounting(bucket.client)
  const reader = altered(client, {
    listAll: async () => files ?? (await filesOf(bucket.client)),
    readPageMap: async () => body,
  })
  const replica = await Replica.open(reader)
  return { replica, counts }
}

test('opening by a page map reads no file at all, and finds every page of every transaction', async () => {
  const { bucket, make } = await scene()
  const { body, txid, files } = await make()
  expect(txid).toBe(30n)
  expect(files.map(({ level }) => level).sort()).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 9])
  const { replica, counts } = await openBy(bucket, body)
  expect(counts.requests.get).toBe(0)
  // The catalog and the page map.
  expect(replica.cost).toMatchObject({ requests: 2, roundTrips: 2, bytes: body.length })
  expect(replica.state).toMatchObject({ txid: 30n, commit: bucket.images[30]!.length / 4096 })
  const first = replica.pin(replica.state).get(1)
  expect(Buffer.from(first!)).toEqual(bucket.images[30]!.subarray(0, 4096))
  expect(await readState(replica)).toEqual(bucket.images[30])
})

test('a transaction since that is gone again: all is opened file by file; one that cannot be read is an error', async () => {
  const { bucket, make } = await scene()
  const { body } = await make()
  await bucket.insertAndUpload(20)
  const files = await filesOf(bucket.client)
  const openWith = async (failure: () => undefined) => {
    let asked = 0
    const reader = altered(bucket.client, {
      listAll: async () => files,
      readPageMap: async () => body,
      open: async (file, options) => {
        return file.level === 0 && file.maxTXID === 31n && asked++ === 0 ? failure() : bucket.client.open(file, options)
      },
    })
    return await Replica.open(reader)
  }
  const replica = await openWith(() => undefined)
  expect(replica.state.txid).toBe(31n)
  expect(await readState(replica)).toEqual(bucket.images[31])
  const failing = openWith(() => {
    throw new StorageError('STORAGE_UNREACHABLE', 'no route to host')
  })
  await expect(failing).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' })
})

test('transactions since come on top: one request each, all at once', async () => {
  const { bucket, make } = await scene()
  const { body } = await make()
  for (let i = 0; i < 5; i++) await bucket.insertAndUpload(20)
  const { replica, counts } = await openBy(bucket, body)
  expect(counts.requests.get).toBe(5)
  expect(replica.cost.roundTrips).toBe(3)
  expect(await readState(replica)).toEqual(bucket.images[35])
})

test('too many since: as without one', async () => {
  const { bucket, make } = await scene()
  const { body } = await make()
  for (let i = 0; i < 40; i++) await bucket.insertAndUpload(1)
  const { replica } = await openBy(bucket, body)
  expect(await readState(replica)).toEqual(bucket.images[70])
})

test('the next map opens only what came since', async () => {
  const { bucket, maker, make } = await scene()
  await make()
  await bucket.insertAndUpload(20)
  const before = maker.cost.requests
  const { txid } = await make()
  expect(txid).toBe(31n)
  expect(maker.cost.requests - before).toBeLessThanOrEqual(2) // the file, and page 1 or a root in it
})

test.each([
  ['a file it leads to has been deleted', async (bucket: Bucket) => bucket.client.delete([name(0, 25n, 25n)])],
  ['it is of a bucket that was emptied and begun anew', async (bucket: Bucket) => bucket.client.deleteAll()],
])('%s: it is not used', async (_what, change) => {
  const { bucket, make } = await scene()
  const { body } = await make()
  await change(bucket)
  const again = new Bucket({ client: bucket.client, epoch: 5_000_000 })
  for (let i = 0; i < 30; i++) again.insert(20)
  await again.upload(9, 1, 30)
  for (let txid = 20; txid <= 30; txid++) await again.upload(0, txid, txid)
  const { replica } = await openBy(again, body)
  expect(await readState(replica)).toEqual(again.images[30])
})

test('it is ahead of the catalog: it is not used', async () => {
  const { bucket, make } = await scene()
  const old = await filesOf(bucket.client)
  await bucket.insertAndUpload(20)
  const { body } = await make()
  const { replica } = await openBy(bucket, body, old)
  expect(replica.state.txid).toBe(30n)
  expect(await readState(replica)).toEqual(bucket.images[30])
})

test('damaged in any byte, or cut anywhere, it is not used (seed 20261125)', async () => {
  const { bucket, make } = await scene()
  const { body } = await make()
  const random = seededRandom(20261125)
  for (let i = 0; i < 60; i++) {
    const at = Math.floor(random() * body.length)
    const damaged = body.slice()
    damaged[at]! ^= 1 << Math.floor(random() * 8)
    const { replica, counts } = await openBy(bucket, i % 2 === 0 ? damaged : body.subarray(0, at))
    expect(counts.requests.get).toBeGreaterThan(0)
    expect(replica.state.txid).toBe(30n)
  }
})

test('a store that refuses it is read without it', async () => {
  const { bucket } = await scene()
  const { StorageError } = await import('../../storage/index.ts')
  const reader = altered(bucket.client, {
    listAll: async () => await filesOf(bucket.client),
    readPageMap: async () => {
      throw new StorageError('STORAGE_ACCESS_DENIED', 'no')
    },
  })
  const replica = await Replica.open(reader)
  expect(await readState(replica)).toEqual(bucket.images[30])
})

test('files that are gone while it is made: there is none', async () => {
  const { bucket, maker } = await scene()
  const files = await filesOf(bucket.client)
  await bucket.client.delete([name(0, 25n, 25n)])
  expect(await maker.make(files)).toBeUndefined()
})

function name(level: number, minTXID: bigint, maxTXID: bigint) {
  return { level, minTXID, maxTXID }
}
