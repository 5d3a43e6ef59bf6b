import { describe, expect, test } from 'vitest'
import { isReplicaError, type PinnedPages, Replica, type ReplicaOptions } from '../../replica/index.ts'
import { type ReplicaClient, withCounting } from '../../storage/index.ts'
import { altered } from '../support/altered-client.ts'
import { Bucket, damage, EPOCH, flipBit } from '../writer/restore-bucket.ts'
import { readState } from './read-state.ts'

/** A bucket with some states, and a replica that checks whenever it is asked to. */
async function scene(states: number, options: ReplicaOptions = {}) {
  const bucket = new Bucket()
  for (let i = 0; i < states; i++) await bucket.insertAndUpload(20)
  const clock = { now: 1_000_000 }
  const { client, counts } = withCounting(bucket.client)
  const replica = await Replica.open(client, { checkIntervalMs: 0, now: () => clock.now, ...options })
  counts.reset()
  return { bucket, replica, clock, counts }
}

async function expectNewest(replica: Replica, bucket: Bucket): Promise<void> {
  const state = await replica.refresh()
  expect(state.txid).toBe(bucket.txid)
  expect((await readState(replica, state)).equals(bucket.images[Number(bucket.txid)]!)).toBe(true)
}

/** A page, or why it cannot be had. */
async function pageOrCode(pages: PinnedPages, pgno: number): Promise<Uint8Array | string> {
  try {
    return pages.get(pgno) ?? (await pages.fetch(pgno))
  } catch (error) {
    if (isReplicaError(error)) return error.code
    throw error
  }
}

function l0(...txids: readonly number[]) {
  return txids.map((txid) => ({ level: 0, minTXID: BigInt(txid), maxTXID: BigInt(txid) }))
}

