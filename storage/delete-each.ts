import { type DeleteFailure, deleteFailed } from './delete-failed.ts'
import { isStorageError } from './errors.ts'
import { tryEach } from './try-each.ts'

/** Deletions in flight where each is a request of its own. */
const CONCURRENCY = 16

/**
 * Delete objects one by one, several at a time. Every key is tried before a failure is thrown.
 *
 * @param remove deletes one; an absent one is fine
 * @throws StorageError STORAGE_DELETE_FAILED naming the first failures, or what they all have in common; the signal's reason
 */
export async function deleteEach(
  bucket: string,
  keys: readonly string[],
  remove: (key: string) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const failures: (DeleteFailure & { readonly error: unknown })[] = []
  await tryEach(keys, { atOnce: CONCURRENCY, signal }, async (key) => {
    try {
      await remove(key)
    } catch (error) {
      if (signal?.aborted || !isStorageError(error)) throw error
      const denied = error.code === 'STORAGE_ACCESS_DENIED'
      failures.push({ key, message: error.message, denied, retryable: error.retryable, error })
    }
  })
  // One that stands for itself says more than a sum of one.
  if (failures.length === 1) throw failures[0]!.error
  if (failures.length > 0) throw deleteFailed(bucket, failures, keys.length)
}
