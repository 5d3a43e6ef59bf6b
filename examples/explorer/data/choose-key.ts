import type { RowSet } from './diff-rows.ts'
import type { Schema } from './schema.ts'

/** The value of `column` that stands for all columns: no column has this name. */
export const ALL_COLUMNS = '\u0000all'

/**
 * By which columns rows of two moments are the same row: what was asked for, else the primary key of the table that
 * the query reads, else the first column; each only if it tells all rows apart.
 * @returns none for all columns
 */
export function chooseKey(
  sql: string,
  { before, after }: { readonly before: RowSet; readonly after: RowSet },
  column: string | undefined,
  schema: Schema | undefined,
): string[] {
  const both = before.columns.filter((name) => after.columns.includes(name))
  if (column !== undefined) return both.includes(column) ? [column] : []
  const name = /\bfrom\s+["'`[]?([^\s"'`\];,()]+)/i.exec(sql)?.[1]?.toLowerCase()
  const table = schema?.relations.find((relation) => relation.name.toLowerCase() === name)
  const primary = (table?.columns ?? []).filter(({ key }) => key > 0).map((each) => each.name)
  for (const key of [primary, both.slice(0, 1)]) {
    const usable = key.length > 0 && key.every((each) => both.includes(each))
    if (usable && isUnique(before, key) && isUnique(after, key)) return key
  }
  return []
}

function isUnique({ columns, rows }: RowSet, key: readonly string[]): boolean {
  const places = key.map((name) => columns.indexOf(name))
  return new Set(rows.map((row) => places.map((i) => `${typeof row[i]}${row[i]}`).join('\u001f'))).size === rows.length
}
