import { expect, onTestFinished, test } from 'vitest'
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

const ZONES = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Pacific/Chatham']
const MOMENTS = [
  '2026-01-15 12:00:00',
  '2026-07-15 23:30:00',
  '2026-03-29 00:59:59',
  '2026-03-29 01:00:00',
  '2024-12-31 23:59:59',
]

// Each zone in a process's own environment: Node reads TZ whenever it is set.
test.each(ZONES)('local time, in %s', async (zone) => {
  const { TZ } = process.env
  onTestFinished(() => {
    if (TZ === undefined) delete process.env.TZ
    else process.env.TZ = TZ
  })
  process.env.TZ = zone
  const db = await (await source('CREATE TABLE t (a)')).open('jspi')
  for (const moment of MOMENTS) {
    const local = new Date(`${moment.replace(' ', 'T')}Z`)
    const two = (value: number): string => String(value).padStart(2, '0')
    const date = `${local.getFullYear()}-${two(local.getMonth() + 1)}-${two(local.getDate())}`
    const time = `${two(local.getHours())}:${two(local.getMinutes())}:${two(local.getSeconds())}`
    expect(await db.get("SELECT datetime(?, 'localtime') AS d", [moment])).toEqual({ d: `${date} ${time}` })
    expect(await db.get("SELECT datetime(datetime(?, 'localtime'), 'utc') AS d", [moment])).toEqual({ d: moment })
    const day = await db.get("SELECT strftime('%j %w', ?, 'localtime') AS d", [moment])
    const start = Date.UTC(local.getFullYear(), 0, 1)
    const yday = 1 + (Date.UTC(local.getFullYear(), local.getMonth(), local.getDate()) - start) / 86_400_000
    expect(day).toEqual({ d: `${String(yday).padStart(3, '0')} ${local.getDay()}` })
  }
})

test('the version that the page names', async () => {
  const { readFileSync } = await import('node:fs')
  const page = readFileSync(new URL('../../docs/sqlite-support.md', import.meta.url), 'utf8')
  const row = await (await (await source('CREATE TABLE t (a)')).open('jspi')).get('SELECT sqlite_version() AS v')
  expect(page).toContain(`@sqlite.org/sqlite-wasm\` ${row?.v}`)
})
