import { describe, expect, test } from 'vitest'
import { BRIDGES, type Source, source } from './scene.ts'

const TABLE = `CREATE TABLE t (v TEXT); INSERT INTO t VALUES ('Abc')`

/** What SQLite skips in front of a statement, and a program that looks for a first word does not expect. */
const PREFIXES = ['', '\uFEFF', ' \v', ';;\n', '/* a */ -- b\n', '\f\t']

const open = (made: Source, bridge: (typeof BRIDGES)[number]) => made.open(bridge, { poolSize: 1 })

describe.each(BRIDGES)('what one query leaves behind is gone for the next one, bridge %s', (bridge) => {
  test.each(PREFIXES)('after %j: settings, attached databases, transactions', async (prefix) => {
    const made = await source(TABLE)
    const db = await open(made, bridge)
    const run = (sql: string): Promise<unknown> => db.all(prefix + sql).catch((error: { code: string }) => error.code)
    await run('PRAGMA case_sensitive_like = 1')
    expect(await db.all("SELECT v FROM t WHERE v LIKE 'abc'")).toEqual([{ v: 'Abc' }])
    await run("ATTACH ':memory:' AS m")
    expect(await db.all('SELECT name FROM pragma_database_list')).toEqual([{ name: 'main' }])
    for (const sql of ['BEGIN', 'SAVEPOINT s', 'COMMIT', 'END', 'ROLLBACK', 'RELEASE s']) {
      expect(await run(sql), sql).toBe('VFS_TRANSACTION_SQL')
    }
    await run('CREATE TEMP TABLE kept (x)')
    expect(await db.all("SELECT name FROM sqlite_temp_schema WHERE name = 'kept'")).toEqual([])
    await run('PRAGMA temp_store = 1')
    await run('PRAGMA query_only = 1')
    made.native.exec("UPDATE t SET v = 'new'")
    await made.upload()
    expect(await db.all('SELECT * FROM t')).toEqual([{ v: 'new' }])
    expect(await db.get('PRAGMA query_only')).toEqual({ query_only: 0 })
  })

  test('several statements are refused, whatever stands between them, and the second one has no effect', async () => {
    const made = await source(TABLE)
    const db = await open(made, bridge)
    for (const between of [';', '; \v', ';\uFEFF', '; -- a\n', '; /* b */ ', ';;;']) {
      const sql = `SELECT v FROM t${between}PRAGMA case_sensitive_like = 1`
      await expect(db.all(sql), JSON.stringify(between)).rejects.toMatchObject({ code: 'VFS_MULTIPLE_STATEMENTS' })
    }
    await expect(db.all('SELECT 1; no SQL')).rejects.toMatchObject({ code: 'VFS_MULTIPLE_STATEMENTS' })
    expect(await db.all("SELECT v FROM t WHERE v LIKE 'abc'")).toEqual([{ v: 'Abc' }])
    for (const after of [';', '; ', ';;', '; -- end', ' /* end */ ;', ';\n/* unfinished']) {
      expect(await db.all(`SELECT v FROM t${after}`), JSON.stringify(after)).toEqual([{ v: 'Abc' }])
    }
  })

  test('a pragma that only answers costs nothing: the connection and its pages stay', async () => {
    const made = await source(TABLE)
    const db = await open(made, bridge)
    await db.all('SELECT * FROM t')
    const pragmas = [
      'PRAGMA table_info(t)',
      'PRAGMA user_version',
      'SELECT * FROM pragma_table_list',
      'PRAGMA page_count',
    ]
    for (const sql of pragmas) await db.all(sql)
    const before = db.stats().hits
    await db.all('SELECT * FROM t')
    expect(db.stats().hits).toBe(before)
  })

  test('VACUUM, ANALYZE and other writes are refused as before', async () => {
    const made = await source(TABLE)
    const db = await open(made, bridge)
    for (const sql of ['VACUUM', 'ANALYZE', 'INSERT INTO t VALUES (1)', 'DROP TABLE t']) {
      await expect(db.all(sql), sql).rejects.toMatchObject({ code: 'VFS_READONLY' })
    }
    expect(await db.all('SELECT v FROM t')).toEqual([{ v: 'Abc' }])
  })
})
