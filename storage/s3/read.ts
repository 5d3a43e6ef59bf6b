import { GetObjectCommand } from '@aws-sdk/client-s3'
import { emptyStream } from '../body.ts'
import { type ChunkSource, rangeBody, webChunks } from '../range-body.ts'
import { planRangeReply } from '../range-reply.ts'
import type { ByteStream, OpenOptions } from '../types.ts'
import type { S3Connection } from './connection.ts'
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
    const name = `${settings.scheme}://${settings.bucket}/${key}`
    return rangeBody(chunkSource(body), plan, { ...asked, name, idleTimeoutMs: settings.idleTimeoutMs, signal })
  } catch (error) {
    if (body) await chunkSource(body).stop()
    if (s3ErrorName(error) === 'NoSuchKey') return undefined
    if (s3ErrorStatus(error) === 416) return emptyStream()
    throw s3Error(error, { verb: 'read', key, settings, signal })
  }
}

interface NodeBody extends AsyncIterable<Uint8Array> {
  destroy(): void
  on(event: 'error', listener: () => void): void
  setTimeout?(ms: number): void
}

/** One way to read from a Node stream and a web stream. */
function chunkSource(body: unknown): ChunkSource {
  if (body instanceof ReadableStream) return webChunks(body)
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
