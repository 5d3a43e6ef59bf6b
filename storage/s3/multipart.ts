import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  type PutObjectCommandInput,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { BodySource } from '../body-source.ts'
import { StorageError } from '../errors.ts'
import type { ConditionalSupport } from './conditional.ts'
import type { S3Connection } from './connection.ts'
import { s3ErrorName } from './s3-error.ts'
import { customerKey } from './settings.ts'

export interface PartsRequest {
  /** Bucket, key, metadata, encryption, storage class. */
  readonly input: PutObjectCommandInput
  readonly exclusive: boolean
  readonly support: ConditionalSupport
  readonly signal: AbortSignal | undefined
}

interface Part {
  readonly PartNumber: number
  readonly ETag: string
}

const MAX_PARTS = 10_000

/**
 * Upload an object in parts of `settings.partSize`, `settings.concurrency` at a time; memory is bounded by that many.
 * On any failure, an abort included, requests under way are cut off and the upload is aborted: nothing stays behind.
 *
 * @returns bytes stored
 */
export async function uploadParts(
  connection: S3Connection,
  source: BodySource,
  request: PartsRequest,
): Promise<number> {
  const { client } = connection
  const address = { Bucket: request.input.Bucket!, Key: request.input.Key! }
  const stop = new AbortController()
  const signal = request.signal ? AbortSignal.any([request.signal, stop.signal]) : stop.signal
  let uploadId: string | undefined
  try {
    const created = await client.send(new CreateMultipartUploadCommand(request.input), { abortSignal: signal })
    uploadId = created.UploadId
    if (!uploadId) throw noField(address.Key, 'UploadId')
    const sent = await sendParts(connection, source, { address, uploadId, stop, signal })
    await complete(connection, request, { uploadId, sent, signal })
    return sent.size
  } catch (error) {
    await source.close()
    // Without the signal: cleaning up is wanted even after an abort. Its own failure leaves only unlisted parts.
    const abort = uploadId && new AbortMultipartUploadCommand({ ...address, UploadId: uploadId })
    if (abort) await client.send(abort).catch(() => {})
    throw error
  }
}

interface SendContext {
  readonly address: { readonly Bucket: string; readonly Key: string }
  readonly uploadId: string
  readonly stop: AbortController
  readonly signal: AbortSignal
}

interface SentParts {
  readonly list: Part[]
  readonly size: number
}

async function sendParts(
  { client, settings }: S3Connection,
  source: BodySource,
  context: SendContext,
): Promise<SentParts> {
  const list: Part[] = []
  let taken = 0
  let size = 0
  // One taker at a time: part numbers follow the stream.
  let turn: Promise<unknown> = Promise.resolve()
  const take = (into: Uint8Array): Promise<{ PartNumber: number; length: number } | undefined> => {
    const result = turn.then(async () => {
      const length = await source.fill(into)
      return length === 0 ? undefined : { PartNumber: ++taken, length }
    })
    turn = result.catch(() => {})
    return result
  }
  const work = async (): Promise<void> => {
    const buffer = new Uint8Array(settings.partSize)
    for (let part = await take(buffer); part; part = await take(buffer)) {
      context.signal.throwIfAborted()
      const { PartNumber, length } = part
      if (PartNumber > MAX_PARTS) throw tooLarge(context.address.Key, settings.partSize)
      const body = { PartNumber, Body: buffer.subarray(0, length), ...customerKey(settings) }
      const input = { ...context.address, UploadId: context.uploadId, ...body }
      const { ETag } = await client.send(new UploadPartCommand(input), { abortSignal: context.signal })
      if (!ETag) throw noField(context.address.Key, 'ETag')
      list.push({ PartNumber, ETag })
      size += length
    }
  }
  let failure: { error: unknown } | undefined
  const guarded = async (): Promise<void> => {
    try {
      await work()
    } catch (error) {
      failure ??= { error } // the first one; the others fail because of it
      context.stop.abort(error)
    }
  }
  await Promise.all(Array.from({ length: settings.concurrency }, guarded))
  if (failure) throw failure.error
  return { list: list.sort((a, b) => a.PartNumber - b.PartNumber), size }
}

interface CompleteContext {
  readonly uploadId: string
  readonly sent: SentParts
  readonly signal: AbortSignal
}

async function complete(connection: S3Connection, request: PartsRequest, context: CompleteContext): Promise<void> {
  const { client, settings } = connection
  const address = { Bucket: request.input.Bucket!, Key: request.input.Key! }
  const input = { ...address, UploadId: context.uploadId, MultipartUpload: { Parts: context.sent.list } }
  const send = (condition: { IfNoneMatch?: string }) =>
    client.send(new CompleteMultipartUploadCommand({ ...input, ...customerKey(settings), ...condition }), {
      abortSignal: context.signal,
    })
  try {
    if (request.exclusive) await request.support.create(send)
    else await send({})
  } catch (error) {
    if (s3ErrorName(error) !== 'NoSuchUpload') throw error
    // An earlier attempt may have completed it without our hearing of it.
    const head = await client
      .send(new HeadObjectCommand({ ...address, ...customerKey(settings) }), { abortSignal: context.signal })
      .catch(() => undefined)
    const ours = head?.Metadata?.['litestream-timestamp'] === request.input.Metadata?.['litestream-timestamp']
    if (!ours || head?.ContentLength !== context.sent.size) throw error
  }
}

function noField(key: string, field: string): StorageError {
  return new StorageError('STORAGE_BAD_REPLY', `Cannot write ${key}: the server's answer has no ${field}`, {
    at: { key },
  })
}

function tooLarge(key: string, partSize: number): StorageError {
  const message = `Cannot write ${key}: it has more than ${MAX_PARTS} parts of ${partSize} bytes; raise the part size`
  return new StorageError('STORAGE_TOO_LARGE', message, { at: { key } })
}
