import type { Output } from './io.ts'
import { type FormatLine, type LogForm, lineFormat } from './log-format.ts'

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
  readonly output: Pick<Output, 'write'> & { readonly isTTY?: boolean }
  readonly level: LogLevel
  now(): number
  /** Default `text`. */
  readonly form?: LogForm
  /** Say where in the program a line comes from. Default false. */
  readonly source?: boolean
}

/** A log of lines like those of Go's slog, as text or as JSON, or for people. */
export function createLog(options: LogOptions): Log {
  return buildLog(options, lineFormat(options.form ?? 'text', options.output.isTTY === true), [])
}

/** The level a word names, in any case, `warning` too; undefined for any other word. */
export function parseLogLevel(text: string): LogLevel | undefined {
  const word = text.toLowerCase()
  return word === 'warning' ? 'warn' : LOG_LEVELS.find((level) => level === word)
}

function buildLog(options: LogOptions, format: FormatLine, common: readonly LogAttrs[]): Log {
  const least = LOG_LEVELS.indexOf(options.level)
  const at = (level: LogLevel) => {
    const wanted = LOG_LEVELS.indexOf(level) >= least
    return (message: string, attrs: LogAttrs = {}) => {
      if (!wanted) return
      const source = options.source ? caller() : undefined
      options.output.write(format({ time: options.now(), level, source, message, attrs: [...common, attrs] }))
    }
  }
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (attrs) => buildLog(options, format, [...common, attrs]),
  }
}

/** Who logs: the first one on the stack that is no log. */
function caller(): string | undefined {
  const lines = new Error().stack?.split('\n').slice(1) ?? []
  const line = lines.find((each) => !/[/\\](?:database-)?log\.[jt]s:/.test(each))
  return /([^/\\\s(]+[/\\][^/\\]+:\d+):\d+\)?$/.exec(line ?? '')?.[1]
}
