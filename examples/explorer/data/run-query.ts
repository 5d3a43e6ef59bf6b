import type { Cost, Database, SqlValue } from '../../../entry/web.ts'

/** One row, in the order of the columns. Integers are bigints, so that they can be told from reals. */
export type Cells = readonly SqlValue[]

export interface QueryRun {
  readonly signal: AbortSignal
  /** Rows at most. */
  readonly limit: number
  onColumns?(columns: readonly string[]): void
  onRow(row: Cells): void
  onCost?(cost: Cost): void
}

/**
 * Run one query and hand on its rows as they come.
 * @returns whether the limit ended it
 * @throws what the database throws; the signal's reason
 */
export async function runQuery(db: Database, sql: string, run: QueryRun): Promise<boolean> {
  const { signal, limit } = run
  const options = { signal, onCost: (cost: Cost) => run.onCost?.(cost) }
  return await db.transaction(async (tx) => {
    run.onColumns?.(await tx.columns(sql))
    let count = 0
    for await (const row of tx.each(sql, [], { rows: 'array', integers: 'bigint' })) {
      signal.throwIfAborted()
      if (count++ === limit) return true
      run.onRow(row)
    }
    return false
  }, options)
}
