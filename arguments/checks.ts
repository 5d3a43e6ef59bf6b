import { nearest } from './nearest.ts'

/**
 * What is wrong with a value, as a sentence without its full stop; undefined for a value that will do.
 * @param name how the caller knows the value: `timeoutMs`, `budget.maxRequests`
 */
export type Check = (value: unknown, name: string) => string | undefined

/** A check for each option that there is. */
export type Shape<T> = { readonly [K in keyof T]-?: Check }

type AnyShape = Readonly<Record<string, Check>>

/** Whether a value is of a built-in class, of whichever realm (frames, test runners). */
export function isOfClass(value: unknown, name: 'Date' | 'URL'): boolean {
  return Object.prototype.toString.call(value) === `[object ${name}]`
}

/** Whether a value has all of these methods. */
export function has(value: unknown, ...methods: string[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  return methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function')
}

/** A value in a message: what it is, and itself where it is short and cannot be a secret. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
    case 'boolean':
    case 'number':
      return String(value)
    case 'bigint':
      return 'a bigint'
    case 'string':
      return value === '' ? 'empty' : 'text'
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? 'an array' : `an object (${classOf(value)})`
    default:
      return `a ${typeof value}`
  }
}

function classOf(value: object): string {
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== '' ? name : 'of no class'
}

function must(expected: string, holds: (value: unknown) => boolean): Check {
  return (value, name) => (holds(value) ? undefined : `${name} must be ${expected}, but is ${shown(value)}`)
}

export const text: Check = must('text', (value) => typeof value === 'string')

export const someText: Check = must('text that is not empty', (value) => typeof value === 'string' && value !== '')

export const flag: Check = must('true or false', (value) => typeof value === 'boolean')

export const callback: Check = must('a function', (value) => typeof value === 'function')

export const anyNumber: Check = must('a number', (value) => typeof value === 'number' && !Number.isNaN(value))

export const anyObject: Check = must(
  'an object',
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
)

export const textByName: Check = must(
  'an object of texts by name',
  (value) => anyObject(value, '') === undefined && !(Symbol.iterator in (value as object)) && allText(value as object),
)

function allText(value: object): boolean {
  return Object.values(value).every((one) => typeof one === 'string')
}

export const abortSignal: Check = must(
  'an AbortSignal',
  (value) => has(value, 'addEventListener', 'removeEventListener') && 'aborted' in (value as object),
)

/** A number from `least` on; without end is one, too. */
export function atLeast(least: number): Check {
  return must(`a number from ${least} on`, (value) => typeof value === 'number' && value >= least)
}

export function wholeNumber(least: number): Check {
  return must(`a whole number from ${least} on`, (value) => Number.isSafeInteger(value) && (value as number) >= least)
}

/** One of a few words. */
export function oneOf(...words: string[]): Check {
  const expected = words.map((word) => `'${word}'`).join(' or ')
  return (value, name) => {
    if (typeof value !== 'string') return must(expected, () => false)(value, name)
    if (words.includes(value)) return undefined
    return `${name} must be ${expected}, but is ${JSON.stringify(value.slice(0, MAX_SHOWN))}`
  }
}

/** A value that passes at least one of these. @param expected names all of them */
export function eitherOf(expected: string, ...checks: Check[]): Check {
  return must(expected, (value) => checks.some((check) => check(value, '') === undefined))
}

/** An object with these keys and no others; `undefined` is a key that was not given. */
export function objectOf(shape: AnyShape): Check {
  return (value, name) => anyObject(value, name) ?? unknownIn(value as object, shape, name) ?? wrong(value, shape, name)
}

/** The first key that a shape does not have. */
export function unknownIn(value: object, shape: AnyShape, name: string): string | undefined {
  for (const key in value) {
    if (Object.hasOwn(shape, key)) continue
    const known = Object.keys(shape)
    const guess = nearest(key, known)
    const hint = guess === undefined ? `known are ${known.join(', ')}` : `did you mean ${guess}?`
    return `${name} has no ${JSON.stringify(key.slice(0, MAX_SHOWN))}: ${hint}`
  }
  return undefined
}

/** The options that a shape has, of those that are given. */
export function pick<T extends object>(options: T, shape: Shape<T>): T {
  return Object.fromEntries(Object.entries(options).filter(([key]) => Object.hasOwn(shape, key))) as T
}

function wrong(value: unknown, shape: AnyShape, name: string): string | undefined {
  for (const key in shape) {
    const given = (value as Record<string, unknown>)[key]
    if (given === undefined) continue
    const complaint = shape[key]!(given, name === 'options' ? key : `${name}.${key}`)
    if (complaint !== undefined) return complaint
  }
  return undefined
}

/** Letters of a word that is repeated in a message. */
const MAX_SHOWN = 40
