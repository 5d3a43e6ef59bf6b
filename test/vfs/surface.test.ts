import { describe, expect, test } from 'vitest'
import { numbers } from '../support/numbers.ts'
import { SURFACE_DATABASE, SURFACE_QUERIES } from '../support/surface.ts'
import { BRIDGES, rows, source } from './scene.ts'

describe.each(BRIDGES)('SQLite’s surface, cold: bridge %s', (bridge) => {
  test('every query as the system’s SQLite answers it', async () => {
    const made = await source(SURFACE_DATABASE)
    for (const sql of SURFACE_QUERIES) {
      // A page cache of SQLite's own too small for anything: everything is read again and again.
      const db = await made.open(bridge, { sqliteCacheBytes: 8192 })
      expect(await rows(db, sql), sql).toEqual(made.expected(sql))
      await db.close()
    }
  }, 120_000)

  test.each([512, 1024, 2048, 4096, 8192, 16384, 32768, 65536])('pages of %i bytes', async (pageSize) => {
    const made = await source(`PRAGMA page_size = ${pageSize}; PRAGMA auto_vacuum = full;
      CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB); CREATE INDEX by_v ON t (v);
      ${numbers(400)} INSERT INTO t SELECT i, randomblob(i * 3) FROM n; DELETE FROM t WHERE id % 3 = 0;`)
    const db = await made.open(bridge)
    for (const sql of ['SELECT * FROM t ORDER BY v', 'SELECT id FROM t WHERE id > 100', 'PRAGMA integrity_check']) {
      expect(await rows(db, sql), sql).toEqual(made.expected(sql))
    }
  })

  test('sorts larger than any cache, and temporary tables', async () => {
    const made = await source(`CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
      ${numbers(20_000)} INSERT INTO t SELECT i, hex((i * 7919) % 20011) || hex(zeroblob(100)) FROM n;`)
    const db = await made.open(bridge, { sqliteCacheBytes: 65536 })
    const sorted = 'SELECT id FROM t ORDER BY v DESC, id'
    expect(await db.all(sorted)).toEqual(made.expected(sorted))
    const both = await db.transaction(async (tx) => {
      await tx.all('CREATE TEMP TABLE few AS SELECT id, v FROM t WHERE id % 50 = 0')
      await tx.all('CREATE INDEX temp.few_v ON few (v)')
      await tx.all("INSERT INTO few SELECT -id, 'x' FROM t WHERE id % 1000 = 7")
      return [await tx.get('SELECT count(*) AS n FROM few'), await tx.get('SELECT count(*) AS n FROM few WHERE id < 0')]
    })
    expect(both).toEqual([{ n: 420 }, { n: 20 }])
    await expect(db.all('SELECT * FROM few')).rejects.toMatchObject({ code: 'VFS_SQL' })
  })
})
