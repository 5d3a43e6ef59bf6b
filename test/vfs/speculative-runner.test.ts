import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Predictor } from '../../replica/index.ts'
import { memoryReplica, withCounting } from '../../storage/index.ts'
import { SpeculativeRunner } from '../../vfs/ahead/speculative-runner.ts'
import type { SurfaceContext } from '../../vfs/connection/sql-surface.ts'
import type { Database, EngineModules } from '../../vfs/index.ts'
import { numbers } from '../support/numbers.ts'
import { suiteDir } from '../support/temp-dir.ts'
import { BRIDGES, type Source, slow, source } from './scene.ts'

const CUSTOMERS = 2000
const ORDERS = 40_000
/** Time in which to run ahead; slower code needs more. */
const RTT_MS = Number(process.env.LITETAP_RTT_MS ?? 8)
const dir = suiteDir()
let shop: Source

/** A customer's orders lie all over the table, and customers of one city all over theirs. */
beforeAll(async () => {
  const schema = `
    CREATE TABLE customer (id INTEGER PRIMARY KEY, city INTEGER, name TEXT);
    CREATE INDEX by_city ON customer (city);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, amount INTEGER, payload TEXT);
    CREATE INDEX by_customer ON orders (customer);
    CREATE VIRTUAL TABLE note USING fts5(body);
    ${numbers(CUSTOMERS)} INSERT INTO customer SELECT i, (i * 7) % 50, hex(randomblob(150)) FROM n;
    ${numbers(ORDERS)} INSERT INTO orders SELECT i, 1 + (i * 7919) % ${CUSTOMERS}, i % 97, hex(randomblob(100)) FROM n;
    ${numbers(4000)} INSERT INTO note SELECT 'word' || (i % 40) || ' ' || hex(randomblob(200)) FROM n;`
  shop = await source(schema, dir)
})
afterAll(() => shop.native.close())

/** What the query gives, what it cost, and how often it waited. */
async function cold(bridge: (typeof BRIDGES)[number], sql: string, run?: (db: Database) => Promise<unknown>) {
  const counting = withCounting(slow(memoryReplica({ bucket: shop.client.bucket }), { ms: RTT_MS }))
  const db = await shop.open(bridge, { client: counting.client })
  await db.get('SELECT 1')
  counting.counts.reset()
  const before = db.stats()
  const rows = await (run ? run(db) : db.all(sql))
  const { roundTrips } = db.stats()
  const { total } = counting.counts.snapshot()
  return { rows, roundTrips: roundTrips - before.roundTrips, requests: total, db }
}

