import type { Lease } from './connection/lease.ts'
import type { Row, SqlParameters } from './connection/values.ts'

/** Roughly what a query would cost on a cold cache. */
export interface CostEstimate {
  /** SQLite's plan, a line each. */
  readonly plan: readonly string[]
  /** Tables and indexes that the plan reads from one end to the other. */
  readonly scans: readonly string[]
  /** Pages that it would read, and their bytes before compression. */
  readonly pages: number
  readonly bytes: number
}

/** A look-up in a tree reads about this many pages. */
const DEPTH = 4

/**
 * Estimate from EXPLAIN QUERY PLAN and, where ANALYZE was run, the row counts in sqlite_stat1.
 *
 * Rough, and meant to be: what is scanned counts with its share of the database by rows (or an equal share of it for each
 * table where nothing is known), every search as one path through a tree. How often an inner loop runs is not known.
 */
export async function estimateCost(lease: Lease, sql: string, parameters: SqlParameters): Promise<CostEstimate> {
  const plan = (await rowsOf(lease, `EXPLAIN QUERY PLAN ${sql}`, parameters)).map((row) => String(row.detail))
  const shares = await tableShares(lease)
  const scans: string[] = []
  let pages = 1
  for (const line of plan) {
    const scanned = /^SCAN (\S+)/.exec(line)?.[1]
    if (scanned !== undefined && !/CONSTANT ROW/.test(line)) {
      scans.push(scanned)
      pages += lease.state.commit * (shares.get(scanned) ?? shares.get('') ?? 1)
    } else if (line.startsWith('SEARCH ')) pages += DEPTH
  }
  const rounded = Math.min(lease.state.commit, Math.ceil(pages))
  return { plan, scans, pages: rounded, bytes: rounded * lease.state.pageSize }
}

/** The share that each table has of the database; under '' that of a table that nothing is known of. */
async function tableShares(lease: Lease): Promise<ReadonlyMap<string, number>> {
  const tables = await rowsOf(lease, "SELECT name FROM sqlite_schema WHERE type = 'table'")
  const names = tables.map(({ name }) => String(name))
  const shares = new Map([['', 1 / Math.max(1, names.length)]])
  if (!names.includes('sqlite_stat1')) return shares
  const rows = await rowsOf(
    lease,
    "SELECT tbl AS name, max(CAST(substr(stat, 1, instr(stat || ' ', ' ') - 1) AS INTEGER)) AS rows FROM sqlite_stat1 GROUP BY tbl",
  )
  const total = rows.reduce((sum, row) => sum + Number(row.rows), 0)
  for (const row of rows) shares.set(String(row.name), Number(row.rows) / Math.max(1, total))
  return shares
}

async function rowsOf(lease: Lease, sql: string, parameters: SqlParameters = []): Promise<Row[]> {
  return (await lease.all(sql, parameters, {})) as Row[]
}
