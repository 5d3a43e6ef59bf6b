import { describe, expect, onTestFinished, test } from 'vitest'
import { Engine } from '../../vfs/engine/engine.ts'
import { numbers } from '../support/numbers.ts'
import { BRIDGES, source } from './scene.ts'

// A statement that went through without waiting is tried without waiting the next time. Each of these fails when what is
// found out by trying is taken for the result.

const TABLE = `PRAGMA page_size = 1024; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, n INTEGER);
  ${numbers(600)} INSERT INTO t SELECT i, printf('%0200d', i), i * 10000000000000 FROM n; CREATE INDEX by_v ON t (v)`

/** How the statements that are tried end. */
function countTries(): Record<string, number> {
  const ends: Record<string, number> = {}
  const { tryEach } = Engine.prototype
  Engine.prototype.tryEach = function (...args) {
    const result = tryEach.apply(this, args)
    ends[result] = (ends[result] ?? 0) + 1
    return result
  }
  onTestFinished(() => {
    Engine.prototype.tryEach = tryEach
  })
  return ends
}

describe.each(BRIDGES)('a statement that was run before, %s', (bridge) => {
  test('gives what it gave: rows, arrays, bigints, errors, parameters of each call', async () => {
    const made = await source(TABLE)
    const db = await made.open(bridge, { poolSize: 1 })
    const ends = countTries()
    for (let i = 0; i < 3; i++) {
      for (const id of [1, 300, 600, 601]) {
        const sql = 'SELECT id, v FROM t WHERE id = ?'
        expect(await db.all(sql, [id])).toEqual(made.expected(sql, [id]))
        expect(await db.get(sql, [id])).toEqual(made.expected(sql, [id])[0])
      }
      expect(await db.get('SELECT n FROM t WHERE id = 5', [], { integers: 'bigint' })).toEqual({ n: 50000000000000n })
      expect(await db.all('SELECT id, n FROM t WHERE id < 3', [], { rows: 'array' })).toEqual([
        [1, 10000000000000],
        [2, 20000000000000],
      ])
      await expect(db.all('SELECT abs(-9223372036854775808) FROM t')).rejects.toThrow('integer overflow')
      await expect(db.all('SELECT id FROM t WHERE id = ?', [])).rejects.toMatchObject({ code: 'VFS_PARAMETER' })
      expect(await db.get('SELECT litestream_txid() AS x')).toEqual({ x: '0000000000000001' })
    }
    expect(ends).toMatchObject({ 100: expect.any(Number), 101: expect.any(Number) })
  })

  test('waits where a page is not at hand any more, and gives each row once', async () => {
    const made = await source(TABLE)
    // Little stays at hand, here and in SQLite.
    const db = await made.open(bridge, { poolSize: 1, memoryBytes: 32768, sqliteCacheBytes: 16384 })
    const ends = countTries()
    for (let i = 0; i < 4; i++) {
      for (const id of [3, 3, 3, 590, 200, 410]) {
        const sql = 'SELECT id, v FROM t WHERE id >= ? LIMIT 20'
        expect(await db.all(sql, [id])).toEqual(made.expected(sql, [id]))
      }
    }
    expect(ends.misses).toBeGreaterThan(0)
  })

  test('that computes lets the event loop go on', async () => {
    const made = await source(TABLE)
    const db = await made.open(bridge, { poolSize: 1 })
    const ends = countTries()
    const sql = 'SELECT count(*) AS c FROM t a, t b WHERE a.n + b.n > 7'
    for (let i = 0; i < 3; i++) {
      let turns = 0
      const timer = setInterval(() => turns++, 1)
      expect(await db.all(sql)).toEqual([{ c: 360000 }])
      clearInterval(timer)
      expect(turns).toBeGreaterThan(0)
    }
    expect(ends).toEqual({ computes: 1 }) // and is not tried again
  })

  test('a short one run thousands of times is no computing one', async () => {
    const db = await (await source(TABLE)).open(bridge, { poolSize: 1 })
    const ends = countTries()
    for (let i = 0; i < 3000; i++) await db.get('SELECT v FROM t WHERE id = 77')
    expect(ends[100]).toBeGreaterThan(2900)
    expect(ends.computes).toBeUndefined()
  })

  test('disturbs no iterator that is open beside it', async () => {
    const made = await source(`${TABLE}; CREATE TABLE wide (k TEXT PRIMARY KEY, p BLOB) WITHOUT ROWID;
      ${numbers(40)} INSERT INTO wide SELECT printf('k%03d', i), randomblob(4500) FROM n`)
    const db = await made.open(bridge, { poolSize: 1, memoryBytes: 8192, sqliteCacheBytes: 1 })
    await db.transaction(async (tx) => {
      const sql = 'SELECT v FROM t WHERE id = ?'
      await tx.get(sql, [9])
      await tx.get(sql, [9])
      const keys: unknown[] = []
      for await (const { k } of tx.each('SELECT k, length(p) AS n FROM wide ORDER BY k')) {
        const id = 1 + ((keys.push(k) * 97) % 600)
        expect(await tx.get(sql, [id])).toEqual(made.expected(sql, [id])[0])
      }
      expect(keys).toHaveLength(40)
    })
  })

  test('ends with its signal, and when the database is closed', async () => {
    const db = await (await source(TABLE)).open(bridge, { poolSize: 1 })
    const sql = 'SELECT v FROM t WHERE id = 77'
    for (let i = 0; i < 2; i++) await db.get(sql)
    await expect(db.get(sql, [], { signal: AbortSignal.abort(new Error('given up')) })).rejects.toThrow('given up')
    await db.close()
    await expect(db.get(sql)).rejects.toMatchObject({ code: 'VFS_CLOSED' })
  })
})
