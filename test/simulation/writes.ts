import type { HistoryShape } from './history.ts'

/** SQL of one transaction, or the file is built anew. */
export type Step = readonly string[] | 'rebuild'

const TABLES = {
  meta: 'CREATE TABLE meta (k TEXT PRIMARY KEY, v)',
  t: 'CREATE TABLE t (id INTEGER PRIMARY KEY, grp INTEGER, n INTEGER, v TEXT)',
  t_grp: 'CREATE INDEX t_grp ON t (grp, n)',
  u: 'CREATE TABLE u (id INTEGER PRIMARY KEY, t_id INTEGER, w REAL, b BLOB)',
  u_t: 'CREATE INDEX u_t ON u (t_id)',
  wide: 'CREATE TABLE wide (k TEXT PRIMARY KEY, p BLOB) WITHOUT ROWID',
  tu: 'CREATE VIEW tu AS SELECT t.id AS t_id, u.id AS u_id, t.grp, u.w FROM t JOIN u ON u.t_id = t.id',
} as const

type Name = keyof typeof TABLES

/** The same statements in other orders, with rows between them: other root pages, the same schema cookie. */
const ORDERS: Record<'first' | 'second' | 'third', readonly Name[]> = {
  first: ['meta', 't', 't_grp', 'u', 'u_t', 'wide', 'tu'],
  second: ['wide', 'u', 'u_t', 't', 't_grp', 'tu', 'meta'],
  third: ['u', 'wide', 't', 'meta', 'u_t', 'tu', 't_grp'],
}

/** Statements that build the database. */
export function schemaOf(label: string, random: () => number, order: keyof typeof ORDERS): string[] {
  const sql: string[] = []
  for (const name of ORDERS[order]) {
    sql.push(TABLES[name])
    if (name === 'meta') sql.push(`INSERT INTO meta VALUES ('mark', ''), ('case', 'Abc'), ('label', '${label}')`)
    if (name === 't') sql.push(insertT(40, label, random))
    if (name === 'u') sql.push(insertU(30, label, random))
    if (name === 'wide') sql.push(insertWide(4, label, random))
  }
  return sql
}

/** What one transaction does. */
export function stepOf(txid: number, { label }: HistoryShape, random: () => number): readonly string[] {
  const pick = (n: number): number => Math.floor(random() * n)
  const choice = txid === 1 ? 1 : random()
  const extra = `extra_${Math.floor(txid / 4)}`
  if (choice < 0.14) return [insertT(1 + pick(10), label, random)]
  if (choice < 0.24) return [insertU(1 + pick(8), label, random)]
  if (choice < 0.3) return [insertWide(1, label, random)]
  if (choice < 0.46) return [`UPDATE t SET n = n + ${1 + pick(9)} WHERE id % 7 = ${pick(7)}`]
  if (choice < 0.54) return [`UPDATE u SET w = w + 0.5, t_id = t_id + 1 WHERE id % 5 = ${pick(5)}`]
  if (choice < 0.62) return [`DELETE FROM t WHERE id % 6 = ${pick(6)}`]
  if (choice < 0.68) return [`UPDATE wide SET p = CAST('${text(label, 900, random)}' AS BLOB) WHERE k = 'k${pick(6)}'`]
  if (choice < 0.74)
    return [`CREATE TABLE IF NOT EXISTS ${extra} (a, b)`, `INSERT INTO ${extra} VALUES (${pick(99)}, '${label}')`]
  if (choice < 0.78) return ['DROP TABLE IF EXISTS extra_1', 'DROP TABLE IF EXISTS extra_3']
  if (choice < 0.82) return [`ALTER TABLE u ADD COLUMN e${txid} DEFAULT ${txid}`]
  if (choice < 0.86) return ['ANALYZE']
  if (choice < 0.92) return ['PRAGMA incremental_vacuum(3)']
  if (choice < 0.96) return ['VACUUM']
  return ['DELETE FROM u WHERE id % 3 = 1', insertU(10, label, random)]
}

function insertT(count: number, label: string, random: () => number): string {
  const rows = Array.from({ length: count }, () => {
    const [grp, n] = [Math.floor(random() * 5), Math.floor(random() * 1000)]
    return `(${grp}, ${n}, '${text(label, 60 + Math.floor(random() * 140), random)}')`
  })
  return `INSERT INTO t (grp, n, v) VALUES ${rows.join(', ')}`
}

function insertU(count: number, label: string, random: () => number): string {
  const rows = Array.from({ length: count }, () => {
    return `(${1 + Math.floor(random() * 60)}, ${Math.floor(random() * 100) / 4}, CAST('${text(label, 40, random)}' AS BLOB))`
  })
  return `INSERT INTO u (t_id, w, b) VALUES ${rows.join(', ')}`
}

/** Rows with overflow pages. */
function insertWide(count: number, label: string, random: () => number): string {
  const rows = Array.from({ length: count }, (_, i) => {
    const size = 200 + Math.floor(random() * 2500)
    return `('k${count > 1 ? i : Math.floor(random() * 8)}', CAST('${text(label, size, random)}' AS BLOB))`
  })
  return `INSERT OR REPLACE INTO wide VALUES ${rows.join(', ')}`
}

/** Digits that do not compress well, with the label in front. */
function text(label: string, length: number, random: () => number): string {
  let digits = label
  while (digits.length < length) digits += Math.floor(random() * 1e9).toString(36)
  return digits.slice(0, length)
}
