import { formatValue } from '../data/format.ts'
import type { GridData } from './grid.ts'

const SAMPLE = 200
const [NARROWEST, WIDEST] = [5, 44]
/** What a cell takes beside its text, in characters. */
const PADDING = 3

/** Widths in characters that suit the names and the first rows. */
export function columnWidths(data: GridData): number[] {
  return data.columns.map((name, column) => {
    let widest = name.length
    for (let i = 0; i < Math.min(data.count, SAMPLE); i++) {
      const value = data.row(i)?.[column]
      if (value !== undefined) widest = Math.max(widest, formatValue(value).length)
    }
    return Math.min(WIDEST, Math.max(NARROWEST, widest)) + PADDING
  })
}