describe('following', () => {
  test('nothing new: one request, no bytes, the same state', async () => {
    const { replica, counts } = await scene(3)
    const { state } = replica
    expect(await replica.refresh()).toBe(state)
    expect(counts.snapshot()).toMatchObject({ total: 1, get: 1, bytesIn: 0 })
  })

  test('idle for an hour at one check a second: one request a check, one LIST a minute, one proof in ten seconds', async () => {
    const { replica, counts, clock } = await scene(3)
    for (let second = 0; second < 3600; second++) {
      clock.now += 1000
      await replica.refresh()
    }
    expect(counts.total).toBe(3600 + 360)
    expect(counts.requests.list).toBe(60)
  })

  test('a new transaction: its file, then the question for the next ones and the proof that it goes on', async () => {
    const { bucket, replica, counts } = await scene(3)
    await bucket.insertAndUpload(20)
    const { txid } = await replica.refresh()
    expect(txid).toBe(4n)
    expect(counts.snapshot()).toMatchObject({ list: 0, get: 4 })
    await expectNewest(replica, bucket)
  })

  test('a check that was made a moment ago is good enough', async () => {
    const { bucket, replica, counts, clock } = await scene(1, { checkIntervalMs: 1000 })
    await bucket.insertAndUpload(20)
    expect((await replica.refresh()).txid).toBe(1n)
    expect(counts.total).toBe(0)
    clock.now += 1000
    expect((await replica.refresh()).txid).toBe(2n)
  })

  test('how long a check is good enough is the option’s to say', async () => {
    const { bucket, replica, counts, clock } = await scene(1, { checkIntervalMs: 5000 })
    await bucket.insertAndUpload(20)
    clock.now += 4999
    expect((await replica.refresh()).txid).toBe(1n)
    expect(counts.total).toBe(0)
    clock.now += 1
    expect((await replica.refresh()).txid).toBe(2n)
  })

  test('many who ask at once share one check', async () => {
    const { bucket, replica, counts } = await scene(1)
    await bucket.insertAndUpload(20)
    const states = await Promise.all(Array.from({ length: 20 }, () => replica.refresh()))
    expect(new Set(states.map(({ txid }) => txid))).toEqual(new Set([2n]))
    expect(counts.total).toBe(4)
  })

  test('a file larger than the question for it is read in parts', async () => {
    const { bucket, replica } = await scene(1)
    await bucket.insertAndUpload(2000)
    await expectNewest(replica, bucket)
  })

  test('VACUUM after deletes, incremental_vacuum, growth again (peers.md 8.2, 8.4)', async () => {
    const { bucket, replica } = await scene(6)
    const before = await replica.refresh()
    for (const sql of [
      'DELETE FROM t WHERE id > 40',
      'PRAGMA incremental_vacuum(1)',
      'PRAGMA incremental_vacuum',
      'VACUUM',
    ]) {
      const txid = bucket.commit(sql)
      await bucket.upload(0, txid, txid)
      await expectNewest(replica, bucket)
    }
    await bucket.insertAndUpload(500)
    await expectNewest(replica, bucket)
    // Whoever still reads the old state reads all of it.
    expect((await readState(replica, before)).equals(bucket.images[6]!)).toBe(true)
  })

  test('a compacted file that straddles the position is no obstacle (peers.md 8.5, #1460)', async () => {
    const { bucket, replica, clock } = await scene(4)
    for (let i = 0; i < 6; i++) bucket.insert(5)
    await bucket.upload(1, 3, 10)
    await bucket.client.delete(l0(1, 2, 3, 4))
    await bucket.upload(9, 1, 2)
    await bucket.upload(0, 10, 10)
    clock.now += 60_000
    await expectNewest(replica, bucket)
  })

  test('L0 files gone while nobody looked: the gap is bridged by compacted files', async () => {
    const { bucket, replica, clock } = await scene(2)
    for (let i = 0; i < 8; i++) bucket.insert(5)
    await bucket.upload(1, 1, 5)
    await bucket.upload(1, 6, 8)
    await bucket.upload(0, 9, 9)
    await bucket.upload(0, 10, 10)
    await bucket.client.delete(l0(1, 2))
    expect((await replica.refresh()).txid).toBe(2n) // believed for less than a minute
    clock.now += 60_000
    await expectNewest(replica, bucket)
  })

  test('a newer L0 entry is not overwritten by an older L1 (peers.md 8.1)', async () => {
    const { bucket, replica, clock } = await scene(1)
    for (let i = 0; i < 14; i++) bucket.commit(`UPDATE t SET v = 'round ${i}' WHERE id = 3`)
    await bucket.upload(1, 1, 15)
    bucket.commit(`UPDATE t SET v = 'last' WHERE id = 3`)
    await bucket.upload(0, 15, 15)
    await bucket.upload(0, 16, 16)
    clock.now += 60_000
    await expectNewest(replica, bucket)
  })

  test('files of a state that is being read are swept away: the same state, from other files', async () => {
    const { bucket, replica } = await scene(5)
    const pages = replica.pin(replica.state)
    await bucket.upload(1, 1, 5)
    await bucket.client.delete(l0(1, 2, 3, 4))
    const image = Buffer.alloc(replica.state.commit * 4096)
    for (let pgno = 1; pgno <= replica.state.commit; pgno++) {
      image.set(pages.get(pgno) ?? (await pages.fetch(pgno)), (pgno - 1) * 4096)
    }
    expect(image.equals(bucket.images[5]!)).toBe(true)
  })

  test('swept away, and newer transactions in the only file left: gone where pages changed (peers.md 8.8)', async () => {
    const { bucket, replica } = await scene(3, { cache: undefined as never })
    const old = replica.state
    const pages = replica.pin(old)
    bucket.commit('UPDATE t SET v = hex(randomblob(200))')
    await bucket.upload(0, 4, 4)
    await bucket.upload(9, 1, 4)
    await bucket.client.delete(l0(1, 2, 3))
    const outcomes = new Set<string>()
    for (let pgno = 1; pgno <= old.commit; pgno++) {
      try {
        const page = pages.get(pgno) ?? (await pages.fetch(pgno))
        const expected = bucket.images[3]!.subarray((pgno - 1) * 4096, pgno * 4096)
        expect(Buffer.from(page).equals(expected)).toBe(true)
        outcomes.add('right')
      } catch (error) {
        outcomes.add((error as { code: string }).code)
      }
    }
    expect(outcomes.has('REPLICA_SNAPSHOT_GONE')).toBe(true)
    await expectNewest(replica, bucket)
  })

  test('files are swept away, and the listing is an old one: the newest state stays the newest', async () => {
    const bucket = new Bucket()
    for (let i = 0; i < 3; i++) await bucket.insertAndUpload(20)
    let listed = bucket.txid
    const client = altered(bucket.client, {
      async *list(level, options) {
        for await (const file of bucket.client.list(level, options)) if (file.maxTXID <= listed) yield file
      },
    })
    const clock = { now: 1_000_000 }
    const replica = await Replica.open(client, { checkIntervalMs: 0, now: () => clock.now })
    const pages = replica.pin(replica.state)
    await bucket.insertAndUpload(20)
    await bucket.insertAndUpload(20)
    const newest = await replica.refresh()
    expect(newest.txid).toBe(5n)
    await bucket.upload(1, 1, 3)
    await bucket.client.delete(l0(1, 2))
    listed = 3n
    for (let pgno = 1; pgno <= pages.state.commit; pgno++) {
      const page = await pageOrCode(pages, pgno)
      const right = bucket.images[3]!.subarray((pgno - 1) * 4096, pgno * 4096)
      expect(typeof page === 'string' ? page === 'REPLICA_SNAPSHOT_GONE' : right.equals(page), `page ${pgno}`).toBe(
        true,
      )
    }
    expect(replica.state).toBe(newest)
    listed = 5n
    expect((await readState(replica, newest)).equals(bucket.images[5]!)).toBe(true)
  })

  test('a bucket that was emptied and begun anew: the new database, not a mix', async () => {
    const { bucket, replica, clock } = await scene(6)
    await readState(replica)
    await bucket.client.deleteAll()
    const other = new Bucket({ client: bucket.client, epoch: EPOCH + 3_600_000 })
    for (let i = 0; i < 3; i++) await other.insertAndUpload(7)
    clock.now += 60_000
    await expectNewest(replica, other)
  })

  test('a failing store: an error, never an old state; then all is well again', async () => {
    const bucket = new Bucket()
    await bucket.insertAndUpload(20)
    let failing = false
    const client = new Proxy(bucket.client, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown
        if (name !== 'open' && name !== 'list') return typeof value === 'function' ? value.bind(target) : value
        return (...args: unknown[]) => {
          if (failing) throw new Error('no network')
          return (value as (...args: unknown[]) => unknown).apply(target, args)
        }
      },
    }) as ReplicaClient
    const replica = await Replica.open(client, { checkIntervalMs: 0 })
    await bucket.insertAndUpload(20)
    failing = true
    await expect(replica.refresh()).rejects.toThrow('no network')
    failing = false
    await expectNewest(replica, bucket)
  })

  test('a next file that is damaged is named', async () => {
    const { bucket, replica } = await scene(1)
    await bucket.insertAndUpload(5)
    await damage(bucket.client, await bucket.upload(0, 2, 2), flipBit)
    await expect(replica.refresh()).rejects.toMatchObject({
      code: 'REPLICA_DAMAGED',
      at: { key: '0/0000000000000002-0000000000000002.ltx' },
    })
    expect(replica.state.txid).toBe(1n)
  })

  test('waitFor looks at once, however short ago a check was: somebody has seen it', async () => {
    const { bucket, replica, counts } = await scene(1, { checkIntervalMs: 3_600_000 })
    await bucket.insertAndUpload(5)
    expect((await replica.waitFor(2n)).txid).toBe(2n)
    expect(counts.total).toBe(4)
  })

  test('a check that was given up does not take the replica back behind what has been seen since', async () => {
    const bucket = new Bucket()
    await bucket.insertAndUpload(20)
    const answers = Promise.withResolvers<void>()
    let held = false
    const client = altered(bucket.client, {
      open: async (file, options) => {
        const found = await bucket.client.open(file, options)
        if (held) {
          held = false
          await answers.promise
        }
        return found
      },
    })
    const replica = await Replica.open(client, { checkIntervalMs: 0 })
    held = true
    await expect(replica.refresh({ signal: AbortSignal.timeout(20) })).rejects.toThrow('timeout')
    await bucket.insertAndUpload(20)
    await replica.waitFor(2n)
    answers.resolve()
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(replica.state.txid).toBe(2n)
  })

  test('waitFor', async () => {
    const { bucket, replica } = await scene(1, { now: Date.now, checkIntervalMs: 5 })
    const waited = replica.waitFor(3n)
    await bucket.insertAndUpload(5)
    await bucket.insertAndUpload(5)
    expect((await waited).txid).toBe(3n)
    await expect(replica.waitFor(9n, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'REPLICA_WAIT_TIMEOUT' })
    await expect(replica.waitFor(9n, { signal: AbortSignal.abort('enough') })).rejects.toBe('enough')
  })
})
