import { HeadObjectCommand, PutObjectCommand, type PutObjectCommandInput } from '@aws-sdk/client-s3'
import { concat, copyOf, ownedStream } from '../body.ts'
import { StorageError } from '../errors.ts'
import type { ByteStream } from '../types.ts'
import type { ConditionalSupport } from './conditional.ts'
import { abortable, type S3Connection } from './connection.ts'
import { uploadParts } from './multipart.ts'
import { s3Error, s3ErrorStatus } from './s3-error.ts'
import { customerKey, type S3Settings } from './settings.ts'

export interface UploadRequest {
  readonly key: string
  /** RFC3339Nano text for the `litestream-timestamp` metadata (facts 2.2). */
  readonly timestamp: string
  readonly exclusive: boolean
  readonly support: ConditionalSupport
  readonly signal: AbortSignal | undefined
}

/**
 * Up to here an exclusive write is one PUT, whatever the part size: the condition on completing a multipart upload is
 * ignored by some servers (Ceph RGW 16), that on a PUT is not.
 */
export const EXCLUSIVE_PUT_LIMIT = 8 * 1024 * 1024

/** Store an object: one PUT if it is small enough, else in parts. Returns its size. */
export async function uploadObject(
  connection: S3Connection,
  body: Uint8Array | ByteStream,
  request: UploadRequest,
): Promise<number> {
  const { settings } = connection
  const limit = request.exclusive ? EXCLUSIVE_PUT_LIMIT : settings.partSize - 1
  try {
    if (body instanceof Uint8Array) {
      if (body.length <= limit) return await put(connection, body, request)
      return await putParts(connection, cutBytes(body, settings.partSize), request)
    }
    const chunks = body[Symbol.asyncIterator]()
    const front = await takeUpTo(chunks, limit + 1)
    if (front.ended) return await put(connection, front.bytes, request)
    return await putParts(connection, cutStream(front.bytes, chunks, settings.partSize), request)
  } catch (error) {
    throw s3Error(error, { verb: 'write', key: request.key, settings, signal: request.signal })
  }
}

async function put({ client, settings }: S3Connection, body: Uint8Array, request: UploadRequest): Promise<number> {
  const input = { ...objectFields(settings, request), Body: body, ContentLength: body.length }
  const send = (condition: { IfNoneMatch?: string }) =>
    client.send(new PutObjectCommand({ ...input, ...condition }), abortable(request.signal))
  const { ETag } = request.exclusive ? await request.support.create(send) : await send({})
  if (!ETag) {
    throw new StorageError('STORAGE_BAD_REPLY', `Cannot write ${request.key}: the server's answer has no ETag`)
  }
  return body.length
}

async function putParts(
  connection: S3Connection,
  parts: AsyncIterable<Uint8Array>,
  request: UploadRequest,
): Promise<number> {
  if (request.exclusive) await refuseExisting(connection, request)
  return uploadParts(connection, parts, {
    input: objectFields(connection.settings, request),
    exclusive: request.exclusive,
    support: request.support,
    signal: request.signal,
  })
}

/** For servers that ignore the condition when a multipart upload completes: at least look first. */
async function refuseExisting({ client, settings }: S3Connection, request: UploadRequest): Promise<void> {
  const input = { Bucket: settings.bucket, Key: request.key, ...customerKey(settings) }
  try {
    await client.send(new HeadObjectCommand(input), abortable(request.signal))
  } catch (error) {
    if (s3ErrorStatus(error) === 404) return
    throw error
  }
  const what = `s3://${settings.bucket}/${request.key}`
  throw new StorageError('STORAGE_PRECONDITION_FAILED', `Cannot write ${what}: it exists already`, {
    at: { key: request.key },
  })
}

function objectFields(settings: S3Settings, request: UploadRequest): PutObjectCommandInput & { Bucket: string } {
  return {
    Bucket: settings.bucket,
    Key: request.key,
    Metadata: { 'litestream-timestamp': request.timestamp },
    ...(settings.storageClass && { StorageClass: settings.storageClass as never }),
    ...customerKey(settings),
    ...(settings.sseKmsKeyId && { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: settings.sseKmsKeyId }),
  }
}

/** Read until at least `count` bytes are there or the stream ends. The bytes are fresh. */
async function takeUpTo(
  chunks: AsyncIterator<Uint8Array>,
  count: number,
): Promise<{ bytes: Uint8Array; ended: boolean }> {
  const taken: Uint8Array[] = []
  let size = 0
  while (size < count) {
    const { done, value } = await chunks.next()
    if (done) return { bytes: concat(taken), ended: true }
    taken.push(copyOf(value)) // the producer may use its buffer again
    size += value.length
  }
  return { bytes: concat(taken), ended: false }
}

/** Parts as views into the bytes. */
async function* cutBytes(bytes: Uint8Array, partSize: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += partSize) yield bytes.subarray(at, at + partSize)
}

/** Parts of exactly `partSize`, the last one shorter, never empty: what was read already, then the rest. */
function cutStream(front: Uint8Array, chunks: AsyncIterator<Uint8Array>, partSize: number): ByteStream {
  let pending = front
  const next = async (): Promise<Uint8Array | undefined> => {
    if (pending.length < partSize) {
      const more = await takeUpTo(chunks, partSize - pending.length)
      pending = pending.length === 0 ? more.bytes : concat([pending, more.bytes])
    }
    if (pending.length === 0) return undefined
    const part = pending.subarray(0, partSize)
    pending = pending.subarray(part.length)
    return part
  }
  return ownedStream(next, async () => {
    await chunks.return?.()
  })
}
