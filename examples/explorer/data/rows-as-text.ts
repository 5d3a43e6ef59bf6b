import type { SqlValue } from '../../../entry/web.ts'
import type { RowSet } from './diff-rows.ts'
import { hex } from './format.ts'

/** RFC 4180. NULL is an empty field, an empty text `""`, a blob hexadecimal. */
export function asCSV({ columns, rows }: RowSet): string {
  const lines = [columns.map(csvField), ...rows.map((row) => row.map(csvField))]
  return lines.map((fields) => `${fields.join(',')}\r\n`).join('')
}

/** An array of objects; of columns with one name the last. Integers beyond 2^53 are texts, blobs hexadecimal. */
export function asJSON({ columns, rows }: RowSet): string {
  const objects = rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, jsonValue(row[i]!)])))
  return `${JSON.stringify(objects, undefined, 2)}\n`
}

function csvField(value: SqlValue): string {
  if (value === null) return ''
  if (value === '') return '""'
  const text = value instanceof Uint8Array ? blobText(value) : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function jsonValue(value: SqlValue): string | number | null {
  if (value instanceof Uint8Array) return blobText(value)
  if (typeof value !== 'bigint') return value
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
}

function blobText(value: Uint8Array): string {
  return hex(value).replaceAll(' ', '')
}
