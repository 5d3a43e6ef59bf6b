import { describe, expect, test } from 'vitest'
import { listLevels, Replica, type ReplicaOptions } from '../../replica/index.ts'
import { type LtxFileName, type MemoryReplica, memoryReplica, type ReplicaClient } from '../../storage/index.ts'
import { altered } from '../support/altered-client.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { Bucket } from '../writer/restore-bucket.ts'
import { readState } from './read-state.ts'

const NEVER = new Promise<never>(() => {})

/** A replica over a store that can be made to hang, and tells which of its requests were aborted. */
async function scene(states: number, options: ReplicaOptions = {}) {
  const bucket = new Bucket()
  for (let i = 0; i < states; i++) await bucket.insertAndUpload(20)
  const store = { hangs: false, fails: undefined as Error | undefined, aborted: 0, asked: 0 }
  const client = altered(bucket.client, {
    open: async (file, range) => {
      store.asked++
      range?.signal?.addEventListener('abort', () => store.aborted++, { once: true })
      if (store.fails) throw store.fails
      if (store.hangs) await NEVER
      return await bucket.client.open(file, range)
    },
  })
  const replica = await Replica.open(client, { checkIntervalMs: 0, ...options })
  store.asked = 0
  return { bucket, replica, store, client }
}

function l0(...txids: readonly number[]): LtxFileName[] {
  return txids.map((txid) => ({ level: 0, minTXID: BigInt(txid), maxTXID: BigInt(txid) }))
}

describe('a store that answers nothing', () => {
  test('does not delay the end of a wait', async () => {
    const { replica, store } = await scene(1)
    store.hangs = true
    const begun = performance.now()
    await expect(replica.waitFor(2n, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'REPLICA_WAIT_TIMEOUT' })
    expect(performance.now() - begun).toBeLessThan(5000)
  })

  test('nor an abort, whose reason it is', async () => {
    const { replica, store } = await scene(1)
    store.hangs = true
    const controller = new AbortController()
    const waiting = replica.waitFor(2n, { signal: controller.signal })
    controller.abort('enough')
    await expect(waiting).rejects.toBe('enough')
  })

  test('nor closing: whoever waits or checks hears of it', async () => {
    const { replica, store } = await scene(1)
    store.hangs = true
    const waiting = [replica.waitFor(2n), replica.refresh()]
    const ends = Promise.allSettled(waiting)
    await replica.close()
    for (const end of await ends) expect(end).toMatchObject({ reason: { code: 'REPLICA_CLOSED' } })
    await expect(replica.waitFor(2n)).rejects.toMatchObject({ code: 'REPLICA_CLOSED' })
  })
})

test('closing ends a wait between two checks', async () => {
  const { replica } = await scene(1, { checkIntervalMs: 3_600_000 })
  const waiting = expect(replica.waitFor(2n)).rejects.toMatchObject({ code: 'REPLICA_CLOSED' })
  await new Promise((resolve) => setTimeout(resolve, 200))
  await replica.close()
  await waiting
})

describe('a check that nobody waits for any more', () => {
  test('is aborted, its requests too, and applies nothing', async () => {
    const { replica, store, bucket } = await scene(1)
    await bucket.insertAndUpload(20)
    store.hangs = true
    await expect(replica.refresh({ signal: AbortSignal.timeout(20) })).rejects.toThrow('timeout')
    expect(store.aborted).toBeGreaterThan(0)
    expect(replica.state.txid).toBe(1n)
    store.hangs = false
    expect((await replica.refresh()).txid).toBe(2n)
  })

  test('goes on while somebody else waits', async () => {
    const { replica, bucket } = await scene(1)
    await bucket.insertAndUpload(20)
    const controller = new AbortController()
    const left = replica.refresh({ signal: controller.signal })
    const stayed = replica.refresh()
    controller.abort('enough')
    await expect(left).rejects.toBe('enough')
    expect((await stayed).txid).toBe(2n)
  })

  test('is no problem of the store', async () => {
    const problems: unknown[] = []
    const { replica, store } = await scene(1, { onProblem: (error) => problems.push(error) })
    store.hangs = true
    await expect(replica.refresh({ signal: AbortSignal.timeout(20) })).rejects.toThrow('timeout')
    expect(problems).toEqual([])
    expect(replica.lag().failing).toBeUndefined()
  })
})

