import type { Query } from './native.ts'

/** Says which state a query ran on. */
export const STATE = 'litestream_txid() AS tx, litestream_time() AS tm'
const MARK = "(SELECT v FROM meta WHERE k = 'mark') AS mark"

type Template = (pick: (n: number) => number) => readonly [sql: string, ...parameters: (string | number | null)[]]

/** Queries that have one right answer on each state, and say which state it was. */
const TELLING: readonly Template[] = [
  (pick) => [`SELECT ${STATE}, t.* FROM (SELECT 1) LEFT JOIN t ON t.id = ?`, 1 + pick(80)],
  (pick) => [`SELECT ${STATE}, ${MARK}, (SELECT v FROM t WHERE id = ?) AS v`, 1 + pick(80)],
  () => [`SELECT ${STATE}, ${MARK}, count(*) AS c, sum(n) AS s, sum(length(v)) AS l FROM t`],
  () => [`SELECT ${STATE}, count(*) AS c, total(w) AS s, max(hex(b)) AS b FROM u`],
  () => [`SELECT ${STATE}, count(*) AS c, sum(length(p)) AS s, max(hex(p)) AS p FROM wide`],
  (pick) => [
    `SELECT ${STATE}, count(*) AS c, sum(u.id * t.n) AS s FROM t JOIN u ON u.t_id = t.id WHERE t.grp = ?`,
    pick(5),
  ],
  (pick) => [
    `SELECT ${STATE}, (SELECT count(*) FROM u WHERE t_id = t.id) AS c, t.n FROM t WHERE id = (SELECT min(id) FROM t WHERE n > ?)`,
    pick(900),
  ],
  (pick) => [`SELECT ${STATE}, ${MARK}, p FROM (SELECT 1) LEFT JOIN wide ON k = ?`, `k${pick(8)}`],
  () => [`SELECT ${STATE}, v, v LIKE 'abc' AS alike FROM meta WHERE k = 'case'`],
  () => [`SELECT ${STATE}, group_concat(name || ' ' || rootpage, ', ' ORDER BY name) AS s FROM sqlite_schema`],
]

/** Many rows. */
const ROWS: readonly Template[] = [
  (pick) => [`SELECT ${STATE}, id, grp, n, v FROM t WHERE id BETWEEN ? AND ? ORDER BY id`, pick(60), 60 + pick(60)],
  () => [`SELECT ${STATE}, id, t_id, w, b FROM u ORDER BY id`],
  () => [`SELECT ${STATE}, grp, count(*) AS c, sum(n) AS s FROM t GROUP BY grp ORDER BY grp`],
  () => [`SELECT ${STATE}, n, v FROM t ORDER BY n DESC, id LIMIT 7`],
  (pick) => [`SELECT ${STATE}, tu.* FROM tu WHERE grp = ? ORDER BY u_id`, pick(5)],
  () => [`SELECT ${STATE}, k, length(p) AS l FROM wide ORDER BY k`],
  () => [`SELECT ${STATE}, type, name, tbl_name, rootpage, sql FROM sqlite_schema ORDER BY name`],
  () => [
    `WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 90) SELECT ${STATE}, i, (SELECT n FROM t WHERE id = i) AS n FROM c`,
  ],
]

/** Not every state answers these in the same way, or at all; they do not say which it was. */
const OTHERS: readonly Template[] = [
  () => ['PRAGMA integrity_check'],
  (pick) => [`SELECT * FROM extra_${pick(7)}`],
  () => ['SELECT count(*) AS c FROM meta'],
  (pick) => [`SELECT e${pick(20)} FROM u WHERE id = 2`],
  (pick) => ['SELECT id, n FROM t WHERE id = ?', pick(80)],
]

function drawn(templates: readonly Template[], random: () => number): Query {
  const pick = (n: number): number => Math.floor(random() * n)
  const [sql, ...parameters] = templates[pick(templates.length)]!(pick)
  return { sql, parameters }
}

/** A query with one row at least, which says its state. */
export function tellingQuery(random: () => number): Query {
  return drawn(TELLING, random)
}

/** Any query. */
export function anyQuery(random: () => number): Query {
  const choice = random()
  return drawn(choice < 0.5 ? TELLING : choice < 0.85 ? ROWS : OTHERS, random)
}

/** A query with many rows. */
export function rowsQuery(random: () => number): Query {
  return drawn(ROWS, random)
}

function query(sql: string): Query {
  return { sql, parameters: [] }
}

/** What a connection must not keep of queries before. */
export const HYGIENE: readonly Query[] = [
  query(`SELECT ${STATE}, v, v LIKE 'abc' AS alike FROM meta WHERE k = 'case'`),
  query(
    `SELECT ${STATE}, (SELECT count(*) FROM sqlite_temp_schema) AS temporary, group_concat(name) AS d FROM pragma_database_list WHERE name <> 'temp'`,
  ),
]

/** All of a state, and all of a connection. */
export const BATTERY: readonly Query[] = [
  query(`SELECT ${STATE}, ${MARK}, count(*) AS c, sum(n) AS s, sum(length(v)) AS l, max(v) AS m FROM t`),
  query(`SELECT ${STATE}, count(*) AS c, sum(n) AS s FROM t WHERE grp = 2`),
  query(`SELECT ${STATE}, count(*) AS c, total(w) AS s, max(hex(b)) AS b FROM u`),
  query(`SELECT ${STATE}, count(*) AS c, sum(length(p)) AS s, max(hex(p)) AS p FROM wide`),
  query(`SELECT ${STATE}, group_concat(name || ' ' || rootpage, ', ' ORDER BY name) AS s FROM sqlite_schema`),
  ...HYGIENE,
  query('PRAGMA integrity_check'),
]

const MARKS = ['', '\uFEFF', ' \v', '/* */ ', '-- \n', ';']
/** What a pooled connection must not keep. */
const LINGERING = [
  'PRAGMA case_sensitive_like = 1',
  "ATTACH ':memory:' AS m",
  'BEGIN',
  'SAVEPOINT s',
  'PRAGMA recursive_triggers = 1',
  'PRAGMA cache_size = 3',
  'CREATE TEMP TABLE left_behind (x)',
  'PRAGMA query_only = 1',
]

/** SQL that would leave something behind, written in one of several ways. Its own outcome is nobody's business. */
export function lingeringSql(random: () => number): string {
  const mark = MARKS[Math.floor(random() * MARKS.length)]!
  return mark + LINGERING[Math.floor(random() * LINGERING.length)]!
}
