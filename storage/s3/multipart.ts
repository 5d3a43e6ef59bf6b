import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  type PutObjectCommandInput,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { closeBody } from '../body.ts'
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
 * Upload an object in parts, `settings.concurrency` at a time; memory is bounded by that many parts.
 * On any failure, an abort included, requests under way are cut off and the upload is aborted: nothing stays behind.
 *
 * @param parts each of at least 5 MiB but the last; read once, each part kept until it is sent
 * @returns bytes stored
 */
export async function uploadParts(
  connection: S3Connection,
  parts: AsyncIterable<Uint8Array>,
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
    const sent = await sendParts(connection, parts, { address, uploadId, stop, signal })
    await complete(connection, request, { uploadId, sent, signal })
    return sent.size
  } catch (error) {
    await closeBody(parts)
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
  parts: AsyncIterable<Uint8Array>,
  context: SendContext,
): Promise<SentParts> {
  const source = parts[Symbol.asyncIterator]()
  const list: Part[] = []
  let taken = 0
  let size = 0
  // One taker at a time: part numbers follow the stream, and a generator's next() is not asked twice at once.
  let turn: Promise<unknown> = Promise.resolve()
  const take = (): Promise<{ PartNumber: number; body: Uint8Array } | undefined> => {
    const result = turn.then(async () => {
      const { done, value } = await source.next()
      return done ? undefined : { PartNumber: ++taken, body: value }
    })
    turn = result.catch(() => {})
    return result
  }
  const work = async (): Promise<void> => {
    for (let part = await take(); part; part = await take()) {
      context.signal.throwIfAborted()
      const { PartNumber, body } = part
      if (PartNumber > MAX_PARTS) throw tooLarge(context.address.Key, settings.partSize)
      const input = { ...context.address, UploadId: context.uploadId, PartNumber, Body: body, ...customerKey(settings) }
      const { ETag } = await client.send(new UploadPartCommand(input), { abortSignal: context.signal })
      if (!ETag) throw noField(context.address.Key, 'ETag')
      list.push({ PartNumber, ETag })
      size += body.length
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
