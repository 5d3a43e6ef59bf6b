import type { TXID } from '../ltx/index.ts'

export type WriterErrorCode =
  // the primary
  | 'WRITER_NO_DATABASE' // the database file does not exist
  | 'WRITER_NOT_A_DATABASE' // it exists and is not SQLite
  | 'WRITER_DATABASE' // SQLite refused something: `cause` has its message
  | 'WRITER_PAGE_SIZE_CHANGED' // the database was rebuilt with another page size
  | 'WRITER_DATABASE_REPLACED' // another file stands at the database's path
  | 'WRITER_BAD_WAL' // not a WAL, or a version nobody knows
  | 'WRITER_GROWTH_PAGE_MISSING' // a page the database should have lies beyond the end of its file
  | 'WRITER_DISK_FULL'
  | 'WRITER_IO'
  // local state
  | 'WRITER_LTX_MISSING'
  | 'WRITER_LTX_CORRUPT'
  // the replica
  | 'WRITER_SECOND_WRITER' // somebody else writes to this prefix
  | 'WRITER_GAP' // a level's files are not contiguous
  | 'WRITER_SHUTDOWN_INTERRUPTED'
  // restoring
  | 'WRITER_OUTPUT_EXISTS'
  | 'WRITER_OUTPUT_IS_DIRECTORY'
  | 'WRITER_NO_BACKUP' // nothing to restore from at all
  | 'WRITER_TX_NOT_AVAILABLE' // the TXID or time asked for cannot be reached
  | 'WRITER_CORRUPT_REPLICA' // a remote file is damaged
  | 'WRITER_INTEGRITY' // the restored database fails its integrity check
  | 'WRITER_FOLLOW_NO_POSITION' // a database to follow into exists, but not the file that says where it stands
  | 'WRITER_FOLLOWER_MODIFIED' // somebody else wrote to a followed database
  | 'WRITER_USAGE' // arguments that are none, options that exclude each other

export interface WriterErrorContext {
  readonly path?: string
  readonly key?: string
  readonly offset?: number
  readonly pgno?: number
  readonly txid?: TXID
}

const BRAND = Symbol.for('litetap.WriterError')

/** Everything that can go wrong in `writer/`. `hint` is one sentence that says what to do, for people. */
export class WriterError extends Error {
  override readonly name = 'WriterError'
  readonly [BRAND] = true
  readonly code: WriterErrorCode
  readonly at: WriterErrorContext
  readonly hint: string | undefined

  constructor(
    code: WriterErrorCode,
    message: string,
    options: { at?: WriterErrorContext; cause?: unknown; hint?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.at = options.at ?? {}
    this.hint = options.hint
  }
}

/** True for a WriterError (of any loaded copy of this module), and with codes given only for one of those. */
export function isWriterError<C extends WriterErrorCode>(
  error: unknown,
  ...codes: C[]
): error is WriterError & { code: C } {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false
  return codes.length === 0 || (codes as WriterErrorCode[]).includes((error as WriterError).code)
}
