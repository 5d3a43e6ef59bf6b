import type { Cells } from './run-query.ts'

export interface RowSet {
  readonly columns: readonly string[]
  readonly rows: readonly Cells[]
}

/** A row before and after, side by side. Cells are in the order of the columns of both together. */
export interface AlignedRow {
  readonly kind: 'same' | 'added' | 'removed' | 'changed'
  readonly before: Cells | undefined
  readonly after: Cells | undefined
  /** Which cells differ; only where the row has changed. */
  readonly changed: readonly boolean[] | undefined
}

/** The columns of two results: those of the later one, then those that only the earlier one has. */
export function allColumns(before: readonly string[], after: readonly string[]): string[] {
  return [...after, ...before.filter((name) => !after.includes(name))]
}

/**
 * Put the rows of a query at two moments side by side. Rows are the same row when they agree in the key's columns; of
 * several with the same key the first belong together, then the second, and so on.
 *
 * @param key names of columns that both have; none for all columns
 * @returns in the order of `after`, with the rows that are gone where they were
 */
export function diffRows(before: RowSet, after: RowSet, key: readonly string[]): AlignedRow[] {
  const columns = allColumns(before.columns, after.columns)
  const old = arranged(before, columns)
  const now = arranged(after, columns)
  const by = (key.length > 0 ? key : columns).map((name) => columns.indexOf(name))
  const keyOf = (row: Cells): string => by.map((i) => valueKey(row[i])).join('\u001f')

  const waiting = new Map<string, number[]>()
  old.forEach((row, i) => {
    const at = keyOf(row)
    const list = waiting.get(at)
    if (list) list.push(i)
    else waiting.set(at, [i])
  })
  for (const list of waiting.values()) list.reverse()
  const partner = now.map((row) => waiting.get(keyOf(row))?.pop())
  const met = new Set(partner)

  const aligned: AlignedRow[] = []
  let next = 0
  const removedUpTo = (end: number): void => {
    for (; next < end; next++) {
      if (!met.has(next)) aligned.push({ kind: 'removed', before: old[next], after: undefined, changed: undefined })
    }
  }
  now.forEach((row, i) => {
    const at = partner[i]
    if (at === undefined) {
      aligned.push({ kind: 'added', before: undefined, after: row, changed: undefined })
      return
    }
    removedUpTo(at)
    aligned.push(pair(old[at]!, row))
  })
  removedUpTo(old.length)
  return aligned
}

function pair(before: Cells, after: Cells): AlignedRow {
  const changed = after.map((value, i) => valueKey(value) !== valueKey(before[i]))
  const kind = changed.includes(true) ? 'changed' : 'same'
  return { kind, before, after, changed: kind === 'changed' ? changed : undefined }
}

function arranged({ columns, rows }: RowSet, wanted: readonly string[]): Cells[] {
  const places = wanted.map((name) => columns.indexOf(name))
  return rows.map((row) => places.map((i) => (i < 0 ? null : row[i]!)))
}

/** Tells values apart as SQLite does: by type, too. */
function valueKey(value: Cells[number] | undefined): string {
  if (value === null || value === undefined) return 'n'
  if (value instanceof Uint8Array) return `b${value.join()}`
  return `${(typeof value)[0]}${value}`
}
