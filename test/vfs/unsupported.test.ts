import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { BRIDGES, source } from './scene.ts'

describe.each(BRIDGES)('what the build of SQLite cannot do is said by name, bridge %s', (bridge) => {
  test.each(['UTF-16le', 'UTF-16be'])('%s', async (encoding) => {
    const made = await source(`PRAGMA encoding = '${encoding}'; CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x')`)
    const db = await made.open(bridge)
    const unsupported = { code: 'VFS_UNSUPPORTED', message: expect.stringContaining('UTF-16') }
    for (let i = 0; i < 2; i++) await expect(db.all('SELECT * FROM t')).rejects.toMatchObject(unsupported)
  })

  test('a module that is not there', async () => {
    const made = await source("CREATE VIRTUAL TABLE f USING fts4 (a); CREATE TABLE t (a); INSERT INTO t VALUES ('x')")
    const db = await made.open(bridge)
    const unsupported = { code: 'VFS_UNSUPPORTED', message: expect.stringContaining('fts4') }
    await expect(db.all('SELECT * FROM f')).rejects.toMatchObject(unsupported)
    expect(await db.all('SELECT * FROM t')).toEqual([{ a: 'x' }])
  })

  test('strings in double quotes, as most drivers take them; a database can forbid them', async () => {
    const made = await source('CREATE TABLE empty (x)')
    const other = new DatabaseSync(made.path, { enableDoubleQuotedStringLiterals: true })
    other.exec(`CREATE TABLE t (k TEXT); INSERT INTO t VALUES ('a'), ('b'); CREATE INDEX i ON t (k) WHERE k <> "zz";
      CREATE VIEW v AS SELECT "I-" || k AS code FROM t WHERE k = "b"; CREATE TABLE c (x DEFAULT "d" CHECK (x <> "bad"))`)
    other.close()
    await made.upload()
    const db = await made.open(bridge)
    expect(await db.all('SELECT * FROM v')).toEqual([{ code: 'I-b' }])
    expect(await db.get('SELECT "text" AS v')).toEqual({ v: 'text' })
    const strict = await made.open(bridge, { doubleQuotedStrings: false })
    await expect(strict.get('SELECT "text" AS v')).rejects.toMatchObject({ code: 'VFS_SQL' })
  })
})
