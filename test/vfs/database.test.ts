import { describe, expect, test } from 'vitest'
import { StorageError } from '../../storage/index.ts'
import { altered } from '../support/altered-client.ts'
import { numbers } from '../support/numbers.ts'
import { BRIDGES, slow, source } from './scene.ts'

const TABLE = `CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
  ${numbers(3000)} INSERT INTO t SELECT i, 'value ' || i || ' ' || hex(randomblob(150)) FROM n;`

describe.each(BRIDGES)('Database, bridge %s', (bridge) => {
  test('is on the bridge that it says', async () => {
    const made = await source(TABLE)
    const client = slow(made.client)
    let waited = 0
    const opened = { client: Object.assign(client), replica: {} }
    const db = await made.open(bridge, opened)
    const ticking = setInterval(() => waited++, 0)
    expect(await db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 3000 })
    clearInterval(ticking)
    expect(waited).toBeGreaterThan(0) // the event loop ran while SQLite waited
  })

  test('parameters of every type, by position and by name', async () => {
    const made = await source(TABLE)
    const db = await made.open(bridge)
    const types = 'SELECT typeof(?1) AS a, typeof(?2) AS b, typeof(?3) AS c, typeof(?4) AS d, typeof(?5) AS e'
    expect(await db.get(types, [1, 1.5, 'x', new Uint8Array([1]), null])).toEqual({
      a: 'integer',
      b: 'real',
      c: 'text',
      d: 'blob',
      e: 'null',
    })
    const echo = async (value: never) => (await db.get('SELECT ? AS v', [value]))?.v
    for (const value of [0, -1, 2 ** 40, 9007199254740991, 'ü \0 😀', '', 1e300, -0.5, Infinity]) {
      expect(await echo(value as never)).toBe(value)
    }
    expect(await echo((2n ** 62n) as never)).toBe(2n ** 62n)
    expect(await echo(17n as never)).toBe(17)
    expect(await echo(true as never)).toBe(1)
    expect(await echo(NaN as never)).toBe(null)
    expect(await echo(new Uint8Array([0, 255, 3]) as never)).toEqual(new Uint8Array([0, 255, 3]))
    expect(await echo(new Float32Array([1]) as never)).toEqual(new Uint8Array([0, 0, 128, 63]))
    const named = 'SELECT :a AS a, @b AS b, $c AS c'
    expect(await db.get(named, { a: 1, '@b': 2, c: 3 })).toEqual({ a: 1, b: 2, c: 3 })
    expect(await db.get('SELECT id FROM t WHERE id = ?', [7], { rows: 'array' })).toEqual([7])
    expect(await db.get('SELECT 7 AS n', [], { integers: 'bigint' })).toEqual({ n: 7n })
    for (const [sql, parameters] of [
      ['SELECT ?', []],
      ['SELECT ?', [1, 2]],
      ['SELECT ?', [new Date()]],
      ['SELECT ?', [2n ** 63n]],
      ['SELECT ?', [undefined]],
      ['SELECT :a', { b: 1 }],
      ['SELECT :a', { a: 1, b: 2 }],
    ] as const) {
      await expect(db.get(sql, parameters as never), sql).rejects.toMatchObject({ code: 'VFS_PARAMETER' })
    }
  })

  test('what is no query', async () => {
    const made = await source(TABLE)
    const db = await made.open(bridge)
    const code = async (sql: string) => await db.all(sql).then(String, (error) => error.code)
    expect(await code('')).toBe('VFS_EMPTY_SQL')
    expect(await code(' -- nothing\n')).toBe('VFS_EMPTY_SQL')
    expect(await code('SELECT 1; SELECT 2')).toBe('VFS_MULTIPLE_STATEMENTS')
    expect(await db.all('SELECT 1 AS n; -- and that is all')).toEqual([{ n: 1 }])
    expect(await code('SELECT \0 1')).toBe('VFS_NUL_IN_SQL')
    expect(await code('SELEC 1')).toBe('VFS_SQL')
    expect(await code('BEGIN')).toBe('VFS_TRANSACTION_SQL')
    expect(await code("ATTACH '/tmp/other.db' AS o")).toBe('VFS_CANNOT_OPEN')
    await expect(db.all('SELECT nope FROM t')).rejects.toMatchObject({
      code: 'VFS_SQL',
      message: expect.stringContaining('no such column: nope'),
      at: { sql: 'SELECT nope FROM t', offset: 7, sqliteCode: 1 },
    })
    expect(await db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 3000 })
  })

  test('writes are refused with SQLite’s own code', async () => {
    const made = await source(TABLE)
    const db = await made.open(bridge)
    for (const sql of [
      'DELETE FROM t',
      "INSERT INTO t VALUES (9999, 'x')",
      'CREATE TABLE u (a)',
      'DROP TABLE t',
      'VACUUM',
    ]) {
      await expect(db.all(sql), sql).rejects.toMatchObject({ code: 'VFS_READONLY', at: { sqliteCode: 8 } })
    }
    expect(await db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 3000 })
  })

  test('rows one after the other; leaving early stops the query', async () => {
    const made = await source(TABLE)
    const db = await made.open(bridge, { poolSize: 1 })
    const ids: unknown[] = []
    for await (const { id } of db.each('SELECT id FROM t ORDER BY id')) {
      ids.push(id)
      if (ids.length === 700) break
    }
    expect(ids).toEqual(Array.from({ length: 700 }, (_, i) => i + 1))
    // The only instance is free again.
    expect(await db.get('SELECT max(id) AS n FROM t')).toEqual({ n: 3000 })
    let count = 0
    for await (const _row of db.each('SELECT * FROM t')) count++
    expect(count).toBe(3000)
    expect(await db.columns('SELECT id, v AS "the v" FROM t')).toEqual(['id', 'the v'])
    const statement = db.prepare('SELECT v FROM t WHERE id = ?')
    expect(await statement.get([5])).toMatchObject({ v: expect.stringMatching(/^value 5/) })
    expect(await statement.all([6], { rows: 'array' })).toHaveLength(1)
  })

  test('fifty queries at once, on few instances: each gets its own answer', async () => {
    const made = await source(TABLE)
    const db = await made.open(bridge, { client: slow(made.client), poolSize: 3 })
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => db.get('SELECT id, v FROM t WHERE id = ?', [1 + i * 59])),
    )
    for (const [i, row] of answers.entries()) {
      const id = 1 + i * 59
      expect(row).toMatchObject({ id, v: expect.stringMatching(new RegExp(`^value ${id} `)) })
    }
  })

  test('new transactions are seen by the next query: data, size, schema', async () => {
    const made = await source(TABLE)
    const db = await made.open(bridge)
    expect(await db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 3000 })
    made.native.exec(`DELETE FROM t WHERE id % 2 = 0; INSERT INTO t VALUES (100000, 'new')`)
    await made.upload()
    expect(await db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 1501 })
    made.native.exec('CREATE TABLE u (a, b); INSERT INTO u VALUES (1, 2); ALTER TABLE t ADD COLUMN w DEFAULT 5; VACUUM')
    await made.upload()
    expect(await db.get('SELECT a, b, w FROM u, t LIMIT 1')).toEqual({ a: 1, b: 2, w: 5 })
    expect(db.txid).toBe(3n)
    expect(await db.get('PRAGMA integrity_check')).toEqual({ integrity_check: 'ok' })
  })

  test('a transaction is one state, whatever comes meanwhile (peers.md 8.4)', async () => {
    const made = await source(TABLE)
    const db = await made.open(bridge)
    await db.transaction(async (tx) => {
      expect(await tx.get('SELECT count(*) AS n FROM t')).toEqual({ n: 3000 })
      made.native.exec('DELETE FROM t WHERE id > 50; VACUUM')
      await made.upload()
      await db.refresh()
      expect(db.txid).toBe(2n)
      expect(await tx.get('SELECT count(*) AS n, max(v) AS v FROM t')).toMatchObject({ n: 3000 })
      expect(await tx.get('PRAGMA integrity_check')).toEqual({ integrity_check: 'ok' })
      expect(await db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 50 })
    })
    await expect(
      db.transaction(async () => {
        throw new Error('changed my mind')
      }),
    ).rejects.toThrow('changed my mind')
    expect(await db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 50 })
  })

  test('older states: at, beside the newest', async () => {
    const made = await source(TABLE)
    for (let i = 0; i < 3; i++) {
      made.native.exec(`DELETE FROM t WHERE id > ${2000 - i * 500}`)
      await made.upload()
    }
    const db = await made.open(bridge)
    const count = async (at: Awaited<ReturnType<typeof db.at>>) => (await at.get('SELECT count(*) AS n FROM t'))?.n
    expect(await count(db)).toBe(1000)
    expect(await count(await db.at({ txid: 2n }))).toBe(2000)
    expect(await count(await db.at('2026-01-01T00:00:03.5Z'))).toBe(1500)
    expect(await count(await db.at(new Date(Date.UTC(2026, 0, 1, 0, 0, 1, 500))))).toBe(3000)
    expect(await count(await db.at('latest'))).toBe(1000)
    await expect(db.at('a while ago')).rejects.toMatchObject({ code: 'VFS_TIME' })
    await expect(db.at({ txid: 99n })).rejects.toMatchObject({ code: 'REPLICA_TX_NOT_AVAILABLE' })
    const old = await db.at({ txid: 1n })
    await old.close()
    expect(await count(db)).toBe(1000)
  })

  test('bookmarks and waiting', async () => {
    const made = await source(TABLE)
    const db = await made.open(bridge, { replica: { checkIntervalMs: 5 } })
    const reader = await made.open(bridge)
    made.native.exec('DELETE FROM t')
    await made.upload()
    await reader.refresh()
    expect(reader.bookmark()).toBe('0000000000000002')
    await db.waitFor(reader.bookmark())
    expect(await db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 0 })
    await expect(db.waitFor('yesterday')).rejects.toMatchObject({ code: 'VFS_BOOKMARK' })
    await expect(db.waitFor(7n, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'REPLICA_WAIT_TIMEOUT' })
    expect(db.lag().sinceCheckMs).toBeGreaterThanOrEqual(0)
  })

  test('a signal ends a query that waits, and one that computes; the database goes on', async () => {
    const made = await source(TABLE)
    const stuck = slow(made.client, { turns: 1 })
    const db = await made.open(bridge, { client: stuck, poolSize: 1 })
    const aborting = new AbortController()
    const waiting = db.get('SELECT sum(length(v)) FROM t', [], { signal: aborting.signal })
    setImmediate(() => aborting.abort(new Error('enough')))
    await expect(waiting).rejects.toThrow('enough')
    await expect(db.get('SELECT 1', [], { signal: AbortSignal.abort('no') })).rejects.toBe('no')
    const seen = new AbortController()
    let last: unknown
    const reading = async (): Promise<void> => {
      for await (const { id } of db.each('SELECT id FROM t', [], { signal: seen.signal })) {
        last = id
        if (id === 300) seen.abort(new Error('seen enough'))
      }
    }
    await expect(reading()).rejects.toThrow('seen enough')
    expect(last).toBe(300)
    expect(await db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 3000 })
  })

  test('a query that only computes lets others have their turn, and can be stopped', async () => {
    const made = await source(TABLE)
    const db = await made.open(bridge, { poolSize: 1 })
    const endless = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT'
    const rows = async (signal: AbortSignal): Promise<void> => {
      for await (const _row of db.each(`${endless} i FROM n`, [], { signal })) void _row
    }
    const running = new AbortController()
    setTimeout(() => running.abort(new Error('stop it')), 30)
    // Bridge fault gives rows out only in large parts.
    if (bridge === 'jspi') {
      await expect(rows(running.signal)).rejects.toThrow('stop it')
      const computing = new AbortController()
      setTimeout(() => computing.abort(new Error('stop that, too')), 30)
      await expect(db.get(`${endless} max(i) FROM n`, [], { signal: computing.signal })).rejects.toThrow(
        'stop that, too',
      )
    } else await expect(rows(AbortSignal.timeout(30))).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(await db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 3000 })
  })

  test('a loop of queries whose pages are at hand lets others have their turn', async () => {
    const made = await source(TABLE)
    const db = await made.open(bridge)
    const turns = async (query: (sql: string) => Promise<unknown>): Promise<number> => {
      const sql = 'SELECT v FROM t WHERE id = 1'
      await query(sql)
      let count = 0
      const ticking = setInterval(() => count++, 0)
      for (let i = 0; i < 6000; i++) await query(sql)
      clearInterval(ticking)
      return count
    }
    // One in 1,000 queries at the least.
    expect(await turns((sql) => db.get(sql))).toBeGreaterThanOrEqual(5)
    expect(await turns((sql) => db.all(sql))).toBeGreaterThanOrEqual(5)
    expect(await db.transaction((tx) => turns((sql) => tx.get(sql)))).toBeGreaterThanOrEqual(5)
  })

  test('a store that fails: its own error, and then all is well again', async () => {
    const made = await source(TABLE)
    let failing = false
    const failure = new StorageError('STORAGE_UNREACHABLE', 'no network')
    const client = new Proxy(made.client, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown
        if (name !== 'open') return typeof value === 'function' ? value.bind(target) : value
        return (...args: Parameters<typeof target.open>) => {
          if (failing && args[0].level === 0 && (args[1]?.offset ?? 0) > 0) throw failure
          return target.open(...args)
        }
      },
    })
    const db = await made.open(bridge, { client, poolSize: 1 })
    expect(await db.get('SELECT v FROM t WHERE id = 1')).toBeDefined()
    failing = true
    await expect(db.get('SELECT sum(length(v)) AS n FROM t')).rejects.toBe(failure)
    await expect(db.all('PRAGMA integrity_check')).rejects.toBe(failure) // it makes rows of read errors (rule 4.1)
    failing = false
    expect(await db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 3000 })
    expect(await db.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
  })

  test('budgets, and what a query cost', async () => {
    const made = await source(TABLE)
    const db = await made.open(bridge)
    const costs: number[] = []
    await expect(
      db.get('SELECT sum(length(v)) FROM t', [], {
        budget: { maxBytes: 20_000 },
        onCost: ({ bytes }) => costs.push(bytes),
      }),
    ).rejects.toMatchObject({ code: 'REPLICA_BUDGET' })
    expect(costs[0]).toBeLessThanOrEqual(20_000)
    expect(await db.get('SELECT count(*) AS n FROM t', [], { onCost: ({ requests }) => costs.push(requests) })).toEqual(
      {
        n: 3000,
      },
    )
    expect(costs[1]).toBeGreaterThan(0)
    const estimate = await db.explainCost('SELECT * FROM t WHERE v = ?', ['x'])
    expect(estimate).toMatchObject({ scans: ['t'], plan: ['SCAN t'] })
    expect(estimate.pages).toBeGreaterThan(50)
    expect((await db.explainCost('SELECT * FROM t WHERE id = ?', [1])).pages).toBeLessThan(10)
  })

  test('Litestream’s functions and pragmas (facts 7.2)', async () => {
    const made = await source(TABLE)
    made.native.exec('DELETE FROM t WHERE id > 10')
    await made.upload()
    const db = await made.open(bridge)
    expect(
      await db.get('SELECT litestream_txid() AS txid, litestream_time() AS time, litestream_lag() AS lag'),
    ).toEqual({
      txid: '0000000000000002',
      time: '2026-01-01T00:00:02Z',
      lag: 0,
    })
    expect(await db.get('PRAGMA litestream_txid', [], { rows: 'array' })).toEqual(['0000000000000002'])
    expect(await db.get('PRAGMA litestream_lag', [], { rows: 'array' })).toEqual(['0'])
    expect(await db.get('PRAGMA litestream_write_enabled', [], { rows: 'array' })).toEqual(['0'])
    expect(await db.get('PRAGMA litestream_hydration_progress', [], { rows: 'array' })).toEqual(['0.0'])
    for (const sql of ['PRAGMA litestream_txid = 5', 'PRAGMA litestream_write_enabled = 1']) {
      await expect(db.all(sql), sql).rejects.toMatchObject({ code: 'VFS_READONLY' })
    }
    await db.all("SELECT litestream_set_time('2026-01-01T00:00:01.5Z')")
    expect(await db.get('SELECT count(*) AS n, litestream_time() AS t FROM t')).toEqual({
      n: 3000,
      t: '2026-01-01T00:00:01.5Z',
    })
    await db.all('PRAGMA litestream_time = LATEST')
    expect(await db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 10 })
    await expect(db.all("SELECT litestream_set_time('soon')")).rejects.toMatchObject({ code: 'VFS_TIME' })
    await expect(db.all('CREATE VIEW temp.v AS SELECT litestream_set_time(1)')).resolves.toEqual([])
  })

  test('hydration: without a cache on disk there is nothing to fill', async () => {
    const made = await source(TABLE)
    const db = await made.open(bridge)
    await expect(db.hydrate()).rejects.toMatchObject({ code: 'REPLICA_USAGE' })
  })

  test('closing', async () => {
    const made = await source(TABLE)
    const db = await made.open(bridge)
    await db.get('SELECT 1')
    await db.close()
    await db.close()
    await expect(db.get('SELECT 1')).rejects.toMatchObject({ code: 'VFS_CLOSED' })
  })
})

test('an instance that met a failure keeps nothing of what it read', async () => {
  const made = await source(TABLE)
  let failing = false
  const failure = new StorageError('STORAGE_UNREACHABLE', 'no network')
  const client = altered(made.client, {
    open: (file, range) => {
      if (failing && (range?.offset ?? 0) > 0) throw failure
      return made.client.open(file, range)
    },
  })
  const db = await made.open('jspi', { client, poolSize: 1 })
  const pagesRead = async (): Promise<number> => {
    const before = db.stats()
    await db.get('SELECT v FROM t WHERE id = 1')
    return db.stats().hits + db.stats().misses - before.hits - before.misses
  }
  expect(await pagesRead()).toBeGreaterThan(0)
  expect(await pagesRead()).toBe(0)
  failing = true
  await expect(db.get('SELECT sum(length(v)) AS n FROM t')).rejects.toBe(failure)
  failing = false
  expect(await pagesRead()).toBeGreaterThan(0)
  expect(await pagesRead()).toBe(0)
})
