import type { Budget } from '../replica/index.ts'
import type { Database } from '../vfs/index.ts'
import type { RowFormat, SqlValue } from './row-format.ts'

/**
 * Run one query and write its rows as they come.
 * @throws what the query throws; rows that came before have been written
 */
export async function runQuery(
  database: Database,
  sql: string,
  options: {
    readonly format: (columns: readonly string[]) => RowFormat
    readonly budget: Budget
    readonly signal: AbortSignal
  },
): Promise<void> {
  const { budget, signal } = options
  const columns = await database.columns(sql, { budget, signal })
  const format = options.format(columns)
  let complete = false
  try {
    for await (const row of database.each(sql, [], { budget, signal, rows: 'array' })) {
      format.row(row as readonly SqlValue[])
    }
    complete = true
  } finally {
    if (columns.length > 0) format.end(complete)
  }
}
