import { beforeAll, describe, expect, test } from 'vitest'
import { open } from '../../entry/open.ts'
import type { Cost } from '../../replica/index.ts'
import { type MemoryReplica, memoryReplica, type RequestCounts, withCounting } from '../../storage/index.ts'
import type { Database } from '../../vfs/index.ts'
import { buildMidLifeBucket, type MidLifeBucket, testPreset } from '../support/mid-life-bucket.ts'
import { suiteDir } from '../support/temp-dir.ts'
import { BRIDGES } from './scene.ts'

const dir = suiteDir()
let bucket: MidLifeBucket

/** A snapshot almost a day old and some 75 files since, of a database of a few megabytes. */
beforeAll(async () => {
  bucket = await buildMidLifeBucket({ client: memoryReplica(), dir, ...testPreset() })
})

interface Used {
  readonly requests: number
  readonly bytes: number
  readonly roundTrips: number
}

/** What requests really were made, as the storage saw them, and how often the query waited. */
async function used(db: Database, counts: RequestCounts, work: () => Promise<unknown>): Promise<Used> {
  counts.reset()
  const before: Cost = db.stats()
  await work()
  const { total, bytesIn } = counts.snapshot()
  const after = db.stats()
  expect(after.requests - before.requests).toBe(total)
  expect(after.bytes - before.bytes).toBe(bytesIn)
  return { requests: total, bytes: bytesIn, roundTrips: after.roundTrips - before.roundTrips }
}

describe.each(BRIDGES)('I/O on a mid-life bucket: bridge %s', (bridge) => {
  async function opened() {
    const { client, counts } = withCounting(memoryReplica({ bucket: (bucket.client as MemoryReplica).bucket }))
    const now = Date.now()
    const db = await open(client, { bridge, now: () => now }) // no check in between: its request is another test's
    return { db, counts }
  }

  function expectAtMost(found: Used, most: Used): void {
    for (const key of ['requests', 'bytes', 'roundTrips'] as const)
      expect(found[key], key).toBeLessThanOrEqual(most[key])
  }

  test('from nothing to the first row', async () => {
    const { client, counts } = withCounting(memoryReplica({ bucket: (bucket.client as MemoryReplica).bucket }))
    const db = await open(client, { bridge })
    expect(await db.get('SELECT id FROM orders WHERE id = 1234')).toEqual({ id: 1234 })
    expect(counts.requests.list).toBe(10)
    // A GET for each file's end, and one for its header (docs/decisions/0017).
    expectAtMost(db.stats(), { requests: 160, bytes: 230_000, roundTrips: 9 })
    expect(counts.total).toBe(db.stats().requests)
    await db.close()
  })

  test('look-ups, ranges, a scan; again, they cost nothing', async () => {
    const { db, counts } = await opened()
    const cost = (sql: string) => used(db, counts, () => db.all(sql))
    expectAtMost(await cost('SELECT payload FROM orders WHERE id = 1234'), {
      requests: 4,
      bytes: 12_000,
      roundTrips: 4,
    })
    expectAtMost(await cost('SELECT payload FROM orders WHERE id = 2345'), { requests: 2, bytes: 6_000, roundTrips: 2 })
    const email = 'SELECT name FROM customers WHERE email = (SELECT email FROM customers WHERE id = 77)'
    expectAtMost(await cost(email), { requests: 5, bytes: 16_000, roundTrips: 5 })
    const range = 'SELECT sum(length(payload)) FROM orders WHERE id BETWEEN 1000 AND 1999'
    expectAtMost(await cost(range), { requests: 90, bytes: 900_000, roundTrips: 16 })
    const scan = 'SELECT sum(length(payload)) FROM orders'
    expectAtMost(await cost(scan), { requests: 200, bytes: 1_200_000, roundTrips: 40 })
    const none = { requests: 0, bytes: 0, roundTrips: 0 }
    for (const sql of [email, range, scan, 'SELECT payload FROM orders WHERE id = 1234']) {
      expect(await cost(sql), sql).toEqual(none)
    }
    await db.close()
  })

  test('a new state costs its own file, and what of it a query reads', async () => {
    const { client, counts } = withCounting(memoryReplica({ bucket: (bucket.client as MemoryReplica).bucket }))
    const db = await open(client, { bridge, checkIntervalMs: 0 })
    await db.get('SELECT count(*) FROM customers')
    // Nothing new: one question, no bytes.
    expectAtMost(await used(db, counts, () => db.get('SELECT 1')), { requests: 1, bytes: 0, roundTrips: 1 })
    await db.close()
  })
})
