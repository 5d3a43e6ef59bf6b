export interface CellPlace {
  readonly row: number
  readonly column: number
}

/** Where a key leads from a cell; undefined if it leads nowhere. */
export function movedCell(
  { key, ctrlKey, metaKey }: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey'>,
  { row, column }: CellPlace,
  size: { readonly rows: number; readonly columns: number; readonly page: number },
): CellPlace | undefined {
  const far = ctrlKey || metaKey
  const [lastRow, lastColumn] = [size.rows - 1, size.columns - 1]
  const places: Record<string, CellPlace> = {
    ArrowDown: { row: far ? lastRow : row + 1, column },
    ArrowUp: { row: far ? 0 : row - 1, column },
    ArrowRight: { row, column: far ? lastColumn : column + 1 },
    ArrowLeft: { row, column: far ? 0 : column - 1 },
    PageDown: { row: row + size.page, column },
    PageUp: { row: row - size.page, column },
    Home: { row: far ? 0 : row, column: 0 },
    End: { row: far ? lastRow : row, column: lastColumn },
  }
  const place = places[key]
  if (!place || size.rows === 0 || size.columns === 0) return undefined
  const within = (value: number, last: number): number => Math.max(0, Math.min(value, last))
  return { row: within(place.row, lastRow), column: within(place.column, lastColumn) }
}
