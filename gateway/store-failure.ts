import { isStorageError } from '../storage/node.ts'

/** The status by which a reader learns that the store failed. */
export function failureStatus(error: unknown): number {
  if (!isStorageError(error)) return 500
  if (error.code === 'STORAGE_THROTTLED') return 503
  return error.code === 'STORAGE_TIMEOUT' ? 504 : 502
}
