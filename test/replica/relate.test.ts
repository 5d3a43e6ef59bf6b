import { expect, test } from 'vitest'
import { PageCache } from '../../pagecache/index.ts'
import { Account, newCost } from '../../replica/core/account.ts'
import { type OpenSnapshotContext, openNewest } from '../../replica/state/open-snapshot.ts'
import { RangeReader } from '../../replica/state/range-reader.ts'
import { relate } from '../../replica/state/relate.ts'
import type { ReplicaClient } from '../../storage/index.ts'
import { altered } from '../support/altered-client.ts'
import { Bucket } from '../writer/restore-bucket.ts'

function contextOf(client: ReplicaClient): OpenSnapshotContext {
  const cache = new PageCache()
  return {
    client,
    reader: new RangeReader(client),
    cache,
    account: new Account([newCost()]),
    opened: new Map(),
    seen: {},
  }
}

/** A state at level 0, and the same transactions in one compacted file, after level 0 was swept. */
async function compactedMeanwhile() {
  const bucket = new Bucket()
  for (let i = 0; i < 3; i++) await bucket.insertAndUpload(20)
  const base = await openNewest(contextOf(bucket.client))
  await bucket.upload(1, 1, 3)
  await bucket.client.delete([1n, 2n, 3n].map((txid) => ({ level: 0, minTXID: txid, maxTXID: txid })))
  return { bucket, base, found: await openNewest(contextOf(bucket.client)) }
}

test('a compacted file that ends where the state did, with its time, proves that it goes on', async () => {
  const { bucket, base, found } = await compactedMeanwhile()
  const related = await relate(base, found, contextOf(bucket.client))
  expect(related.history).toBe(base.history)
  expect(related.files().map(({ info }) => info.level)).toEqual([1])
})

test('one that goes meanwhile proves nothing: the state is another history', async () => {
  const { bucket, base, found } = await compactedMeanwhile()
  const client = altered(bucket.client, { open: async () => undefined })
  const related = await relate(base, found, contextOf(client))
  expect(related).toBe(found)
  expect(related.history).not.toBe(base.history)
})
