import { StorageError } from './errors.ts'

/** Why one object could not be deleted. */
export interface DeleteFailure {
  readonly key: string
  /** In the store's words. */
  readonly message: string
  readonly denied: boolean
  readonly retryable: boolean
}

/** Failures named in the message. */
const NAMED_FAILURES = 5

/** The error that sums failed deletions up: the first ones are named. */
export function deleteFailed(bucket: string, failures: readonly DeleteFailure[], tried: number): StorageError {
  const named = failures.slice(0, NAMED_FAILURES).map(({ key, message }) => `${key}: ${message}`)
  const more = failures.length > named.length ? `; and ${failures.length - named.length} more` : ''
  const message = `Failed to delete ${failures.length} of ${tried} files from bucket ${bucket}: ${named.join('; ')}${more}`
  const denied = failures.every((failure) => failure.denied)
  return new StorageError(denied ? 'STORAGE_ACCESS_DENIED' : 'STORAGE_DELETE_FAILED', message, {
    at: { bucket, key: failures[0]!.key },
    retryable: failures.every((failure) => failure.retryable),
  })
}
