import { formatDuration, parseDuration } from './duration.ts'
import type { ValueKey, ValueKind } from './key.ts'
import type { ConfigNode, ScalarNode } from './nodes.ts'
import { type Resolved, resolveScalar } from './resolve-scalar.ts'
import { parseSize } from './size.ts'
import { FORMS, isOfForm } from './value-form.ts'

/** What a value of each kind becomes; durations are in ms, sizes in bytes. */
export interface ValueTypes {
  readonly text: string
  readonly boolean: boolean
  readonly integer: number
  readonly duration: number
  readonly size: number
  readonly permissions: number
  readonly texts: readonly string[]
}

/** A value; nothing where there is none (`key:`); or what was expected in its place. */
export type ReadValue =
  | { readonly is: 'value'; readonly value: ValueTypes[ValueKind] }
  | { readonly is: 'nothing' }
  | { readonly is: 'wrong'; readonly expected: string }

const NOTHING: ReadValue = { is: 'nothing' }

/** Read one value as its key wants it. */
export function readValue(key: ValueKey, node: ConfigNode): ReadValue {
  if (key.kind === 'texts') return readTexts(node)
  if (node.kind !== 'scalar') return wrong(expectation(key))
  const resolved = resolveScalar(node)
  // To Litestream an empty text is as good as none.
  if (resolved.kind === 'null' || (key.kind === 'text' && node.text === '')) return NOTHING
  const value = PARSERS[key.kind](resolved, node)
  if (value === undefined || !isAllowed(key, value)) return wrong(expectation(key))
  return { is: 'value', value: key.oneOf ? (canonical(key, value) ?? value) : value }
}

/** What the key wants, as in `expected ...`. */
export function expectation(key: ValueKey): string {
  if (key.oneOf) return key.oneOf.length === 1 ? key.oneOf[0]! : `one of ${key.oneOf.join(', ')}`
  if (key.form) return FORMS[key.form].expected
  return EXPECTED[key.kind] + limits(key)
}

const EXPECTED: Readonly<Record<ValueKind, string>> = {
  text: 'a text',
  boolean: 'true or false, without quotes',
  integer: 'a whole number',
  duration: 'a duration such as 1m',
  size: 'a size such as 5MiB',
  permissions: 'octal permissions such as 0600',
  texts: 'a list of texts',
}

type Parser = (resolved: Resolved, node: ScalarNode) => ValueTypes[ValueKind] | undefined

const PARSERS: Readonly<Record<Exclude<ValueKind, 'texts'>, Parser>> = {
  text: (_, node) => node.text,
  boolean: (resolved) => (resolved.kind === 'boolean' ? resolved.value : undefined),
  integer: wholeNumber,
  // A number without a unit would be nanoseconds to Litestream, which nobody means.
  duration: (resolved, node) => (resolved.kind === 'number' && resolved.value === 0 ? 0 : parseDuration(node.text)),
  size: (_, node) => parseSize(node.text),
  permissions: wholeNumber,
}

function wholeNumber(resolved: Resolved): number | undefined {
  return resolved.kind === 'number' && Number.isSafeInteger(resolved.value) ? resolved.value : undefined
}

function isAllowed(key: ValueKey, value: ValueTypes[ValueKind]): boolean {
  if (key.oneOf) return canonical(key, value) !== undefined
  if (typeof value === 'string') return key.form === undefined || isOfForm(key.form, value)
  if (typeof value !== 'number') return true
  const { min = Number.NEGATIVE_INFINITY, above = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = key
  return value >= min && value > above && value <= max
}

/** The listed word that is meant, whatever its case. */
function canonical(key: ValueKey, value: ValueTypes[ValueKind]): string | undefined {
  return key.oneOf?.find((word) => word.toLowerCase() === String(value).toLowerCase())
}

function limits(key: ValueKey): string {
  const show = (value: number): string =>
    key.kind === 'duration' ? formatDuration(value) : key.kind === 'permissions' ? `0${value.toString(8)}` : `${value}`
  if (key.kind === 'permissions') return ''
  if (key.above !== undefined) return `, above ${show(key.above)}`
  if (key.min !== undefined) return `, ${show(key.min)} or more`
  return ''
}

function readTexts(node: ConfigNode): ReadValue {
  if (node.kind === 'scalar' && resolveScalar(node).kind === 'null') return NOTHING
  if (node.kind !== 'list') return wrong(EXPECTED.texts)
  const texts: string[] = []
  for (const item of node.items) {
    if (item.kind !== 'scalar') return wrong(EXPECTED.texts)
    texts.push(item.text)
  }
  return { is: 'value', value: texts }
}

function wrong(expected: string): ReadValue {
  return { is: 'wrong', expected }
}