test('a replan that overlaps a check takes the replica back behind neither', async () => {
  const { bucket, client } = await scene(5)
  let held: { readonly until: Promise<void>; readonly levels: Awaited<ReturnType<typeof listLevels>> } | undefined
  const slow = altered(client, {
    async *list(level, options) {
      await held?.until
      if (held) yield* held.levels[level]!
      else yield* bucket.client.list(level, options)
    },
  })
  const replica = await Replica.open(slow, { checkIntervalMs: 0 })
  const old = replica.state
  const pages = replica.pin(old)
  await bucket.upload(1, 1, 5)
  await bucket.client.delete(l0(1, 2, 3, 4))
  const { promise: until, resolve } = Promise.withResolvers<void>()
  held = { until, levels: await listLevels(bucket.client) }
  const image = bucket.images[5]!
  const reading = (async () => {
    for (let pgno = 1; pgno <= old.commit; pgno++) {
      const page = pages.get(pgno) ?? (await pages.fetch(pgno))
      expect(image.subarray((pgno - 1) * 4096, pgno * 4096).equals(page)).toBe(true)
    }
  })()
  await new Promise((turn) => setTimeout(turn, 20)) // the replan's listing is from before the next transaction
  await bucket.insertAndUpload(20)
  expect((await replica.refresh()).txid).toBe(6n)
  resolve()
  await reading
  held = undefined
  expect(replica.state.txid).toBe(6n)
  expect((await readState(replica)).equals(bucket.images[6]!)).toBe(true)
})

describe('following', () => {
  test('that fails shows: told once a streak, and in lag()', async () => {
    const problems: unknown[] = []
    const onProblem = (error: unknown): void => {
      problems.push(error)
      throw new Error('of whoever is told')
    }
    const { replica, store, bucket } = await scene(1, { follow: true, checkIntervalMs: 5, onProblem })
    store.fails = new Error('no network')
    await expect.poll(() => replica.lag().failing).toBe(store.fails)
    const { asked } = store
    await expect.poll(() => store.asked).toBeGreaterThan(asked + 3)
    expect(problems).toEqual([store.fails])
    store.fails = undefined
    await bucket.insertAndUpload(20)
    await expect.poll(() => replica.state.txid).toBe(2n)
    expect(replica.lag().failing).toBeUndefined()
    store.fails = new Error('again')
    await expect.poll(() => problems.length).toBe(2)
    await replica.close()
  })

  test('over a store that answers nothing asks once', async () => {
    const { replica, store } = await scene(1, { follow: true, checkIntervalMs: 5 })
    store.hangs = true
    await new Promise((resolve) => setTimeout(resolve, 100))
    const { asked } = store
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(store.asked).toBe(asked)
    await replica.close()
  })
})

test('a saved state that cannot be refreshed leaves nothing behind', async () => {
  const store = new MemoryStore()
  const { bucket, replica } = await scene(2, { store })
  await replica.pin(replica.state).fetch(1)
  await replica.close()
  const { bucket: objects } = bucket.client as MemoryReplica
  let watches = 0
  let asked = 0
  const watched: ReplicaClient = altered(memoryReplica({ bucket: objects }), {
    open: async () => {
      asked++
      throw new Error('no network')
    },
    watch: () => {
      watches++
      return { live: false, close: () => watches-- }
    },
  })
  await expect(Replica.open(watched, { store, follow: true, checkIntervalMs: 5 })).rejects.toThrow('no network')
  expect(watches).toBe(0)
  const before = asked
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(asked).toBe(before)
})
