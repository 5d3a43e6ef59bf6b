import { formatTXID, type SqlValue, type TXID } from '../../../entry/web.ts'

const COUNT = new Intl.NumberFormat('en-US')

export function formatCount(count: number): string {
  return COUNT.format(count)
}

/** `1 row`, `2 rows`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, 'kB'] : bytes < 1e9 ? [bytes / 1e6, 'MB'] : [bytes / 1e9, 'GB']
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`
}

export function formatMs(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  return ms < 10_000 ? `${formatCount(Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`
}

/** A moment in the reader's own time zone, to the second. */
export function formatTime(ms: number): string {
  return `${formatDay(ms)} ${formatClock(ms)}`
}

export function formatClock(ms: number): string {
  const time = new Date(ms)
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')
}

export function formatDay(ms: number): string {
  const time = new Date(ms)
  return [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-')
}

/** As people compare them: without the leading zeros that file names have. */
export function shortTXID(txid: TXID): string {
  return formatTXID(txid).replace(/^0+(?=.)/, '')
}

/** Bytes of a blob that are shown in a cell. */
const BLOB_PREVIEW = 12

/** One line, as it stands in a cell. */
export function formatValue(value: SqlValue): string {
  if (value === null) return 'NULL'
  if (value instanceof Uint8Array) {
    const more = value.length > BLOB_PREVIEW ? '…' : ''
    return `${formatBytes(value.length)}  ${hex(value.subarray(0, BLOB_PREVIEW))}${more}`
  }
  if (typeof value === 'number') return formatReal(value)
  return String(value)
}

/** A REAL never looks like an INTEGER. */
export function formatReal(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? value.toFixed(1) : String(value)
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
