/** What SQLite gives: INTEGER is a number where that is exact and otherwise a bigint, a BLOB is fresh bytes. */
export type SqlValue = null | number | bigint | string | Uint8Array<ArrayBuffer>

/** What a parameter may be. Integer-valued safe numbers become INTEGER, other numbers REAL (NaN: NULL), booleans 0 or 1. */
export type SqlParameter = null | number | bigint | string | boolean | ArrayBufferView | ArrayBuffer

/** By position, or by name with or without its `:`, `@` or `$`. */
export type SqlParameters = readonly SqlParameter[] | Readonly<Record<string, SqlParameter>>

/** A row by column name; of columns with the same name the last. */
export type Row = Record<string, SqlValue>

/** How rows are given. */
export interface RowFormat {
  /** Objects by column name, or arrays in the order of the columns. Default: 'object'. */
  readonly rows?: 'object' | 'array'
  /** Integers as bigint only where a number is not exact, or always. Default: 'number'. */
  readonly integers?: 'number' | 'bigint'
}
