import type { Output } from './io.ts'
import { formatTable } from './table.ts'

/** A value as SQLite gives it. */
export type SqlValue = null | number | bigint | string | Uint8Array

export type RowFormatName = 'table' | 'json' | 'csv'

/** Writes rows as they come, in one format. */
export interface RowFormat {
  row(values: readonly SqlValue[]): void
  /** After the last row. @param complete false when a failure ended the rows: what is open stays so */
  end(complete: boolean): void
}

export function parseRowFormat(text: string): RowFormatName {
  if (text === 'table' || text === 'json' || text === 'csv') return text
  throw new Error('must be table, json or csv')
}

export function rowFormat(name: RowFormatName, columns: readonly string[], output: Output): RowFormat {
  if (name === 'json') return new JSONRows(columns, output)
  if (name === 'csv') return new CSVRows(columns, output)
  return new TableRows(columns, output)
}

/** Rows of a table are measured together, so many at a time. */
const TABLE_ROWS = 1000

/** Aligned columns; of a long result every thousand rows by themselves. */
class TableRows implements RowFormat {
  readonly #output: Output
  #rows: string[][]

  constructor(columns: readonly string[], output: Output) {
    this.#output = output
    this.#rows = [[...columns]]
  }

  row(values: readonly SqlValue[]): void {
    this.#rows.push(values.map(cellText))
    if (this.#rows.length > TABLE_ROWS) this.end(true)
  }

  end(complete: boolean): void {
    if (!complete && this.#rows.length === 1) return // a header of nothing
    this.#output.write(formatTable(this.#rows))
    this.#rows = []
  }
}

/** An array of objects; columns of one name: the last one stays. */
class JSONRows implements RowFormat {
  readonly #columns: readonly string[]
  readonly #output: Output
  #count = 0

  constructor(columns: readonly string[], output: Output) {
    this.#columns = columns.map((name) => JSON.stringify(name))
    this.#output = output
  }

  row(values: readonly SqlValue[]): void {
    const members = new Map(this.#columns.map((name, i) => [name, jsonText(values[i] ?? null)]))
    const text = [...members].map(([name, value]) => `${name}: ${value}`).join(', ')
    this.#output.write(`${this.#count++ === 0 ? '[' : ','}\n  { ${text} }`)
  }

  end(complete: boolean): void {
    if (complete) this.#output.write(this.#count === 0 ? '[]\n' : '\n]\n')
    else if (this.#count > 0) this.#output.write('\n')
  }
}

/** RFC 4180 with a header row, and plain newlines. */
class CSVRows implements RowFormat {
  readonly #output: Output

  constructor(columns: readonly string[], output: Output) {
    this.#output = output
    this.#write(columns)
  }

  row(values: readonly SqlValue[]): void {
    this.#write(values.map((value) => (value === null ? '' : plainText(value))))
  }

  end(): void {}

  #write(cells: readonly string[]): void {
    this.#output.write(`${cells.map(quoteCell).join(',')}\n`)
  }
}

function quoteCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Line breaks and control characters would tear a table apart, or play tricks on a terminal. */
function cellText(value: SqlValue): string {
  if (value === null) return 'NULL'
  return plainText(value).replace(/[\p{Cc}\u2028\u2029]/gu, (char) => JSON.stringify(char).slice(1, -1))
}

function plainText(value: Exclude<SqlValue, null>): string {
  return value instanceof Uint8Array ? hex(value) : String(value)
}

/** Integers of any size are JSON numbers; a blob is its hexadecimal digits. */
function jsonText(value: SqlValue): string {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Uint8Array) return JSON.stringify(hex(value))
  // What JSON cannot say: SQLite's infinities.
  if (typeof value === 'number' && !Number.isFinite(value)) return JSON.stringify(String(value))
  return JSON.stringify(value)
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
