import { expect, test } from 'vitest'
import { listLevels } from '../../replica/index.ts'
import type { ReplicaClient } from '../../storage/index.ts'
import { restore } from '../../writer/restore.ts'
import { enforceL0Retention, enforceSnapshotRetention } from '../../writer/retention.ts'
import { names } from '../replica/levels.ts'
import { tempDir } from '../support/temp-dir.ts'
import { Bucket, EPOCH } from './restore-bucket.ts'

/** TXID n was made n - 1 seconds after EPOCH. */
async function usualBucket(): Promise<Bucket> {
  const bucket = new Bucket({ pageSize: 512 })
  for (let i = 0; i < 12; i++) await bucket.insertAndUpload(3)
  for (const max of [3, 6, 9]) await bucket.upload(9, 1, max)
  for (const [min, max] of [
    [1, 2],
    [3, 4],
    [5, 6],
    [7, 8],
  ] as const)
    await bucket.upload(1, min, max)
  for (const [min, max] of [
    [1, 4],
    [5, 8],
  ] as const)
    await bucket.upload(2, min, max)
  return bucket
}

async function listing(client: ReplicaClient): Promise<string> {
  return names((await listLevels(client)).reverse().flat()).join(' ')
}

const now = EPOCH + 6500 // TXIDs up to 7 are a second old or more

test('snapshots and what only they needed, facts 5.5', async () => {
  const bucket = await usualBucket()
  const result = await enforceSnapshotRetention(bucket.client, { now, retentionMs: 1000 })
  expect(names(result.deleted)).toEqual(['9:1-3', '9:1-6', '1:1-2', '1:3-4', '2:1-4'])
  expect(result.floor).toBe(6n)
  expect(await listing(bucket.client)).toMatch(/^9:1-9 2:5-8 1:5-6 1:7-8 0:1-1 /)
  expect((await restore(bucket.client, `${tempDir()}/r.db`, { integrityCheck: 'quick' })).txid).toBe(12n)
})

test('only levels that are configured', async () => {
  const bucket = await usualBucket()
  const result = await enforceSnapshotRetention(bucket.client, { now, retentionMs: 1000, levels: [1] })
  expect(names(result.deleted)).toEqual(['9:1-3', '9:1-6', '1:1-2', '1:3-4'])
})

test('L0 that level 1 covers, facts 5.5', async () => {
  const bucket = await usualBucket()
  const result = await enforceL0Retention(bucket.client, { now, retentionMs: 1000 })
  expect(names(result.deleted)).toEqual([1, 2, 3, 4, 5, 6].map((txid) => `0:${txid}-${txid}`))
  expect(result.deleteLocal).toEqual(result.deleted)
  const later = await enforceL0Retention(bucket.client, { now: now + 1e6, retentionMs: 1000 })
  expect(names(later.deleted)).toEqual(['0:7-7', '0:8-8'])
  expect((await restore(bucket.client, `${tempDir()}/r.db`)).txid).toBe(12n)
})

test('l0-retention 0 keeps all', async () => {
  const bucket = await usualBucket()
  const before = await listing(bucket.client)
  const result = await enforceL0Retention(bucket.client, { now: now + 1e9, retentionMs: 0 })
  expect(result).toMatchObject({ deleted: [], deleteLocal: [] })
  expect(await listing(bucket.client)).toBe(before)
})

test('retention.enabled false: remote files stay, local copies go', async () => {
  const bucket = await usualBucket()
  const before = await listing(bucket.client)
  const options = { now, retentionMs: 1000, remoteDeletes: false }
  expect((await enforceSnapshotRetention(bucket.client, options)).deleted).toEqual([])
  const l0 = await enforceL0Retention(bucket.client, options)
  expect(l0.deleted).toEqual([])
  expect(l0.deleteLocal).toHaveLength(6)
  expect(await listing(bucket.client)).toBe(before)
})

test('nothing goes while level 1 is empty', async () => {
  const bucket = new Bucket({ pageSize: 512 })
  for (let i = 0; i < 3; i++) await bucket.insertAndUpload(3)
  const result = await enforceL0Retention(bucket.client, { now: now + 1e9, retentionMs: 1000 })
  expect(result).toMatchObject({ deleted: [], deleteLocal: [] })
})
