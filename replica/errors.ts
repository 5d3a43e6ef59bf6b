import type { TXID } from '../ltx/index.ts'

export type ReplicaErrorCode =
  | 'REPLICA_TX_NOT_AVAILABLE' // no set of files leads to the state asked for
  | 'REPLICA_NON_CONTIGUOUS' // files exist beyond a hole in the TXID sequence
  | 'REPLICA_USAGE' // a target that contradicts itself

export interface ReplicaErrorContext {
  readonly txid?: TXID
  /** Milliseconds since the Unix epoch. */
  readonly timestamp?: number
  /** The hole: the last TXID before it and the first one after it. */
  readonly gap?: { readonly after: TXID; readonly before: TXID }
}

/** Everything that can go wrong in `replica/`. */
export class ReplicaError extends Error {
  override readonly name = 'ReplicaError'
  readonly code: ReplicaErrorCode
  readonly at: ReplicaErrorContext

  constructor(code: ReplicaErrorCode, message: string, options: { at?: ReplicaErrorContext; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.at = options.at ?? {}
  }
}

/** True for a ReplicaError, and with codes given only for one of those. */
export function isReplicaError<C extends ReplicaErrorCode>(
  error: unknown,
  ...codes: C[]
): error is ReplicaError & { code: C } {
  return error instanceof ReplicaError && (codes.length === 0 || (codes as ReplicaErrorCode[]).includes(error.code))
}
