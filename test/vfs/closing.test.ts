import { describe, expect, test } from 'vitest'
import { PageCache } from '../../pagecache/index.ts'
import { SURFACE_DATABASE, SURFACE_QUERIES } from '../support/surface.ts'
import { BRIDGES, source } from './scene.ts'

const VIRTUAL = SURFACE_QUERIES.filter((sql) => /\b(notes|places)\b/.test(sql))

/** FTS5 and R-tree keep statements of their own, which SQLite lists as the connection's: they finalize them themselves. */
describe.each(BRIDGES)('virtual tables, %s', (bridge) => {
  test('the database is closed after queries of them, whichever came last', async () => {
    const from = await source(SURFACE_DATABASE)
    expect(VIRTUAL.length).toBeGreaterThan(3)
    for (const sql of VIRTUAL) {
      const replica = { cache: new PageCache({ maxBytes: 65_536 }) }
      const db = await from.open(bridge, { replica, sqliteCacheBytes: 8192, poolSize: 1 })
      expect(await db.all(sql), sql).toEqual(from.expected(sql))
      await db.close()
    }
  }, 30_000)

  test('one instance opens its database again and again after them, and gives the right rows', async () => {
    const from = await source(SURFACE_DATABASE)
    const db = await from.open(bridge, { poolSize: 1 })
    for (const sql of VIRTUAL) {
      const rows = await db.transaction(async (tx) => {
        await tx.all('CREATE TEMP TABLE left_behind (x)') // so that the database is closed at the end
        return await tx.all(sql)
      })
      expect(rows, sql).toEqual(from.expected(sql))
    }
    expect(await db.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
  }, 30_000)
})
