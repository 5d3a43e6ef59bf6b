import { DeleteObjectsCommand } from '@aws-sdk/client-s3'
import { isStorageError, StorageError } from '../errors.ts'
import { abortable, type S3Connection } from './connection.ts'
import { listPages } from './list.ts'
import { s3Error } from './s3-error.ts'

/** Keys per request: S3's limit. */
const BATCH_SIZE = 1000
/** Failures named in the message. */
const NAMED_FAILURES = 5

interface Failure {
  readonly key: string
  readonly code: string
  readonly message: string
}

/**
 * Delete objects; absent ones are fine. Every key is tried before a failure is thrown.
 * @throws StorageError STORAGE_DELETE_FAILED naming the first failures; or, if whole requests failed, why
 */
export async function deleteObjects(
  connection: S3Connection,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const failures: Failure[] = []
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
): Promise<Failure[]> {
  const input = { Bucket: settings.bucket, Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true } }
  try {
    const { Errors = [] } = await client.send(new DeleteObjectsCommand(input), abortable(signal))
    return Errors.filter(({ Code }) => Code !== 'NoSuchKey').map(({ Key = '', Code = '', Message = '' }) => ({
      key: Key,
      code: Code,
      message: Message || Code,
    }))
  } catch (error) {
    const key = keys.length === 1 ? keys[0] : undefined
    throw s3Error(error, { verb: `delete ${keys.length} files from`, ...(key && { key }), settings, signal })
  }
}

function deleteFailed(bucket: string, failures: readonly Failure[], tried: number): StorageError {
  const denied = failures.every(({ code }) => code === 'AccessDenied')
  const retryable = failures.every(({ code }) => code === 'InternalError' || code === 'SlowDown')
  const named = failures.slice(0, NAMED_FAILURES).map(({ key, message }) => `${key}: ${message}`)
  const more = failures.length > named.length ? `; and ${failures.length - named.length} more` : ''
  const message = `Failed to delete ${failures.length} of ${tried} files from bucket ${bucket}: ${named.join('; ')}${more}`
  return new StorageError(denied ? 'STORAGE_ACCESS_DENIED' : 'STORAGE_DELETE_FAILED', message, {
    at: { bucket, key: failures[0]!.key },
    retryable,
  })
}
