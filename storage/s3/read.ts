import { GetObjectCommand } from '@aws-sdk/client-s3'
import { emptyStream } from '../body.ts'
import { rangeBody, streamChunks } from '../range-body.ts'
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
    const name = `s3://${settings.bucket}/${key}`
    return rangeBody(streamChunks(body), plan, { ...asked, name, idleTimeoutMs: settings.idleTimeoutMs, signal })
  } catch (error) {
    if (body) await streamChunks(body).stop()
    if (s3ErrorName(error) === 'NoSuchKey') return undefined
    if (s3ErrorStatus(error) === 416) return emptyStream()
    throw s3Error(error, { verb: 'read', key, settings, signal })
  }
}
