/** Every way in which a query can fail that is not the storage's or the replica's own failure (those come through). */
export type VfsErrorCode =
  // SQLite refused the statement, or found something wrong
  | 'VFS_SQL' // the statement's own fault; the message is SQLite's
  | 'VFS_READONLY' // it would write: a replica cannot be written to
  | 'VFS_CORRUPT' // the database is malformed
  | 'VFS_UNSUPPORTED' // the database uses what this build of SQLite lacks: UTF-16, a module
  | 'VFS_NO_MEMORY'
  | 'VFS_CANNOT_OPEN' // ATTACH of a file
  | 'VFS_INTERRUPTED'
  | 'VFS_INTERNAL' // what cannot happen: a defect here
  // the call is wrong
  | 'VFS_USAGE' // an argument or option that is none; the message says what was expected
  | 'VFS_EMPTY_SQL'
  | 'VFS_MULTIPLE_STATEMENTS'
  | 'VFS_NUL_IN_SQL'
  | 'VFS_PARAMETER' // a value that SQLite has no type for, or a set of values that does not fit the statement
  | 'VFS_TRANSACTION_SQL' // BEGIN or SAVEPOINT as a statement
  | 'VFS_TIME' // a time that cannot be understood
  | 'VFS_BOOKMARK' // a bookmark that this library did not make
  | 'VFS_FIXED' // time travel asked of a database that is fixed at one state
  | 'VFS_CLOSED'
  | 'VFS_DEADLOCK' // the query waits for a connection that only its own end would set free
  // no failure of a query: what `onProblem` is told
  // the bridge
  | 'VFS_ENGINE_BUSY' // one instance was entered twice: a defect here
  | 'VFS_ENGINE' // SQLite did not start, or a trap has ended it

/** What is known about the failure; each where it applies. */
export interface VfsErrorContext {
  readonly sql?: string
  /** Byte offset in `sql` of the token that SQLite objects to. */
  readonly offset?: number
  /** SQLite's primary result code, e.g. 8. */
  readonly sqliteCode?: number
  /** SQLite's extended result code, e.g. 264. */
  readonly extendedCode?: number
}

const BRAND = Symbol.for('litetap.VfsError')

/** Everything that can go wrong in `vfs/`. */
export class VfsError extends Error {
  override readonly name = 'VfsError'
  readonly code: VfsErrorCode
  readonly at: VfsErrorContext
  readonly [BRAND] = true

  constructor(code: VfsErrorCode, message: string, options: { at?: VfsErrorContext; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.at = options.at ?? {}
  }
}

/** True for a VfsError, and with codes given only for one of those. */
export function isVfsError<C extends VfsErrorCode>(error: unknown, ...codes: C[]): error is VfsError & { code: C } {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false
  return codes.length === 0 || (codes as VfsErrorCode[]).includes((error as VfsError).code)
}
