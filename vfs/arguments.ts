import {
  abortSignal,
  atLeast,
  type Check,
  callback,
  has,
  isOfClass,
  objectOf,
  oneOf,
  type Shape,
  shown,
  unknownIn,
} from '../arguments/index.ts'
import { MAX_TXID } from '../ltx/index.ts'
import type { Budget, StateTarget } from '../replica/index.ts'
import type { RowFormat } from './connection/values.ts'
import type { QueryOptions } from './database.ts'
import { VfsError } from './engine/errors.ts'

const BUDGET: Shape<Budget> = { maxRequests: atLeast(0), maxBytes: atLeast(0), maxRoundTrips: atLeast(0) }

const ROW_FORMAT: Shape<RowFormat> = { rows: oneOf('object', 'array'), integers: oneOf('number', 'bigint') }

/** What is the whole query's, and so a transaction's: none of its statements can have another. */
const OF_QUERY: Shape<Omit<QueryOptions, keyof RowFormat>> = {
  signal: abortSignal,
  budget: objectOf(BUDGET),
  onCost: callback,
}

const queryOptions = objectOf({ ...ROW_FORMAT, ...OF_QUERY })
const rowFormat = objectOf(ROW_FORMAT)
const signalOptions = objectOf({ signal: abortSignal })
const waitOptions = objectOf({ signal: abortSignal, timeoutMs: atLeast(0) })
const hydrateOptions = objectOf({ signal: abortSignal, onProgress: callback })

/** The arguments of a query. @throws VfsError VFS_USAGE; VFS_PARAMETER */
export function checkQuery(sql: unknown, parameters: unknown, options: unknown): void {
  checkSql(sql)
  if (!Array.isArray(parameters)) checkParameters(parameters)
  if (options !== NO_OPTIONS) refuseIf(queryOptions(options, 'options'), 'query')
}

/** The arguments of a query in a transaction. @throws as `checkQuery` */
export function checkInTransaction(sql: unknown, parameters: unknown, format: unknown): void {
  checkSql(sql)
  if (!Array.isArray(parameters)) checkParameters(parameters)
  if (format === NO_OPTIONS) return
  const ofQuery = Object.keys(OF_QUERY).find((key) => Object.hasOwn(Object(format), key))
  if (ofQuery)
    refuse('query', `${ofQuery} is an option of the whole transaction: give it to transaction(work, options)`)
  refuseIf(rowFormat(format, 'options'), 'query')
}

/** The options of a call that was given none: known by sight, and not looked at again. */
export const NO_OPTIONS: Readonly<Record<never, never>> = Object.freeze({})

/** @throws VfsError VFS_USAGE */
export function checkSql(sql: unknown): void {
  if (typeof sql === 'string') return
  if (Array.isArray(sql) && 'raw' in sql) {
    refuse('query', 'it is no tag of a template: write db.get(sql, [values]) with ? in the SQL for each value')
  }
  refuse('query', `the SQL must be text, but is ${shown(sql)}`)
}

/** @throws VfsError VFS_PARAMETER */
function checkParameters(parameters: unknown): void {
  if (isByName(parameters)) return
  const message = `they must be an array, or an object by name, but are ${shown(parameters)}; one value is [value]`
  throw new VfsError('VFS_PARAMETER', `Cannot bind parameters: ${message}`)
}

/** Not a list, nor a value itself, whose own properties would be taken for parameters. */
function isByName(parameters: unknown): boolean {
  if (typeof parameters !== 'object' || parameters === null) return false
  if (Symbol.iterator in parameters || isBytes(parameters)) return false
  return !isOfClass(parameters, 'Date') && !has(parameters, 'then')
}

function isBytes(value: object): boolean {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value)
}

/** @throws VfsError VFS_USAGE */
export function checkWork(work: unknown, options: unknown): void {
  refuseIf(callback(work, 'the work'), 'begin a transaction')
  if (options !== NO_OPTIONS) refuseIf(queryOptions(options, 'options'), 'begin a transaction')
}

/** @throws VfsError VFS_USAGE */
export function checkQueryOptions(options: unknown): void {
  if (options !== NO_OPTIONS) refuseIf(queryOptions(options, 'options'), 'query')
}

/** @throws VfsError VFS_USAGE */
export function checkSignalOptions(options: unknown, doing: string): void {
  if (options !== NO_OPTIONS) refuseIf(signalOptions(options, 'options'), doing)
}

/** @throws VfsError VFS_USAGE */
export function checkHydrate(options: unknown): void {
  if (options !== NO_OPTIONS) refuseIf(hydrateOptions(options, 'options'), 'hydrate')
}

/** @throws VfsError VFS_USAGE */
export function checkWait(to: unknown, options: unknown): void {
  if (typeof to !== 'string') refuseIf(aTXID(to, 'the TXID'), 'wait')
  if (options !== NO_OPTIONS) refuseIf(waitOptions(options, 'options'), 'wait')
}

/** @throws VfsError VFS_USAGE */
export function checkSince(since: unknown): void {
  if (since !== undefined) refuseIf(aTXID(since, 'since'), 'map pages')
}

const aTXID: Check = (value, name) => {
  if (typeof value !== 'bigint') {
    const hint = Number.isSafeInteger(value) ? `; write ${value}n` : ''
    return `${name} must be a bigint, but is ${shown(value)}${hint}`
  }
  return value >= 0n && value <= MAX_TXID ? undefined : `${name} must be from 0 to 2^64 - 1`
}

/**
 * What is left of a `When` that is no text.
 * @throws VfsError VFS_USAGE: there is no such state, and none is guessed
 */
export function targetOf(when: unknown): StateTarget {
  if (isOfClass(when, 'Date')) {
    const timestamp = (when as Date).getTime()
    return Number.isNaN(timestamp) ? refuse('go to a state', 'the Date is invalid') : { timestamp }
  }
  if (typeof when === 'number' || typeof when === 'bigint') {
    const message = `a ${typeof when} may be a time or a TXID: give new Date(ms), { timestamp: ms } or { txid }`
    return refuse('go to a state', message)
  }
  if (typeof when !== 'object' || when === null || Array.isArray(when)) {
    return refuse('go to a state', `it must be named by a Date, text, { txid } or { timestamp }, but is ${shown(when)}`)
  }
  refuseIf(unknownIn(when, TARGET, 'the state'), 'go to a state')
  const { txid, timestamp } = when as Partial<StateTarget>
  if ((txid === undefined) === (timestamp === undefined)) refuse('go to a state', 'give either txid or timestamp')
  if (txid !== undefined) {
    refuseIf(TARGET.txid(txid, 'txid'), 'go to a state')
    return { txid }
  }
  refuseIf(TARGET.timestamp(timestamp, 'timestamp'), 'go to a state')
  return { timestamp: timestamp as number }
}

const TARGET: Shape<StateTarget> = {
  txid: aTXID,
  timestamp: (value, name) =>
    typeof value === 'number' && Number.isFinite(value)
      ? undefined
      : `${name} must be milliseconds since the Unix epoch, but is ${shown(value)}`,
}

function refuseIf(complaint: string | undefined, doing: string): void {
  if (complaint !== undefined) refuse(doing, complaint)
}

function refuse(doing: string, why: string): never {
  throw new VfsError('VFS_USAGE', `Cannot ${doing}: ${why}`)
}
