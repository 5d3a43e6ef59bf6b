import { describe, expect, test } from 'vitest'
import { PageCache } from '../../pagecache/index.ts'
import { MemoryReplica } from '../../storage/index.ts'
import { numbers } from '../support/numbers.ts'
import { BRIDGES, slow, source } from './scene.ts'

/** What a suspended call must not change; each rule was broken once by somebody, with wrong rows. */
describe('suspended reads, bridges 4', () => {
  test('integrity_check turns read errors into rows: none is made of a page that came late', async () => {
    const made = await source(`CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB); CREATE INDEX i ON t (v);
      ${numbers(3000)} INSERT INTO t SELECT i, randomblob(200) FROM n;`)
    for (const bridge of BRIDGES) {
      const db = await made.open(bridge)
      expect(await db.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
      expect(db.stats().misses).toBeGreaterThan(3)
    }
  })

  test('statistics that lie on another page than the schema are loaded at the start: same plans as native', async () => {
    const made = await source(`
      ${Array.from({ length: 60 }, (_, i) => `CREATE TABLE filler${i} (a, b, c, d, e, f, g, h, CHECK (a <> 'some text that makes the schema long'));`).join('\n')}
      CREATE TABLE a (x, y); CREATE INDEX ax ON a (x); CREATE INDEX ay ON a (y);
      ${numbers(5000)} INSERT INTO a SELECT i % 3, i FROM n;
      ${numbers(3000)} INSERT INTO filler1 (a, b) SELECT i, randomblob(300) FROM n;
      ANALYZE; CREATE INDEX later ON filler1 (b);`)
    const plan = 'EXPLAIN QUERY PLAN SELECT * FROM a WHERE x = 1 AND y = 7'
    for (const bridge of BRIDGES) {
      const db = await made.open(bridge)
      const details = (await db.all(plan)).map(({ detail }) => detail)
      expect(details).toEqual((made.expected(plan) as { detail: string }[]).map(({ detail }) => detail))
    }
  })

  test('again when the schema has changed', async () => {
    const made = await source(`CREATE TABLE a (x, y); CREATE INDEX ax ON a (x); CREATE INDEX ay ON a (y);
      ${numbers(5000)} INSERT INTO a SELECT i % 3, i FROM n;`)
    const plan = 'EXPLAIN QUERY PLAN SELECT * FROM a WHERE x = 1 AND y = 7'
    for (const bridge of BRIDGES) {
      const db = await made.open(bridge)
      await db.all(plan)
      made.native.exec('ANALYZE')
      await made.upload()
      const details = (await db.all(plan)).map(({ detail }) => detail)
      expect(details).toEqual((made.expected(plan) as { detail: string }[]).map(({ detail }) => detail))
    }
  })

  test('a statement runs once: random() gives each row one value, also of a result that is too large to hold', async () => {
    const made = await source(`CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB);
      ${numbers(600)} INSERT INTO t SELECT i, randomblob(60000) FROM n;`)
    for (const bridge of BRIDGES) {
      const db = await made.open(bridge)
      let next = 1
      for await (const { id, low, v } of db.each('SELECT id, v, low FROM (SELECT id, v, random() AS low FROM t)')) {
        expect(id).toBe(next++)
        expect(typeof low).not.toBe('undefined')
        expect((v as Uint8Array).length).toBe(60000)
      }
      expect(next).toBe(601)
      const picked = await db.all('SELECT id FROM t WHERE random() % 2 = 0')
      const ids = picked.map(({ id }) => id as number)
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
    }
  }, 60_000)

  test('a statement that writes is never half done: temporary rows are there once', async () => {
    const made =
      await source(`CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB); CREATE TABLE u (id INTEGER PRIMARY KEY, v BLOB);
      ${numbers(3000)} INSERT INTO t SELECT i, randomblob(300) FROM n;
      ${numbers(3000)} INSERT INTO u SELECT i, randomblob(300) FROM n;`)
    for (const bridge of BRIDGES) {
      const db = await made.open(bridge)
      const counts = await db.transaction(async (tx) => {
        await tx.all('CREATE TEMP TABLE kept (id, n)')
        await tx.all('INSERT INTO kept VALUES (0, 0)')
        await tx.all('INSERT INTO kept SELECT id, length(v) FROM t')
        const before = await tx.get('SELECT count(*) AS n, sum(n) AS s FROM kept')
        await tx.all('INSERT INTO kept SELECT -id, length(v) FROM u')
        return [
          before,
          await tx.get('SELECT count(*) AS n, sum(n) AS s FROM kept'),
          await tx.get('SELECT count(*) AS n FROM t'),
        ]
      })
      expect(counts, bridge).toEqual([{ n: 3001, s: 900_000 }, { n: 6001, s: 1_800_000 }, { n: 3000 }])
    }
  })

  test('a scan of more than the cache holds comes to an end, on both bridges', async () => {
    const made = await source(`CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB);
      ${numbers(6000)} INSERT INTO t SELECT i, randomblob(900) FROM n;`)
    for (const bridge of BRIDGES) {
      const replica = { cache: new PageCache({ maxBytes: 400_000 }) }
      const db = await made.open(bridge, { replica, sqliteCacheBytes: 65_536 })
      expect(await db.get('SELECT count(*) AS n, sum(length(v)) AS s FROM t'), bridge).toEqual({
        n: 6000,
        s: 5_400_000,
      })
      expect(db.stats().roundTrips, bridge).toBeLessThan(200)
    }
  }, 20_000)
})

describe('one call at a time, bridges 2.4', () => {
  test('memory grows while a read is suspended, and nothing is lost', async () => {
    const made = await source(`CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB);
      ${numbers(3000)} INSERT INTO t SELECT i, randomblob(2000) FROM n;`)
    for (const bridge of BRIDGES) {
      const client = slow(new MemoryReplica({ bucket: made.client.bucket }))
      const db = await made.open(bridge, { client, sqliteCacheBytes: 64 * 2 ** 20 })
      const sql = 'SELECT count(*) AS n, length(group_concat(hex(v))) AS l FROM t'
      expect(await db.get(sql), bridge).toEqual({ n: 3000, l: 3000 * 4001 - 1 })
    }
  })

  test('one instance is never entered twice: interleaved iterators on one transaction take turns', async () => {
    const made = await source(`CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB);
      ${numbers(3000)} INSERT INTO t SELECT i, randomblob(200) FROM n;`)
    for (const bridge of BRIDGES) {
      const db = await made.open(bridge, { client: slow(new MemoryReplica({ bucket: made.client.bucket })) })
      const sums = await db.transaction(async (tx) => {
        const one = async (sql: string): Promise<number> => {
          let sum = 0
          for await (const { id } of tx.each(sql)) sum += id as number
          return sum
        }
        return await Promise.all([
          one('SELECT id FROM t'),
          one('SELECT id FROM t ORDER BY id DESC'),
          one('SELECT id FROM t ORDER BY v'),
          one('SELECT id FROM t WHERE id <= 10'),
        ])
      })
      expect(sums, bridge).toEqual([4501500, 4501500, 4501500, 55])
    }
  })

  test('deep stacks: 80 nested subqueries, 400 terms of UNION, 490 levels of an expression', async () => {
    const made = await source('CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2);')
    const nested = Array.from({ length: 80 }).reduce<string>((inner) => `SELECT id FROM (${inner})`, 'SELECT id FROM t')
    const united = Array.from({ length: 400 }, (_, i) => `SELECT ${i} AS n FROM t WHERE id = 1`).join(' UNION ALL ')
    const deep = `SELECT ${'abs('.repeat(490)}-7${')'.repeat(490)} AS n`
    for (const bridge of BRIDGES) {
      const db = await made.open(bridge)
      expect(await db.all(nested), bridge).toEqual([{ id: 1 }, { id: 2 }])
      expect((await db.all(united)).length, bridge).toBe(400)
      expect(await db.get(deep), bridge).toEqual({ n: 7 })
    }
  })
})
