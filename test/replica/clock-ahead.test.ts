import { expect, test } from 'vitest'
import { Replica } from '../../replica/index.ts'
import { Bucket, EPOCH } from '../writer/restore-bucket.ts'
import { readState } from './read-state.ts'

const HOUR = 3_600_000
/** The primary's clock is an hour ahead for transactions 3 to 5. */
const time = (txid: number): number => EPOCH + txid * 1000 + (txid >= 3 && txid <= 5 ? HOUR : 0)

const l0 = (...txids: readonly number[]) =>
  txids.map((txid) => ({ level: 0, minTXID: BigInt(txid), maxTXID: BigInt(txid) }))

async function expectNewest(replica: Replica, bucket: Bucket): Promise<void> {
  const state = await replica.refresh()
  expect(state.txid).toBe(bucket.txid)
  expect((await readState(replica, state)).equals(bucket.images[Number(bucket.txid)]!)).toBe(true)
}

test('a reader follows a primary whose clock was ahead for a while', async () => {
  const bucket = new Bucket({ time })
  await bucket.insertAndUpload(20)
  const replica = await Replica.open(bucket.client, { checkIntervalMs: 0 })
  for (let txid = 2; txid <= 8; txid++) {
    await bucket.insertAndUpload(20)
    await expectNewest(replica, bucket)
  }
})

test.each([
  ['all files', []],
  ['a snapshot made after that', [1, 2, 3, 4]],
  ['a snapshot made after that, and what it covers swept away', [1, 2, 3, 4, 5]],
])('it can be opened: %s', async (_what, swept) => {
  const bucket = new Bucket({ time })
  for (let txid = 1; txid <= 8; txid++) await bucket.insertAndUpload(20)
  if (swept.length > 0) {
    await bucket.upload(9, 1, 6)
    await bucket.client.delete(l0(...swept))
  }
  await expectNewest(await Replica.open(bucket.client, { checkIntervalMs: 0 }), bucket)
})

test('a snapshot that ends while the clock was ahead, followed by right times', async () => {
  const bucket = new Bucket({ time })
  for (let txid = 1; txid <= 7; txid++) await bucket.insertAndUpload(20)
  await bucket.upload(9, 1, 5)
  await bucket.client.delete(l0(1, 2, 3, 4, 5))
  await expectNewest(await Replica.open(bucket.client, { checkIntervalMs: 0 }), bucket)
})
