import { expect, test } from 'vitest'
import { listLevels, Replica, type ReplicaOptions } from '../../replica/index.ts'
import { withCounting } from '../../storage/index.ts'
import { altered } from '../support/altered-client.ts'
import { Bucket, EPOCH } from '../writer/restore-bucket.ts'

/** A bucket whose client has a catalog, and announcements if the test makes some. */
async function scene(states: number, options: ReplicaOptions = {}) {
  const bucket = new Bucket()
  for (let i = 0; i < states; i++) await bucket.insertAndUpload(20)
  const { client, counts } = withCounting(bucket.client)
  const store = { live: false, catalogs: 0, announce: () => {}, watches: 0 }
  const catalogued = altered(client, {
    listAll: async () => {
      store.catalogs++
      return (await listLevels(bucket.client)).flat()
    },
    watch: (onChange) => {
      store.announce = onChange
      store.watches++
      return {
        get live() {
          return store.live
        },
        close: () => {
          store.watches--
        },
      }
    },
  })
  const clock = { now: EPOCH + 10_000_000 }
  const replica = await Replica.open(catalogued, { checkIntervalMs: 1000, now: () => clock.now, ...options })
  return { bucket, replica, clock, counts, store }
}

test('opening reads the catalog once and lists nothing', async () => {
  const { counts, store, replica } = await scene(5)
  expect(store.catalogs).toBe(1)
  expect(counts.requests.list).toBe(0)
  expect(replica.state.txid).toBe(5n)
})

test('a check reads the catalog, and asks for no file that may not be there', async () => {
  const { replica, clock, counts, bucket } = await scene(5)
  counts.reset()
  for (let i = 0; i < 100; i++) {
    clock.now += 1000
    await replica.refresh()
  }
  expect(counts.snapshot()).toMatchObject({ get: 0, list: 100 }) // of L0, which the catalog answers
  await bucket.insertAndUpload(20)
  clock.now += 1000
  expect((await replica.refresh()).txid).toBe(6n)
})

test('an older state is found by the catalog’s times, without reading headers', async () => {
  const { replica, counts } = await scene(5)
  counts.reset()
  const state = await replica.at({ timestamp: EPOCH + 2001 })
  expect(state.txid).toBe(3n)
  expect(counts.requests.get).toBeLessThanOrEqual(3)
})

test('while the store announces what is new, nothing is asked', async () => {
  const { replica, clock, counts, bucket, store } = await scene(5)
  store.live = true
  counts.reset()
  for (let i = 0; i < 100; i++) {
    clock.now += 1000
    await replica.refresh()
  }
  expect(counts.total).toBe(0)
  expect(replica.lag().sinceCheckMs).toBe(0)
  await bucket.insertAndUpload(20)
  expect((await replica.refresh()).txid).toBe(5n)
  store.announce()
  expect((await replica.refresh()).txid).toBe(6n)
})

test('who asks for a check gets one, whatever was announced', async () => {
  const { replica, bucket, store } = await scene(5)
  store.live = true
  await bucket.insertAndUpload(20)
  expect((await replica.refresh({ maxAgeMs: 0 })).txid).toBe(6n)
})

test('announcements that stop are noticed: then it asks', async () => {
  const { replica, clock, bucket, store } = await scene(5)
  store.live = true
  await replica.refresh()
  store.live = false
  await bucket.insertAndUpload(20)
  clock.now += 1000
  expect((await replica.refresh()).txid).toBe(6n)
})

test('who waits for a transaction sees it as soon as it is announced', async () => {
  const { replica, bucket, store } = await scene(5, { checkIntervalMs: 3_600_000 })
  store.live = true
  const waiting = replica.waitFor(6n, { timeoutMs: 7_200_000 })
  await bucket.insertAndUpload(20)
  store.announce()
  expect((await waiting).txid).toBe(6n)
})

test('a check that fails after an announcement is made again', async () => {
  const { replica, bucket, store, counts } = await scene(5)
  store.live = true
  await bucket.insertAndUpload(20)
  store.announce()
  const { list } = bucket.client
  bucket.client.list = () => {
    throw new Error('not now')
  }
  await expect(replica.refresh()).rejects.toThrow('not now')
  bucket.client.list = list
  counts.reset()
  expect((await replica.refresh()).txid).toBe(6n)
})

test('following takes in what is announced by itself', async () => {
  const { replica, bucket, store } = await scene(5, { follow: true, checkIntervalMs: 3_600_000 })
  store.live = true
  await bucket.insertAndUpload(20)
  store.announce()
  await expect.poll(() => replica.state.txid).toBe(6n)
})

test('closing ends the subscription', async () => {
  const { replica, store } = await scene(2)
  expect(store.watches).toBe(1)
  await replica.close()
  expect(store.watches).toBe(0)
})
