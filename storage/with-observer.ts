import { isStorageError, type StorageErrorCode } from './errors.ts'
import { isObservable, type RequestVerb } from './observe.ts'
import { ObservedCalls } from './observed-calls.ts'
import type { ReplicaClient } from './types.ts'

/** The words of Litestream's metrics (facts 8.4). */
export type ReplicaOperation = 'PUT' | 'GET' | 'LIST' | 'DELETE'

/** One request, when it is over. */
export interface ReplicaRequest {
  readonly operation: ReplicaOperation
  /** Of files, catalogs and leases, sent or received. */
  readonly bytes: number
  /** Until the answer is read to its end. */
  readonly ms: number
  /** Why it failed: a storage code, `ABORTED`, or `UNKNOWN`. Absence is no failure, a condition that does not hold is. */
  readonly error?: StorageErrorCode | 'ABORTED' | 'UNKNOWN'
}

export interface ObserverOptions {
  /** Ms, never going back. Default: `performance.now`. */
  readonly now?: () => number
}

/** A HEAD is how a store is asked for one file's metadata; what a multipart upload needs beside its parts is writing. */
const OPERATIONS: Readonly<Record<RequestVerb, ReplicaOperation>> = {
  list: 'LIST',
  head: 'GET',
  get: 'GET',
  put: 'PUT',
  other: 'PUT',
  delete: 'DELETE',
}

/**
 * Tell of every request of a client, whatever its backend: what it was, its bytes, its time, why it failed
 * (`litestream_replica_operation_*`, facts 8.4; upstream counts some requests of some backends).
 * Where a client shows its real requests, retries included, it is of those; elsewhere each call is one.
 *
 * @param onRequest must not throw
 */
export function withObserver(
  client: ReplicaClient,
  onRequest: (request: ReplicaRequest) => void,
  { now = () => performance.now() }: ObserverOptions = {},
): ReplicaClient {
  const observer = (verb: RequestVerb) => {
    const startedAt = now()
    return ({ bytes, error }: { readonly bytes: number; readonly error?: unknown }): void => {
      const failed = error === undefined ? {} : { error: codeOf(error) }
      onRequest({ operation: OPERATIONS[verb], bytes, ms: now() - startedAt, ...failed })
    }
  }
  if (!isObservable(client)) return new ObservedCalls(client, observer)
  client.observe(observer)
  return client
}

function codeOf(error: unknown): NonNullable<ReplicaRequest['error']> {
  if (isStorageError(error)) return error.code
  return (error as { name?: string } | undefined)?.name === 'AbortError' ? 'ABORTED' : 'UNKNOWN'
}
