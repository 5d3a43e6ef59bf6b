import { formatTXID } from '../ltx/index.ts'
import type { Output } from './io.ts'
import { isPrintable, quote } from './quote.ts'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Values beside a message. Nested objects become dotted keys; what is undefined is left out. */
export type LogAttrs = Readonly<Record<string, unknown>>

/** Where commands and the writer say what they do. */
export interface Log {
  trace(message: string, attrs?: LogAttrs): void
  debug(message: string, attrs?: LogAttrs): void
  info(message: string, attrs?: LogAttrs): void
  warn(message: string, attrs?: LogAttrs): void
  error(message: string, attrs?: LogAttrs): void
  /** The same log with these values on every line. */
  with(attrs: LogAttrs): Log
}

export interface LogOptions {
  readonly output: Pick<Output, 'write'>
  readonly level: LogLevel
  now(): number
}

/** A log of lines like Go's slog text handler writes: `time=... level=INFO msg="initialized db" path=/data/app.db`. */
export function createLog(options: LogOptions): Log {
  return buildLog(options, '')
}

/** The level a word names, in any case, `warning` too; undefined for any other word. */
export function parseLogLevel(text: string): LogLevel | undefined {
  const word = text.toLowerCase()
  return word === 'warning' ? 'warn' : LOG_LEVELS.find((level) => level === word)
}

function buildLog(options: LogOptions, common: string): Log {
  const least = LOG_LEVELS.indexOf(options.level)
  const at = (level: LogLevel) => {
    const wanted = LOG_LEVELS.indexOf(level) >= least
    const name = level.toUpperCase()
    return (message: string, attrs: LogAttrs = {}) => {
      if (!wanted) return
      const time = new Date(options.now()).toISOString()
      options.output.write(`time=${time} level=${name} msg=${word(message)}${common}${formatAttrs(attrs)}\n`)
    }
  }
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (attrs) => buildLog(options, common + formatAttrs(attrs)),
  }
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

function isPlainObject(value: unknown): value is LogAttrs {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** Quoted only where a reader could not tell where it ends. */
function word(text: string): string {
  if (text === '') return '""'
  for (const char of text) if (char === ' ' || char === '"' || char === '=' || !isPrintable(char)) return quote(text)
  return text
}
