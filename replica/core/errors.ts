import type { Pgno, TXID } from '../../ltx/index.ts'

export type ReplicaErrorCode =
  | 'REPLICA_TX_NOT_AVAILABLE' // no set of files leads to the state asked for
  | 'REPLICA_NON_CONTIGUOUS' // files exist beyond a hole in the TXID sequence
  | 'REPLICA_USAGE' // a target that contradicts itself, a state of another replica
  | 'REPLICA_EMPTY' // nothing has been replicated to this place yet
  | 'REPLICA_SNAPSHOT_GONE' // files of a state that is being read were deleted, and no other file holds its pages
  | 'REPLICA_DAMAGED' // a file is not what it should be; the cause says how
  | 'REPLICA_PAGE_SIZE' // files of databases with different page sizes below one prefix
  | 'REPLICA_BUDGET' // a query would cost more than it may
  | 'REPLICA_WAIT_TIMEOUT' // a transaction that was waited for did not come in time
  | 'REPLICA_STORE' // the store that should keep all pages does not; the cause says why, where it is known
  | 'REPLICA_CLOSED'

export interface ReplicaErrorContext {
  readonly txid?: TXID
  /** `<level>/<min>-<max>.ltx`. */
  readonly key?: string
  /** Bytes from the start of the file. */
  readonly offset?: number
  readonly pgno?: Pgno
  /** Milliseconds since the Unix epoch. */
  readonly timestamp?: number
  /** The hole: the last TXID before it and the first one after it. */
  readonly gap?: { readonly after: TXID; readonly before: TXID }
}

const BRAND = Symbol.for('litetap.ReplicaError')

/** Everything that can go wrong in `replica/`. */
export class ReplicaError extends Error {
  override readonly name = 'ReplicaError'
  readonly [BRAND] = true
  readonly code: ReplicaErrorCode
  readonly at: ReplicaErrorContext
  /** What to do, where that is known. */
  readonly hint: string | undefined

  constructor(
    code: ReplicaErrorCode,
    message: string,
    options: { at?: ReplicaErrorContext; hint?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.at = options.at ?? {}
    this.hint = options.hint
  }
}

/** True for a ReplicaError (of any loaded copy of this module), and with codes given only for one of those. */
export function isReplicaError<C extends ReplicaErrorCode>(
  error: unknown,
  ...codes: C[]
): error is ReplicaError & { code: C } {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false
  return codes.length === 0 || (codes as ReplicaErrorCode[]).includes((error as ReplicaError).code)
}
