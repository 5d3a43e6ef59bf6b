const GAP = 2

/**
 * Rows of cells as aligned text: each column as wide as its widest cell and two spaces, the last one not padded.
 * The same text as Go's `tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)` makes of rows of equal length.
 */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, width(cell))
  }
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell + ' '.repeat(widths[i]! - width(cell) + GAP))).join('')
  return rows.map((row) => `${line(row)}\n`).join('')
}

/** Characters, not bytes and not screen cells: as tabwriter counts. */
function width(cell: string): number {
  return [...cell].length
}
