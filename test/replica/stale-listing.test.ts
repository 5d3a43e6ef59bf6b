import { expect, test } from 'vitest'
import { Replica } from '../../replica/index.ts'
import { listLevel } from '../../replica/plan/list-levels.ts'
import { type ReplicaClient, withCounting } from '../../storage/index.ts'
import { altered } from '../support/altered-client.ts'
import { Bucket } from '../writer/restore-bucket.ts'
import { readState } from './read-state.ts'

/** A bucket whose first transactions are compacted; what it has once begun anew goes on from there by its names alone. */
async function begunAnew() {
  const old = new Bucket()
  for (let i = 0; i < 2; i++) await old.insertAndUpload(40)
  await old.upload(1, 1, 1)
  await old.upload(1, 2, 2)
  const levelOne = await listLevel(old.client, 1)
  const listed = { old: false }
  const { client, counts } = withCounting(old.client)
  const stale = altered(client, {
    list: (level, options): ReturnType<ReplicaClient['list']> => {
      if (level === 1 && listed.old) {
        listed.old = false // once
        return (async function* () {
          yield* levelOne
        })()
      }
      return client.list(level, options)
    },
  })
  const replica = await Replica.open(stale)
  await readState(replica) // all of it is at hand now
  await old.client.deleteAll()
  const anew = new Bucket({ client: old.client })
  await anew.insertAndUpload(60)
  for (let i = 0; i < 5; i++) await anew.insertAndUpload(1)
  return { replica, anew, listed, counts }
}

test('an old listing with files that were read before is not taken together with what came since', async () => {
  const { replica, anew, listed } = await begunAnew()
  listed.old = true
  const state = await replica.at({ txid: 5n })
  expect((await readState(replica, state)).equals(anew.images[5]!)).toBe(true)
})

test('nor when what came since has been read before, too', async () => {
  const { replica, anew, listed } = await begunAnew()
  await Promise.all([replica.at({ txid: 6n }), replica.at({ txid: 4n })])
  listed.old = true
  const state = await replica.at({ txid: 5n })
  expect((await readState(replica, state)).equals(anew.images[5]!)).toBe(true)
})

test('what is made of files of one moment needs no proof, and what was proved none again', async () => {
  const bucket = new Bucket()
  for (let i = 0; i < 6; i++) await bucket.insertAndUpload(3)
  await bucket.upload(9, 1, 4)
  const { client, counts } = withCounting(bucket.client)
  const replica = await Replica.open(client)
  const gets = async (txid: bigint): Promise<number> => {
    counts.reset()
    await replica.at({ txid })
    return counts.requests.get
  }
  expect(await gets(5n)).toBe(0) // a part of what is open
  expect(await gets(3n)).toBe(3) // other files alone
  await bucket.insertAndUpload(3)
  expect(await gets(7n)).toBe(2) // a new file, and the proof
  expect(await gets(7n)).toBe(0)
})
