import { expect, test } from 'vitest'
import { PageCache } from '../../pagecache/index.ts'
import { Replica } from '../../replica/index.ts'
import { saveSnapshot } from '../../replica/published/save-snapshot.ts'
import { loadSnapshot } from '../../replica/published/saved-snapshot.ts'
import type { Snapshot } from '../../replica/state/snapshot.ts'
import { Bucket } from '../writer/restore-bucket.ts'

/** A bucket of three states of one size each, of one moment each. */
async function history(): Promise<Bucket> {
  const bucket = new Bucket()
  for (let i = 0; i < 3; i++) await bucket.insertAndUpload(20)
  return bucket
}

test('two histories with equal TXIDs, times and sizes have states of different identity', async () => {
  const [one, other] = [await history(), await history()]
  const [a, b] = [(await Replica.open(one.client)).state, (await Replica.open(other.client)).state]
  expect([a.txid, a.timestamp, a.commit]).toEqual([b.txid, b.timestamp, b.commit])
  expect(a.identity).not.toBe(b.identity)
})

test('they differ, too, when only an older transaction does', async () => {
  const [one, other] = [await history(), await history()]
  for (const bucket of [one, other]) bucket.commit("INSERT INTO t VALUES (1000, 'the same')")
  await one.upload(0, 4, 4)
  const last = one.encode(4n, 4n)
  await other.client.write({ level: 0, minTXID: 4n, maxTXID: 4n }, last)
  const [a, b] = [(await Replica.open(one.client)).state, (await Replica.open(other.client)).state]
  expect(a.identity).not.toBe(b.identity)
})

test('a state has one identity, whether it was followed to, opened or loaded', async () => {
  const bucket = await history()
  const following = await Replica.open(bucket.client, { checkIntervalMs: 0 })
  const before = following.state
  await bucket.insertAndUpload(20)
  const followed = await following.refresh()
  const opened = (await Replica.open(bucket.client)).state
  expect(followed.identity).not.toBe(before.identity)
  expect(followed.identity).toBe(opened.identity)
  expect(loadSnapshot(saveSnapshot(opened as Snapshot), new PageCache())?.identity).toBe(opened.identity)
})
