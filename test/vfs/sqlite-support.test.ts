import { expect, test } from 'vitest'
import { source } from './scene.ts'

// Holds docs/sqlite-support.md to what is so.

const HAS: Readonly<Record<string, readonly [make: string, query: string]>> = {
  'page size 512, auto_vacuum': [
    'PRAGMA page_size = 512; PRAGMA auto_vacuum = 1; CREATE TABLE t (a)',
    'SELECT * FROM t',
  ],
  'page size 65536': ['PRAGMA page_size = 65536; CREATE TABLE t (a); INSERT INTO t VALUES (1)', 'SELECT * FROM t'],
  'WITHOUT ROWID, STRICT, generated columns': [
    'CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT AS (a + 1)) STRICT, WITHOUT ROWID; INSERT INTO t VALUES (1)',
    'SELECT * FROM t',
  ],
  'JSON, JSONB': ['CREATE TABLE t (a)', `SELECT json(jsonb('{"a": [1, 2]}')) AS j, '[3]' ->> 0 AS n`],
  'date and time': [
    'CREATE TABLE t (a)',
    `SELECT date('2026-01-31', '+1 month') AS d, strftime('%s', '2026-01-01') AS s`,
  ],
  'window functions, recursive CTEs': [
    'CREATE TABLE t (a)',
    'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT i, sum(i) OVER (ORDER BY i) AS s FROM n',
  ],
  'mathematical functions, percentile': ['CREATE TABLE t (a)', 'SELECT sqrt(2) AS r, percentile(1, 50) AS p'],
  ...Object.fromEntries(
    ['unicode61', 'ascii', 'porter', 'trigram'].map((tokenizer) => [
      `FTS5, ${tokenizer}`,
      [
        `CREATE VIRTUAL TABLE t USING fts5 (a, tokenize = '${tokenizer}'); INSERT INTO t VALUES ('red hens run')`,
        `SELECT a FROM t WHERE t MATCH 'hens'`,
      ],
    ]),
  ),
  fts5vocab: [
    `CREATE VIRTUAL TABLE t USING fts5 (a); INSERT INTO t VALUES ('red hen'); CREATE VIRTUAL TABLE v USING fts5vocab (t, row)`,
    'SELECT term FROM v',
  ],
  'rtree, rtree_i32': [
    'CREATE VIRTUAL TABLE t USING rtree (id, a, b); INSERT INTO t VALUES (1, 2, 3); CREATE VIRTUAL TABLE u USING rtree_i32 (id, a, b)',
    'SELECT id FROM t WHERE a < 5',
  ],
  dbstat: ['CREATE TABLE t (a)', `SELECT pageno FROM dbstat WHERE name = 't'`],
  'the tables behind FTS4': [
    `CREATE VIRTUAL TABLE t USING fts4 (a); INSERT INTO t VALUES ('red hen')`,
    'SELECT c0a FROM t_content',
  ],
}

test.each(Object.entries(HAS))('the reader has: %s', async (_, [make, query]) => {
  const made = await source(make)
  expect(await (await made.open('jspi')).all(query)).toEqual(made.expected(query))
})

const LACKS: Readonly<Record<string, readonly [make: string, query: string, says: RegExp]>> = {
  FTS4: ['CREATE VIRTUAL TABLE t USING fts4 (a)', 'SELECT * FROM t', /needs the module fts4,/],
  FTS3: ['CREATE VIRTUAL TABLE t USING fts3 (a)', 'SELECT * FROM t', /needs the module fts3,/],
  Geopoly: ['CREATE VIRTUAL TABLE t USING geopoly (a)', 'SELECT * FROM t', /needs the module geopoly,/],
  ICU: ['CREATE TABLE t (a)', "SELECT icu_load_collation('de_DE', 'german')", /no such function: icu_load_collation/],
  'collations of an application': [
    'CREATE TABLE t (a)',
    'SELECT a FROM t ORDER BY a COLLATE german',
    /no such collation sequence/,
  ],
  load_extension: ['CREATE TABLE t (a)', "SELECT load_extension('x')", /no such function: load_extension/],
  ATTACH: ['CREATE TABLE t (a)', "ATTACH 'x.db' AS x", /./],
}

test.each(Object.entries(LACKS))('the reader lacks, and says so: %s', async (_, [make, query, says]) => {
  const db = await (await source(make)).open('jspi')
  await expect(db.all(query)).rejects.toThrow(says)
  expect(await db.get('SELECT 1 AS n')).toEqual({ n: 1 })
})

test('the version that the page names', async () => {
  const { readFileSync } = await import('node:fs')
  const page = readFileSync(new URL('../../docs/sqlite-support.md', import.meta.url), 'utf8')
  const row = await (await (await source('CREATE TABLE t (a)')).open('jspi')).get('SELECT sqlite_version() AS v')
  expect(page).toContain(`@sqlite.org/sqlite-wasm\` ${row?.v}`)
})
