import type { Engine } from '../engine/engine.ts'
import { VfsError } from '../engine/errors.ts'
import { maxTextBytes } from '../engine/heap.ts'
import { SQLITE, sqliteCodeName } from '../engine/sqlite-codes.ts'
import { SQLITE_TRANSIENT } from '../engine/sqlite-exports.ts'
import type { Prepared } from './prepared.ts'
import type { SqlParameter, SqlParameters } from './values.ts'

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/**
 * Give a statement its parameters, each of them: none keeps a value of an earlier run.
 * @throws VfsError VFS_PARAMETER
 */
export function bindAll(engine: Engine, prepared: Prepared, parameters: SqlParameters): void {
  const values = Array.isArray(parameters)
    ? byPosition(prepared, parameters as readonly SqlParameter[])
    : byName(prepared, parameters as Readonly<Record<string, SqlParameter>>)
  for (const [i, value] of values.entries()) {
    const name = prepared.parameters[i] ?? `${i + 1}`
    const result = bind(engine, prepared.pointer, i + 1, value, name)
    if (result !== SQLITE.OK) refuse(`parameter ${name} was not accepted: ${sqliteCodeName(result)}`)
  }
}

function byPosition(prepared: Prepared, values: readonly SqlParameter[]): readonly SqlParameter[] {
  const count = prepared.parameters.length
  if (values.length !== count) refuse(`the statement has ${count} parameters, but ${values.length} values were given`)
  return values
}

function byName(prepared: Prepared, given: Readonly<Record<string, SqlParameter>>): SqlParameter[] {
  const used = new Set<string>()
  const values = prepared.parameters.map((name, i) => {
    if (name === undefined) return refuse(`parameter ${i + 1} has no name: give the values as an array`)
    const key = Object.hasOwn(given, name) ? name : name.slice(1)
    if (!Object.hasOwn(given, key)) return refuse(`no value was given for ${name}`)
    used.add(key)
    return given[key] as SqlParameter
  })
  for (const key of Object.keys(given)) {
    if (!used.has(key)) refuse(`the statement has no parameter named '${key}'`)
  }
  return values
}

function bind(engine: Engine, statement: number, index: number, value: SqlParameter, name: string): number {
  const { sqlite } = engine
  switch (typeof value) {
    case 'string':
      return bindText(engine, statement, index, value)
    case 'number':
      if (!Number.isSafeInteger(value)) return sqlite.sqlite3_bind_double(statement, index, value)
      if (value === (value | 0)) return sqlite.sqlite3_bind_int(statement, index, value)
      return sqlite.sqlite3_bind_int64(statement, index, BigInt(value))
    case 'bigint':
      if (value < MIN_INT64 || value > MAX_INT64) return refuse(`parameter ${name} does not fit in 64 bits: ${value}`)
      return sqlite.sqlite3_bind_int64(statement, index, value)
    case 'boolean':
      return sqlite.sqlite3_bind_int(statement, index, value ? 1 : 0)
    case 'object':
      if (value === null) return sqlite.sqlite3_bind_null(statement, index)
      if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
        return bindBlob(engine, statement, index, bytesOf(value, name))
      }
      if ((value as object) instanceof Date) {
        return refuse(`parameter ${name} is a Date: give date.toISOString() or date.getTime(), as the column holds it`)
      }
      return refuse(`parameter ${name} is an object: give a string, e.g. JSON.stringify(value)`)
    default:
      return refuse(`parameter ${name} is ${typeof value}: give null, a number, bigint, string, boolean or bytes`)
  }
}

function bytesOf(value: ArrayBufferView | ArrayBuffer, name: string): Uint8Array {
  try {
    if (value instanceof ArrayBuffer) return new Uint8Array(value)
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  } catch {
    return refuse(`parameter ${name} is bytes that are gone: their buffer was transferred`)
  }
}

function bindText(engine: Engine, statement: number, index: number, text: string): number {
  return withScratch(engine, maxTextBytes(text), (address) => {
    const bytes = engine.heap.writeText(address, text)
    return engine.sqlite.sqlite3_bind_text(statement, index, address, bytes, SQLITE_TRANSIENT)
  })
}

function bindBlob(engine: Engine, statement: number, index: number, blob: Uint8Array): number {
  return withScratch(engine, blob.length, (address) => {
    engine.heap.bytes.set(blob, address)
    return engine.sqlite.sqlite3_bind_blob(statement, index, address, blob.length, SQLITE_TRANSIENT)
  })
}

/** Room in SQLite's memory for the time of a call. @param bytes 0 gives an address that is not null, too */
function withScratch(engine: Engine, bytes: number, use: (address: number) => number): number {
  const address = engine.sqlite.malloc(bytes + 1)
  if (address === 0) return SQLITE.NOMEM
  try {
    return use(address)
  } finally {
    engine.sqlite.free(address)
  }
}

function refuse(reason: string): never {
  throw new VfsError('VFS_PARAMETER', `Cannot bind parameters: ${reason}`)
}
