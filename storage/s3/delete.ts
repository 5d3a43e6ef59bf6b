import { DeleteObjectsCommand } from '@aws-sdk/client-s3'
import { type DeleteFailure, deleteFailed } from '../delete-failed.ts'
import { isStorageError } from '../errors.ts'
import { abortable, type S3Connection } from './connection.ts'
import { listPages } from './list.ts'
import { s3Error } from './s3-error.ts'

/** Keys per request: S3's limit. */
const BATCH_SIZE = 1000
/**
 * Delete objects; absent ones are fine. Every key is tried before a failure is thrown.
 * @throws StorageError STORAGE_DELETE_FAILED naming the first failures; or, if whole requests failed, why
 */
export async function deleteObjects(
  connection: S3Connection,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const failures: DeleteFailure[] = []
  let requestError: unknown
  for (let at = 0; at < keys.length; at += BATCH_SIZE) {
    signal?.throwIfAborted()
    try {
      failures.push(...(await deleteBatch(connection, keys.slice(at, at + BATCH_SIZE), signal)))
    } catch (error) {
      if (signal?.aborted || !isStorageError(error)) throw error
      requestError ??= error
    }
  }
  if (requestError) throw requestError
  if (failures.length > 0) throw deleteFailed(connection.settings.bucket, failures, keys.length)
}

/** Delete everything whose key starts with a prefix. */
export async function deletePrefix(
  connection: S3Connection,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const page of listPages(connection, { prefix, signal })) {
    await deleteObjects(
      connection,
      page.map(({ key }) => key),
      signal,
    )
  }
}

async function deleteBatch(
  { client, settings }: S3Connection,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<DeleteFailure[]> {
  const input = { Bucket: settings.bucket, Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true } }
  try {
    const { Errors = [] } = await client.send(new DeleteObjectsCommand(input), abortable(signal))
    return Errors.filter(({ Code }) => Code !== 'NoSuchKey').map(({ Key = '', Code = '', Message = '' }) => ({
      key: Key,
      message: Message || Code,
      denied: Code === 'AccessDenied',
      retryable: Code === 'InternalError' || Code === 'SlowDown',
    }))
  } catch (error) {
    const key = keys.length === 1 ? keys[0] : undefined
    throw s3Error(error, { verb: `delete ${keys.length} files from`, ...(key && { key }), settings, signal })
  }
}
