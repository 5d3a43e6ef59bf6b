import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { PageCache } from '../../pagecache/index.ts'
import { Replica } from '../../replica/index.ts'
import type { Snapshot } from '../../replica/state/snapshot.ts'
import { type MemoryReplica, memoryReplica, withCounting } from '../../storage/index.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { buildMidLifeBucket, type MidLifeBucket, testPreset } from '../support/mid-life-bucket.ts'
import { suiteDir } from '../support/temp-dir.ts'
import { readState } from './read-state.ts'

const dir = suiteDir()
let bucket: MidLifeBucket

beforeAll(async () => {
  bucket = await buildMidLifeBucket({ client: memoryReplica(), dir, ...testPreset() })
})

describe('a mid-life bucket', () => {
  test('every page of the newest state is the page of a restore', async () => {
    const replica = await Replica.open(bucket.client)
    expect(replica.state).toMatchObject({ txid: bucket.txid, timestamp: bucket.timestamp, commit: bucket.commit })
    expect((await readState(replica)).equals(readFileSync(bucket.databasePath))).toBe(true)
  })

  test('older states by TXID and by time', async () => {
    const replica = await Replica.open(bucket.client)
    for (const { txid, imagePath } of bucket.states) {
      const byTXID = await replica.at({ txid })
      expect(byTXID).toMatchObject({ txid })
      expect((await readState(replica, byTXID)).equals(readFileSync(imagePath))).toBe(true)
      expect(await replica.at({ timestamp: byTXID.timestamp + 1 })).toMatchObject({ txid })
    }
  })

  test('what opening costs: four rounds of requests; a GET or two a file (its end and its header), and the roots of the trees that have changed', async () => {
    const { client, counts } = withCounting(bucket.client)
    const replica = await Replica.open(client)
    const { length } = bucket.plan
    expect(length).toBeGreaterThan(70)
    expect(counts.snapshot()).toMatchObject({ list: 10, head: 0 })
    expect(counts.requests.get).toBeLessThanOrEqual(2 * length + 20)
    expect(counts.bytesIn).toBeLessThan(220_000)
    expect(replica.cost).toMatchObject({ requests: counts.total, bytes: counts.bytesIn, roundTrips: 4 })
  })

  test('the page map takes at most 16 bytes a page', async () => {
    const replica = await Replica.open(bucket.client)
    await readState(replica)
    const { pages, bytes } = (replica.state as Snapshot).size()
    expect(pages).toBeGreaterThanOrEqual(bucket.commit - 1)
    expect(bytes).toBeLessThanOrEqual(16 * pages)
  })

  test('opened again with a store: two requests in one round (what is new, and the proof of what is known), then pages from there', async () => {
    const store = new MemoryStore()
    const objects = (bucket.client as MemoryReplica).bucket
    const first = await Replica.open(memoryReplica({ bucket: objects }), { store })
    await readState(first)
    await first.close()
    const { client, counts } = withCounting(memoryReplica({ bucket: objects }))
    const again = await Replica.open(client, { store })
    expect(counts.snapshot()).toMatchObject({ total: 2, list: 1, get: 1 })
    expect(again.cost.roundTrips).toBe(1)
    expect(again.state).toMatchObject({ txid: bucket.txid, timestamp: bucket.timestamp, commit: bucket.commit })
    expect((await readState(again)).equals(readFileSync(bucket.databasePath))).toBe(true)
    expect(counts.total).toBe(2)
  })
  test('hydration: every page once, nothing in memory, and what is read meanwhile is right', async () => {
    const store = new MemoryStore()
    const { client, counts } = withCounting(memoryReplica({ bucket: (bucket.client as MemoryReplica).bucket }))
    const cache = new PageCache({ maxBytes: 40_960 })
    const replica = await Replica.open(client, { store, cache })
    const steps: number[] = []
    const hydrating = replica.hydrate({ onProgress: ({ done }) => steps.push(done) })
    expect((await readState(replica)).equals(readFileSync(bucket.databasePath))).toBe(true)
    await hydrating
    expect(steps).toEqual([...steps].sort((a, b) => a - b))
    expect(replica.hydration).toEqual({ done: bucket.commit, total: bucket.commit })
    counts.reset()
    expect((await readState(replica)).equals(readFileSync(bucket.databasePath))).toBe(true)
    await replica.hydrate()
    expect(counts.total).toBe(0)
  })
})