describe.each(BRIDGES)('running ahead: bridge %s', (bridge) => {
  test('rows behind an index, here and there', async () => {
    const sql = 'SELECT id, amount, payload FROM orders WHERE customer BETWEEN 700 AND 740 ORDER BY customer LIMIT 800'
    const { rows, roundTrips, requests } = await cold(bridge, sql)
    expect(rows).toEqual(shop.expected(sql))
    expect(roundTrips).toBeLessThan(60) // 730 leaves hold the 800 rows
    expect(requests).toBeLessThan(1000)
  })

  test('a join: the inner index and its rows for all outer rows together', async () => {
    const sql = `SELECT c.id, count(*) AS n, sum(o.amount) AS s FROM customer c JOIN orders o ON o.customer = c.id
      WHERE c.city = 21 GROUP BY c.id ORDER BY c.id`
    const { rows, roundTrips, requests } = await cold(bridge, sql)
    expect(rows).toEqual(shop.expected(sql))
    expect(rows).toHaveLength(40)
    expect(roundTrips).toBeLessThan(60) // 40 customers, 800 rows
    expect(requests).toBeLessThan(1100)
  })

  test('full text: segments, sizes of documents, and the best rows', async () => {
    const sql = "SELECT rowid, round(rank, 6) AS r FROM note WHERE note MATCH 'word7' ORDER BY rank, rowid LIMIT 10"
    const { rows, roundTrips } = await cold(bridge, sql)
    expect(rows).toEqual(shop.expected(sql))
    expect(roundTrips).toBeLessThan(40)
  })

  test('a look-up is not run ahead of: its path, and no page more', async () => {
    const sql = 'SELECT payload FROM orders WHERE id = 20001'
    const { rows, requests } = await cold(bridge, sql)
    expect(rows).toEqual(shop.expected(sql))
    expect(requests).toBeLessThanOrEqual(3)
  })

  test('`get` reads its first row only, so nothing is fetched for a second one', async () => {
    const first = 'SELECT o.payload FROM customer c JOIN orders o ON o.customer = c.id WHERE c.city = 33'
    const all = await cold(bridge, first)
    const one = await cold(bridge, first, (db) => db.get(first))
    expect(one.rows).toEqual(shop.expected(`${first} LIMIT 1`)[0])
    expect(one.requests).toBeLessThan(all.requests / 10)
  })

  test('what depends on values that are not there yet: right, and what is fetched in vain has a bound', async () => {
    // Each row's `amount` says where to go on: nobody can know it before it is there.
    const sql = `WITH RECURSIVE walk (id, step) AS (SELECT 17, 0 UNION ALL
      SELECT 1 + (o.id * 7 + o.amount * 131) % ${ORDERS}, step + 1 FROM walk JOIN orders o USING (id) WHERE step < 60)
      SELECT count(*) AS n, sum(id) AS s FROM walk`
    const { rows, requests } = await cold(bridge, sql)
    expect(rows).toEqual(shop.expected(sql))
    expect(requests).toBeLessThan(400)
  })

  test('temporary tables, functions with an effect, errors: the query’s business alone', async () => {
    const { db } = await cold(bridge, 'SELECT 1 AS one')
    const rows = await db.transaction(async (tx) => {
      await tx.all('CREATE TEMP TABLE some AS SELECT id FROM customer WHERE city = 8 LIMIT 3')
      return await tx.all('SELECT count(*) AS n, sum(amount) AS s FROM some JOIN orders ON customer = some.id')
    })
    const join = 'SELECT count(*) AS n, sum(amount) AS s FROM customer c JOIN orders ON customer = c.id WHERE city = 8'
    const some = 'SELECT id FROM customer WHERE city = 8 LIMIT 3'
    const count = `SELECT count(*) AS n, sum(amount) AS s FROM orders WHERE customer IN (${some})`
    expect(rows).toEqual(shop.expected(count))
    await expect(
      db.all(`SELECT json_extract(payload, '$') FROM orders WHERE customer IN (5, 600, 1200, 1800)`),
    ).rejects.toMatchObject({ code: 'VFS_SQL' })
    const set = `SELECT count(o.amount) AS n, litestream_set_time('LATEST') AS t FROM customer c JOIN orders o
      ON o.customer = c.id WHERE c.city = 44`
    expect(await db.all(set)).toEqual([{ n: 800, t: null }])
    expect(await db.all(join)).toEqual(shop.expected(join))
  })

  test('a budget is not spent on guesses', async () => {
    const sql =
      'SELECT sum(o.amount) AS s FROM customer c JOIN orders o ON o.customer = c.id WHERE c.id IN (1, 500, 900)'
    const { rows, requests } = await cold(bridge, sql, (db) => db.all(sql, [], { budget: { maxRequests: 90 } }))
    expect(rows).toEqual(shop.expected(sql))
    expect(requests).toBeLessThanOrEqual(90)
  })

  test('a query that is left early, or aborted, ends the running ahead', async () => {
    const sql = 'SELECT o.payload FROM customer c JOIN orders o ON o.customer = c.id'
    const { requests, db } = await cold(bridge, sql, async (opened) => {
      for await (const _row of opened.each(sql)) break
    })
    expect(requests).toBeLessThan(300)
    const abort = new AbortController()
    const reading = db.all(sql, [], { signal: abort.signal })
    setTimeout(() => abort.abort(), 30)
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
    expect(await db.get('SELECT count(*) AS n FROM customer')).toEqual({ n: CUSTOMERS })
  })
})

test('an instance that cannot be started is no trouble of the query', async () => {
  const speculator = new SpeculativeRunner({} as EngineModules, {})
  const query = { sql: 'SELECT 1', parameters: [], maxRows: 1, now: 0, context: {} as SurfaceContext }
  for (let i = 0; i < 2; i++) expect(await speculator.run(query, {} as Predictor, 10)).toBe(0)
  speculator.close()
})
