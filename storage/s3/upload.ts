import { HeadObjectCommand, PutObjectCommand, type PutObjectCommandInput } from '@aws-sdk/client-s3'
import { BodySource } from '../body-source.ts'
import { StorageError } from '../errors.ts'
import type { ByteStream } from '../types.ts'
import type { ConditionalSupport } from './conditional.ts'
import { abortable, type S3Connection } from './connection.ts'
import { uploadParts } from './multipart.ts'
import { s3Error, s3ErrorStatus } from './s3-error.ts'
import { customerKey, encryption, type S3Settings } from './settings.ts'

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
    if (body instanceof Uint8Array && body.length <= limit) return await put(connection, body, request)
    const source = new BodySource(body)
    const front = await source.takeFront(limit)
    if (source.ended) return await put(connection, front, request)
    source.putBack(front)
    return await putParts(connection, source, request)
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

async function putParts(connection: S3Connection, source: BodySource, request: UploadRequest): Promise<number> {
  if (request.exclusive) await refuseExisting(connection, request)
  return uploadParts(connection, source, {
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
  const what = `${settings.scheme}://${settings.bucket}/${request.key}`
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
    ...encryption(settings),
  }
}
