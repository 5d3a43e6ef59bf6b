import { parseDuration } from './duration.ts'
import { quote } from './quote.ts'

/** One flag: what it is when not given, and how its text is read. `parse` throws an Error saying why not. */
export interface Flag<T> {
  readonly initial: T
  /** May stand alone (`-json`); a value comes only with `=`. */
  readonly isBoolean: boolean
  /** @param before the value so far: `initial`, or that of the same flag further in front */
  parse(text: string, before: T): T
}

/** A command's flags by name, without the dash. */
export type FlagSet = Readonly<Record<string, Flag<unknown>>>

export type FlagValues<S extends FlagSet> = { readonly [K in keyof S]: S[K] extends Flag<infer T> ? T : never }

export type ParsedFlags<S extends FlagSet> =
  | { readonly kind: 'ok'; readonly values: FlagValues<S>; readonly args: readonly string[] }
  | { readonly kind: 'help' }
  | { readonly kind: 'error'; readonly message: string }

/**
 * Read flags as Go's `flag` package does: `-x v`, `--x v`, `-x=v`; booleans as `-x` or `-x=false`; the first argument
 * that is no flag, or `--`, ends them. The last of several wins. `-h` and `-help` ask for help unless defined.
 */
export function parseFlags<S extends FlagSet>(flags: S, argv: readonly string[]): ParsedFlags<S> {
  const values: Record<string, unknown> = {}
  for (const [name, flag] of Object.entries(flags)) values[name] = flag.initial
  let next = 0
  for (;;) {
    const arg = argv[next]
    if (arg === undefined || arg.length < 2 || arg[0] !== '-') break
    next++
    if (arg === '--') break
    const [, name = '', assigned] = /^--?([^=]*)(?:=(.*))?$/s.exec(arg)!
    if (name === '' || name[0] === '-') return failure(`bad flag syntax: ${arg}`)
    const flag = Object.hasOwn(flags, name) ? flags[name]! : undefined
    if (flag === undefined) {
      return name === 'h' || name === 'help' ? { kind: 'help' } : failure(`flag provided but not defined: -${name}`)
    }
    const text = assigned ?? (flag.isBoolean ? 'true' : argv[next++])
    if (text === undefined) return failure(`flag needs an argument: -${name}`)
    try {
      values[name] = flag.parse(text, values[name])
    } catch (error) {
      const what = flag.isBoolean ? `boolean value ${quote(text)} for -` : `value ${quote(text)} for flag -`
      return failure(`invalid ${what}${name}: ${(error as Error).message}`)
    }
  }
  return { kind: 'ok', values: values as FlagValues<S>, args: argv.slice(next) }
}

export function stringFlag(initial = ''): Flag<string> {
  return { initial, isBoolean: false, parse: (text) => text }
}

export function boolFlag(): Flag<boolean> {
  return { initial: false, isBoolean: true, parse: parseBool }
}

/** A whole number in any of Go's notations: `10`, `0x1f`, `0b11`, `010`, `1_000`. */
export function intFlag(initial: number): Flag<number> {
  return { initial, isBoolean: false, parse: parseInteger }
}

/** A Go duration; the value is milliseconds. */
export function durationFlag(initialMs: number): Flag<number> {
  return {
    initial: initialMs,
    isBoolean: false,
    parse: (text) => parseDuration(text) ?? fail('parse error'),
  }
}

/** Any other flag; undefined when it was not given. */
export function customFlag<T>(parse: (text: string) => T): Flag<T | undefined> {
  return { initial: undefined, isBoolean: false, parse }
}

/** A flag that may be given several times: all its values. */
export function listFlag(): Flag<readonly string[]> {
  return { initial: [], isBoolean: false, parse: (text, before) => [...before, text] }
}

/** A TXID: 16 hex digits. */
export function txidFlag(): Flag<bigint | undefined> {
  return customFlag((text) => {
    if (!/^[0-9a-fA-F]{16}$/.test(text)) throw new Error('invalid txid format: exactly 16 hex digits are needed')
    return BigInt(`0x${text}`)
  })
}

function failure(message: string): { readonly kind: 'error'; readonly message: string } {
  return { kind: 'error', message }
}

function fail(reason: string): never {
  throw new Error(reason)
}

function parseBool(text: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false
  return fail('parse error')
}

const INTEGER =
  /^[+-]?(?:(?<hex>0[xX](?:_?[0-9a-fA-F])+)|(?<binary>0[bB](?:_?[01])+)|(?<octal>0[oO]?(?:_?[0-7])+)|(?<decimal>0|[1-9](?:_?\d)*))$/

function parseInteger(text: string): number {
  const match = INTEGER.exec(text)
  if (match === null) return fail('parse error')
  const digits = text.replace(/[+_-]/g, '')
  const value = Number(match.groups?.octal === undefined ? digits : `0o${digits.replace(/^0[oO]?/, '')}`)
  if (!Number.isSafeInteger(value)) return fail('value out of range')
  return text[0] === '-' ? -value : value
}
