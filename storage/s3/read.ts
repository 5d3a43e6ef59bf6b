import { GetObjectCommand } from '@aws-sdk/client-s3'
import { ownedStream } from '../body.ts'
import { StorageError } from '../errors.ts'
import type { ByteStream, OpenOptions } from '../types.ts'
import type { S3Connection } from './connection.ts'
import { planRangeReply, type RangeAsked, type RangePlan } from './range-reply.ts'
import { s3Error, s3ErrorName, s3ErrorStatus } from './s3-error.ts'
import { customerKey } from './settings.ts'

/** Open an object's bytes; undefined if there is no such object. Past its end there is nothing: an empty stream. */
export async function readObject(
  connection: S3Connection,
  key: string,
  options: OpenOptions,
): Promise<ByteStream | undefined> {
  const { client, settings } = connection
  const { signal } = options
  const asked = { key, offset: options.offset ?? 0, size: options.size ?? 0 }
  const last = asked.size > 0 ? String(asked.offset + asked.size - 1) : ''
  const input = {
    Bucket: settings.bucket,
    Key: key,
    Range: `bytes=${asked.offset}-${last}`,
    ...customerKey(settings),
  }
  let body: unknown
  try {
    const reply = await client.send(new GetObjectCommand(input), { ...(signal && { abortSignal: signal }) })
    body = reply.Body
    const plan = planRangeReply(
      {
        status: reply.$metadata.httpStatusCode ?? 0,
        contentRange: reply.ContentRange,
        contentLength: reply.ContentLength,
        contentEncoding: reply.ContentEncoding,
      },
      asked,
    )
    return bodyStream(chunkSource(body), plan, { ...asked, connection, signal })
  } catch (error) {
    if (body) await chunkSource(body).stop()
    if (s3ErrorName(error) === 'NoSuchKey') return undefined
    if (s3ErrorStatus(error) === 416)
      return ownedStream(
        async () => undefined,
        async () => {},
      )
    throw s3Error(error, { verb: 'read', key, settings, signal })
  }
}

interface ChunkSource {
  next(): Promise<Uint8Array | undefined>
  /** Gives the socket up unless the body was read to its end. */
  stop(): Promise<void>
}

interface NodeBody extends AsyncIterable<Uint8Array> {
  destroy(): void
  on(event: 'error', listener: () => void): void
  setTimeout?(ms: number): void
}

/** One way to read from a Node stream and a web stream (browsers, where it is not async iterable everywhere). */
function chunkSource(body: unknown): ChunkSource {
  if (body instanceof ReadableStream) {
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    return { next: async () => (await reader.read()).value, stop: () => reader.cancel() }
  }
  const stream = body as NodeBody
  // From here on silence is judged by how long a read takes: a consumer may pause for as long as it likes.
  stream.setTimeout?.(0)
  const iterator = stream[Symbol.asyncIterator]()
  return {
    next: async () => {
      const { done, value } = await iterator.next()
      // A plain view: a Buffer's `slice` does not copy, which would surprise whoever keeps a part.
      return done ? undefined : new Uint8Array(value.buffer, value.byteOffset, value.length)
    },
    stop: async () => {
      stream.on('error', () => {})
      stream.destroy()
    },
  }
}

interface ReadContext extends RangeAsked {
  readonly connection: S3Connection
  readonly signal: AbortSignal | undefined
}

function bodyStream(source: ChunkSource, plan: RangePlan, context: ReadContext): ByteStream {
  const { key, connection } = context
  let skip = plan.skip
  let taken = 0
  const fail = (code: 'STORAGE_SHORT_READ' | 'STORAGE_BAD_RANGE_REPLY', why: string, cause?: unknown): StorageError =>
    new StorageError(code, `Cannot read s3://${connection.settings.bucket}/${key}: ${why}`, {
      at: { key, offset: context.offset + taken },
      cause,
    })
  const next = async (): Promise<Uint8Array | undefined> => {
    for (;;) {
      context.signal?.throwIfAborted()
      if (!plan.toEnd && taken === plan.take) return undefined
      const chunk = await readChunk(source, context).catch((error) => {
        if (context.signal?.aborted) throw context.signal.reason
        if (error instanceof StorageError) throw error
        throw fail('STORAGE_SHORT_READ', `the connection was lost after ${taken} of ${plan.take ?? 'all'} bytes`, error)
      })
      if (chunk === undefined) {
        if (plan.take === undefined || taken === plan.take) return undefined
        throw fail('STORAGE_SHORT_READ', `the reply ended after ${taken} of ${plan.take} bytes`)
      }
      const dropped = Math.min(skip, chunk.length)
      skip -= dropped
      let rest = chunk.subarray(dropped)
      if (plan.take !== undefined && taken + rest.length > plan.take) {
        if (plan.toEnd) throw fail('STORAGE_BAD_RANGE_REPLY', `the reply goes on after ${plan.take} bytes`)
        rest = rest.subarray(0, plan.take - taken)
      }
      taken += rest.length
      if (rest.length > 0) return rest
    }
  }
  return ownedStream(next, () => source.stop())
}

/** The next chunk, or STORAGE_TIMEOUT if the server has been silent for too long. */
async function readChunk(source: ChunkSource, context: ReadContext): Promise<Uint8Array | undefined> {
  const { bucket, idleTimeoutMs } = context.connection.settings
  let timer: ReturnType<typeof setTimeout> | undefined
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `Cannot read s3://${bucket}/${context.key}: the server sent nothing for ${idleTimeoutMs} ms`
      reject(new StorageError('STORAGE_TIMEOUT', message, { at: { key: context.key } }))
    }, idleTimeoutMs)
  })
  try {
    return await Promise.race([source.next(), silence])
  } finally {
    clearTimeout(timer)
  }
}
