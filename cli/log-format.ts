import { formatTXID } from '../ltx/index.ts'
import type { LogAttrs, LogLevel } from './log.ts'
import { isPrintable, quote } from './quote.ts'

/** How lines look: as Go's slog writes text and JSON, or for people at a terminal. */
export type LogForm = 'text' | 'json' | 'pretty'

export interface LogLine {
  /** Milliseconds since the Unix epoch. */
  readonly time: number
  readonly level: LogLevel
  /** `file:line`, where it is wanted. */
  readonly source?: string | undefined
  readonly message: string
  /** In this order; of what has one name the last counts where names are unique. */
  readonly attrs: readonly LogAttrs[]
}

/** @returns with the line's end */
export type FormatLine = (line: LogLine) => string

/** `time=... level=INFO msg="initialized db" path=/data/app.db` */
function formatText({ time, level, source, message, attrs }: LogLine): string {
  const from = source === undefined ? '' : ` source=${word(source)}`
  const values = attrs.map((each) => formatAttrs(each)).join('')
  return `time=${new Date(time).toISOString()} level=${level.toUpperCase()}${from} msg=${word(message)}${values}\n`
}

/** `{"time":"...","level":"INFO","msg":"initialized db","path":"/data/app.db"}` */
function formatJSON({ time, level, source, message, attrs }: LogLine): string {
  const [file, line] = source?.split(/:(?=\d+$)/) ?? []
  const head = {
    time: new Date(time).toISOString(),
    level: level.toUpperCase(),
    ...(source !== undefined && { source: { file, line: Number(line) } }),
    msg: message,
  }
  const values = Object.entries(Object.assign({}, ...attrs.map(plain)) as Record<string, unknown>)
  // Go writes both under one name, of which a reader gets one.
  const renamed = values.map(([name, value]) => [name in head ? `${name}_` : name, value])
  return `${JSON.stringify({ ...head, ...Object.fromEntries(renamed) })}\n`
}

const SHORT: Readonly<Record<LogLevel, string>> = { trace: 'TRC', debug: 'DBG', info: 'INF', warn: 'WRN', error: 'ERR' }
const COLOURS: Readonly<Record<LogLevel, number>> = { trace: 90, debug: 36, info: 32, warn: 33, error: 31 }

/** `03:04:05.006 INF initialized db path=/data/app.db`, coloured at a terminal. */
function prettyFormat(colours: boolean): FormatLine {
  const paint = (code: number, text: string): string => (colours ? `\u001b[${code}m${text}\u001b[0m` : text)
  return ({ time, level, source, message, attrs }) => {
    const clock = paint(90, new Date(time).toISOString().slice(11, 23))
    const from = source === undefined ? '' : ` ${paint(90, source)}`
    const values = attrs.map((each) => formatAttrs(each)).join('')
    return `${clock} ${paint(COLOURS[level], SHORT[level])}${from} ${message}${paint(90, values)}\n`
  }
}

/** @param colours of `pretty` */
export function lineFormat(form: LogForm, colours: boolean): FormatLine {
  if (form === 'json') return formatJSON
  return form === 'pretty' ? prettyFormat(colours) : formatText
}

function formatAttrs(attrs: LogAttrs, prefix = ''): string {
  let text = ''
  for (const [name, value] of Object.entries(attrs)) {
    if (value === undefined) continue
    const key = prefix + name
    text += isPlainObject(value) ? formatAttrs(value, `${key}.`) : ` ${word(key)}=${word(formatValue(key, value))}`
  }
  return text
}

function formatValue(key: string, value: unknown): string {
  // A bigint here is a transaction ID unless its name says otherwise.
  if (typeof value === 'bigint') return /txid/i.test(key) ? formatTXID(value) : value.toString()
  if (value instanceof Error) return value.message
  if (value instanceof Date) return value.toISOString()
  return String(value)
}

/** What JSON can hold; numbers and truth values stay what they are. */
function plain(attrs: LogAttrs): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(attrs)) {
    if (isPlainObject(value)) object[name] = plain(value)
    else if (typeof value === 'number' || typeof value === 'boolean' || value === null) object[name] = value
    else if (value !== undefined) object[name] = formatValue(name, value)
  }
  return object
}

function isPlainObject(value: unknown): value is LogAttrs {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** Quoted only where a reader could not tell where it ends. */
function word(text: string): string {
  if (text === '') return '""'
  for (const char of text) if (char === ' ' || char === '"' || char === '=' || !isPrintable(char)) return quote(text)
  return text
}
