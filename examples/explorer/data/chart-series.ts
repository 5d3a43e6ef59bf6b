import type { RowSet } from './diff-rows.ts'
import type { Cells } from './run-query.ts'

/** What a column can be in a chart. */
export type AxisKind = 'number' | 'time' | 'text'

export interface ChartSeries {
  readonly kind: AxisKind
  /** Ascending; times in seconds since the Unix epoch, places from 0 for texts. */
  readonly x: readonly number[]
  /** In the order of `x`. */
  readonly y: readonly (number | null)[]
  /** Of texts: what stands at each place. */
  readonly labels: readonly string[]
}

/** Rows that are looked at to tell what a column holds. */
const SAMPLE = 100
/** As SQLite writes times. */
const TIME = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/

/** What each column can be; undefined for one that no chart can show. */
export function axisKinds({ columns, rows }: RowSet): (AxisKind | undefined)[] {
  return columns.map((_, i) => {
    const values = rows
      .slice(0, SAMPLE)
      .map((row) => row[i])
      .filter((value) => value !== null && value !== undefined)
    if (values.length === 0) return undefined
    if (values.every((value) => typeof value === 'number' || typeof value === 'bigint')) return 'number'
    if (values.every((value) => typeof value === 'string' && TIME.test(value))) return 'time'
    return values.every((value) => typeof value === 'string') ? 'text' : undefined
  })
}

/** The columns that a chart begins with: a time, else a text, else the first number, and another number over it. */
export function suggestAxes(kinds: readonly (AxisKind | undefined)[]): { x: number; y: number } | undefined {
  const x = [kinds.indexOf('time'), kinds.indexOf('text'), kinds.indexOf('number')].find((i) => i >= 0)
  if (x === undefined) return undefined
  const numbers = kinds.flatMap((kind, i) => (kind === 'number' && i !== x ? [i] : []))
  // Of several numbers the last is most often what was computed.
  const y = numbers.at(-1)
  return y === undefined ? undefined : { x, y }
}

export function chartSeries(rows: readonly Cells[], x: number, y: number, kind: AxisKind): ChartSeries {
  const points = rows.map((row, i) => ({ x: placeOf(row[x], kind, i), y: numberOf(row[y]), row }))
  const valid = points.filter((point) => point.x !== null) as { x: number; y: number | null; row: Cells }[]
  valid.sort((a, b) => a.x - b.x)
  return {
    kind,
    x: valid.map((point) => point.x),
    y: valid.map((point) => point.y),
    labels: kind === 'text' ? valid.map(({ row }) => String(row[x])) : [],
  }
}

function placeOf(value: Cells[number] | undefined, kind: AxisKind, place: number): number | null {
  if (kind === 'text') return place
  if (kind === 'number') return numberOf(value)
  const text = String(value)
  // Times without a zone are UTC, as SQLite has it.
  const zoned = text.length > 10 && !/(Z|[+-]\d\d:\d\d)$/.test(text) ? `${text.replace(' ', 'T')}Z` : text
  const time = Date.parse(zoned)
  return Number.isNaN(time) ? null : time / 1000
}

function numberOf(value: Cells[number] | undefined): number | null {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : null
}
