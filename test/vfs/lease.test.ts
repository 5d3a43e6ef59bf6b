import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Queries, Row } from '../../vfs/index.ts'
import { numbers } from '../support/numbers.ts'
import { BRIDGES, source } from './scene.ts'

const WIDE = `CREATE TABLE t (id INTEGER PRIMARY KEY, k TEXT, v BLOB);
  ${numbers(2000)} INSERT INTO t SELECT i, 'k' || i, randomblob(1500) FROM n;`

describe.each(BRIDGES)('Lease, bridge %s', (bridge) => {
  test('a short answer is one batch for whoever wants all of it: it gives no turn away to busier readers', async () => {
    const db = await (await source(WIDE)).open(bridge)
    // Long enough for a turn to be due, within so few of SQLite's steps that it never asks.
    const sql = 'SELECT k, length(hex(zeroblob(700000 + id))) AS n FROM t WHERE id < 20'
    await db.transaction(async (tx) => {
      expect(await tx.all(sql)).toHaveLength(19)
      await delay(1)
      let turned = false
      const turn = setImmediate(() => {
        turned = true
      })
      const begun = performance.now()
      expect(await tx.all(sql)).toHaveLength(19)
      expect(performance.now() - begun).toBeGreaterThan(12)
      expect(turned).toBe(false)
      clearImmediate(turn)
    })
  })

  test('a write happens once, also when SQLite makes nothing of a miss (bridges.md 4, rules 1 and 4)', async () => {
    const check = "SELECT integrity_check AS x FROM pragma_integrity_check('t')"
    const db = await (await source(WIDE)).open(bridge)
    const found = await db.transaction(async (tx) => {
      await tx.all('CREATE TEMP TABLE r (x)')
      await tx.all(`INSERT INTO r ${check}`)
      return await tx.all('SELECT x FROM r')
    })
    expect(found).toEqual([{ x: 'ok' }])
    const again = await (await source(WIDE)).open(bridge)
    const made = await again.transaction(async (tx) => {
      await tx.all(`CREATE TEMP TABLE r AS ${check}`)
      return await tx.all('SELECT x FROM r')
    })
    expect(made).toEqual([{ x: 'ok' }])
  })

  test('a write that fails or meets a miss leaves what was written before it as it was', async () => {
    const db = await (await source(WIDE)).open(bridge)
    await db.transaction(async (tx) => {
      await tx.all('CREATE TEMP TABLE r (x UNIQUE)')
      await tx.all('INSERT INTO r SELECT random() FROM (VALUES (1), (2), (3))')
      const before = await tx.all('SELECT x FROM r ORDER BY x')
      await expect(tx.all('INSERT INTO r SELECT x FROM r')).rejects.toMatchObject({ code: 'VFS_SQL' })
      await tx.all('CREATE TEMP TABLE s AS SELECT k FROM t WHERE length(v) = 1500')
      expect(await tx.all('SELECT x FROM r ORDER BY x')).toEqual(before)
      expect(await tx.get('SELECT count(*) AS n FROM s')).toEqual({ n: 2000 })
    })
  })

  test('what goes on after its transaction is refused, and disturbs nobody', async () => {
    const made = await source(WIDE)
    const db = await made.open(bridge, { poolSize: 1 })
    let rows: AsyncGenerator<Row> | undefined
    let late: Queries | undefined
    let unawaited: Promise<unknown> | undefined
    await db.transaction(async (tx) => {
      late = tx
      rows = tx.each('SELECT id, v FROM t ORDER BY k')
      await rows.next()
      unawaited = tx.all('SELECT sum(length(v)) AS n FROM t').catch((error: unknown) => error)
    })
    made.native.exec('UPDATE t SET v = NULL')
    await made.upload()
    expect(await db.get('SELECT count(v) AS n FROM t')).toEqual({ n: 0 })
    await unawaited
    const rest = async (): Promise<void> => {
      for await (const _row of rows ?? []) void _row
    }
    await expect(rest()).rejects.toMatchObject({ code: 'VFS_CLOSED' })
    await expect(late?.get('SELECT 1')).rejects.toMatchObject({ code: 'VFS_CLOSED' })
    expect(await db.get('SELECT count(v) AS n FROM t')).toEqual({ n: 0 })
  })

  test('the first row costs what the first row takes', async () => {
    const db = await (await source(WIDE)).open(bridge)
    await db.get('SELECT 1 FROM t LIMIT 1')
    const before = db.stats()
    await db.get('SELECT * FROM t')
    expect(db.stats().misses + db.stats().hits - before.misses - before.hits).toBeLessThan(12)
  })

  test('a time without a state fails one query; SQL can ask for another', async () => {
    const db = await (await source(WIDE)).open(bridge)
    await db.get("SELECT litestream_set_time('2000-01-01T00:00:00Z')")
    await expect(db.get('SELECT 1')).rejects.toMatchObject({ code: 'REPLICA_TX_NOT_AVAILABLE' })
    expect(await db.get("SELECT litestream_set_time('LATEST') AS x")).toEqual({ x: null })
    expect(await db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 2000 })
  })
})

test('the first row of a stream does not wait for the next ones', async () => {
  const db = await (await source('CREATE TABLE t (id)')).open('jspi')
  const endless =
    'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 4 OR i > 1e15'
  const found: unknown[] = []
  const stop = new AbortController()
  await expect(async () => {
    for await (const { i } of db.each(endless, [], { signal: stop.signal })) {
      if (found.push(i) === 2) setTimeout(() => stop.abort(new Error('enough')), 50)
    }
  }).rejects.toThrow('enough')
  expect(found).toEqual([1, 2])
})
