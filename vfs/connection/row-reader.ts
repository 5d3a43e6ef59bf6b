import { VfsError } from '../engine/errors.ts'
import type { Heap } from '../engine/heap.ts'
import type { SqliteExports } from '../engine/sqlite-exports.ts'
import type { Row, RowFormat, SqlValue } from './values.ts'

const SQLITE_INTEGER = 1
const SQLITE_FLOAT = 2
const SQLITE_TEXT = 3
const SQLITE_BLOB = 4

/** What a value takes beside its bytes, roughly: a slot and a header. */
const VALUE_BYTES = 16

/** Reads the rows of one statement. */
export class RowReader {
  /** Rough size of all rows read. */
  bytes = 0
  readonly #sqlite: SqliteExports
  readonly #heap: Heap
  readonly #names: readonly string[]
  readonly #arrays: boolean
  readonly #bigints: boolean

  /** @param names the statement's columns */
  constructor(sqlite: SqliteExports, heap: Heap, names: readonly string[], format: RowFormat) {
    this.#sqlite = sqlite
    this.#heap = heap
    this.#names = names
    this.#arrays = format.rows === 'array'
    this.#bigints = format.integers === 'bigint'
  }

  /** The row that the statement stands on, by column name or as an array. Its blobs are fresh. */
  read(statement: number): Row | SqlValue[] {
    const names = this.#names
    this.bytes += VALUE_BYTES * names.length
    if (this.#arrays) return names.map((_, i) => this.#value(statement, i))
    const row: Row = {}
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!
      const value = this.#value(statement, i)
      if (name === '__proto__') Object.defineProperty(row, name, { value, enumerable: true, configurable: true })
      else row[name] = value
    }
    return row
  }

  #value(statement: number, column: number): SqlValue {
    const sqlite = this.#sqlite
    switch (sqlite.sqlite3_column_type(statement, column)) {
      case SQLITE_INTEGER: {
        if (this.#bigints) return sqlite.sqlite3_column_int64(statement, column)
        // A double holds every safe integer, and rounds no other to a safe one: no BigInt for the usual case.
        const value = sqlite.sqlite3_column_double(statement, column)
        return Number.isSafeInteger(value) ? value : sqlite.sqlite3_column_int64(statement, column)
      }
      case SQLITE_FLOAT:
        return sqlite.sqlite3_column_double(statement, column)
      case SQLITE_TEXT: {
        const address = sqlite.sqlite3_column_text(statement, column)
        const length = sqlite.sqlite3_column_bytes(statement, column)
        this.bytes += length
        if (address === 0) throw noRoom()
        return this.#heap.text(address, length)
      }
      case SQLITE_BLOB: {
        const address = sqlite.sqlite3_column_blob(statement, column)
        const length = sqlite.sqlite3_column_bytes(statement, column)
        this.bytes += length
        return this.#heap.bytes.slice(address, address + length)
      }
      default:
        return null
    }
  }
}

/** SQLite gives no address for a text that is there when it has no memory to convert it. */
function noRoom(): VfsError {
  return new VfsError('VFS_NO_MEMORY', 'Cannot read a text: SQLite has no memory for it')
}
