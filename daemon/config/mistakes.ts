import { redactURL } from '../../storage/redact-url.ts'
import { DaemonError } from '../errors.ts'
import type { ConfigWarning } from './config.ts'
import { type ExpandedText, expandEnv, unexpanded } from './expand-env.ts'

/** Offsets in the expanded text; the end is exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface Position {
  /** Both from 1. */
  readonly line: number
  readonly column: number
}

interface Mistake extends Position {
  /** In the expanded text. */
  readonly offset: number
  readonly message: string
}

/** The text of a configuration file, and what is found wrong with it: all of it is told at once. */
export class Mistakes {
  /** What the YAML parser gets. */
  readonly text: string
  readonly #given: string
  readonly #expanded: ExpandedText
  readonly #lineStarts: readonly number[]
  readonly #path: string
  readonly #mistakes: Mistake[] = []
  readonly #warnings: ConfigWarning[] = []

  /** @param lookup of environment variables; absent: they are not expanded */
  constructor(given: string, options: { path: string; lookup?: (name: string) => string | undefined }) {
    this.#given = given
    this.#path = options.path
    this.#expanded = options.lookup ? expandEnv(given, options.lookup) : unexpanded(given)
    this.text = this.#expanded.text
    this.#lineStarts = [0, ...[...given.matchAll(/\r\n?|\n/g)].map((match) => match.index + match[0].length)]
    for (const { name, offset } of this.#expanded.unset) this.#warnOfUnset(name, offset)
  }

  /** Where it stands in the file. */
  position(span: Span): Position {
    return this.#positionOf(this.#expanded.origin(span.start))
  }

  /** `file:line:column`, to name a second place in a message. */
  place(span: Span): string {
    const { line, column } = this.position(span)
    return `line ${line}, column ${column}`
  }

  /** @param message without any secret; what was expected */
  add(span: Span, message: string): void {
    this.#mistakes.push({ ...this.position(span), offset: span.start, message })
  }

  /** Something is missing in a map; unless a mistake is known there already, which then most likely is why. */
  addMissing(map: Span, at: Span, message: string): void {
    const known = this.#mistakes.some(({ offset }) => map.start <= offset && offset < map.end)
    if (!known) this.add(at, message)
  }

  warn(span: Span, message: string): void {
    this.#warnings.push({ ...this.position(span), message })
  }

  /**
   * What stands there, fit to be shown: in quotes, cut, and as the name of the variable where one was expanded, for
   * its value may be a secret.
   */
  quote(span: Span): string {
    const { start, end } = span
    const shown = this.given(span) ?? this.text.slice(start, end)
    const line = redactURL(shown.replace(/\s+/g, ' ').trim())
    if (line === '') return 'nothing'
    const short = line.length > 40 ? `${line.slice(0, 37)}...` : line
    return /^["']/.test(short) ? short : JSON.stringify(short)
  }

  /** What the file has there before variables were expanded; undefined if there are none. */
  given(span: Span): string | undefined {
    const given = this.#given.slice(this.#expanded.origin(span.start), this.#expanded.origin(span.end))
    return given !== this.text.slice(span.start, span.end) ? given : undefined
  }

  warnings(): readonly ConfigWarning[] {
    return this.#warnings.toSorted(byPosition)
  }

  /** @throws DaemonError DAEMON_CONFIG if there is any mistake: a line for each, sorted */
  throwIfAny(): void {
    const [first, ...others] = this.#mistakes.toSorted(byPosition)
    if (first === undefined) return
    const lines = [first, ...others].map(({ line, column, message }) => `${this.#path}:${line}:${column}: ${message}`)
    const { line, column } = first
    throw new DaemonError('DAEMON_CONFIG', [...new Set(lines)].join('\n'), { at: { path: this.#path, line, column } })
  }

  get isEmpty(): boolean {
    return this.#mistakes.length === 0
  }

  #positionOf(offset: number): Position {
    let line = this.#lineStarts.findLastIndex((start) => start <= offset)
    if (line < 0) line = 0
    return { line: line + 1, column: offset - this.#lineStarts[line]! + 1 }
  }

  /** Not in a comment: there it changes nothing. */
  #warnOfUnset(name: string, offset: number): void {
    const position = this.#positionOf(offset)
    const before = this.#given.slice(offset - position.column + 1, offset)
    if (/(^|\s)#/.test(before)) return
    const shown = name.replace(/\s+/g, ' ').slice(0, 40)
    const message = `the environment has no ${shown}: it was replaced by nothing (-no-expand-env keeps every $ as it is)`
    this.#warnings.push({ ...position, message })
  }
}

function byPosition(a: Position, b: Position): number {
  return a.line - b.line || a.column - b.column
}
