import { GetObjectCommand } from '@aws-sdk/client-s3'
import { emptyStream } from '../body.ts'
import { isStorageError } from '../errors.ts'
import { readBeginning } from '../limited-body.ts'
import { ERROR_BYTES } from '../limits.ts'
import { rangeBody, streamChunks } from '../range-body.ts'
import { planRangeReply, type RangeReply } from '../range-reply.ts'
import type { ByteStream, OpenOptions } from '../types.ts'
import { pause } from '../within.ts'
import { abortable, type GetRequest, type S3Connection } from './connection.ts'
import { type GetLesson, type SdkResponse, statusError } from './request-template.ts'
import { s3Error, s3ErrorName, s3ErrorStatus } from './s3-error.ts'
import { customerKey } from './settings.ts'

/** Before the SDK tries what the short way failed at: as it waits itself before its first retry. */
const MAX_PAUSE_MS = 200

interface GetAnswer extends RangeReply {
  readonly body: unknown
}

/** Open an object's bytes; undefined if there is no such object. Past its end there is nothing: an empty stream. */
export async function readObject(
  connection: S3Connection,
  key: string,
  options: OpenOptions,
): Promise<ByteStream | undefined> {
  const { settings } = connection
  const { signal } = options
  const asked = { key, offset: options.offset ?? 0, size: options.size ?? 0 }
  const last = asked.size > 0 ? String(asked.offset + asked.size - 1) : ''
  const request = { key, range: `bytes=${asked.offset}-${last}`, signal }
  const lesson = connection.getLesson(key)
  let body: unknown
  try {
    const answer =
      (lesson ? undefined : await getShortly(connection, request)) ?? (await getBySdk(connection, request, lesson))
    body = answer.body
    const plan = planRangeReply(answer, asked)
    const name = `${settings.scheme}://${settings.bucket}/${key}`
    return rangeBody(streamChunks(body), plan, { ...asked, name, idleTimeoutMs: settings.idleTimeoutMs, signal })
  } catch (error) {
    if (body) await streamChunks(body).stop()
    if (s3ErrorName(error) === 'NoSuchKey') return undefined
    if (s3ErrorStatus(error) === 416) return emptyStream()
    throw s3Error(error, { verb: 'read', key, settings, signal })
  } finally {
    lesson?.end()
  }
}

/**
 * The short way: one attempt.
 * @returns undefined when the SDK shall do it
 * @throws as the SDK does, where there is nothing: no such object, or nothing at that place of it
 */
async function getShortly(connection: S3Connection, request: GetRequest): Promise<GetAnswer | undefined> {
  let response: SdkResponse | undefined
  try {
    response = await connection.get(request)
  } catch (error) {
    if (request.signal?.aborted || isStorageError(error)) throw error
    await aShortWhile(request.signal)
    return undefined
  }
  if (response === undefined) return undefined
  const { statusCode: status, headers, body } = response
  if (status === 200 || status === 206) {
    const length = headers['content-length']
    return {
      status,
      body,
      contentRange: headers['content-range'],
      contentLength: length === undefined ? undefined : Number(length),
      contentEncoding: headers['content-encoding'],
    }
  }
  const { key, signal } = request
  const { idleTimeoutMs } = connection.settings
  // What does not come in time is asked again of the SDK.
  const text = await readBeginning(streamChunks(body), ERROR_BYTES, { key, name: key, idleTimeoutMs, signal })
  if (status === 416) throw statusError(status)
  if (status === 404 && text.includes('<Code>NoSuchKey</Code>')) {
    throw Object.assign(statusError(status), { name: 'NoSuchKey' })
  }
  if (status >= 500 || status === 429 || status === 408) await aShortWhile(request.signal)
  else connection.forgetGet()
  return undefined
}

async function getBySdk(
  connection: S3Connection,
  { key, range, signal }: GetRequest,
  lesson: GetLesson | undefined,
): Promise<GetAnswer> {
  const { client, settings } = connection
  const input = { Bucket: settings.bucket, Key: key, Range: range, ...customerKey(settings) }
  const command = new GetObjectCommand(input)
  lesson?.watch(command)
  const reply = await client.send(command, abortable(signal))
  return {
    status: reply.$metadata.httpStatusCode ?? 0,
    body: reply.Body,
    contentRange: reply.ContentRange,
    contentLength: reply.ContentLength,
    contentEncoding: reply.ContentEncoding,
  }
}

function aShortWhile(signal: AbortSignal | undefined): Promise<void> {
  return pause(Math.random() * MAX_PAUSE_MS, signal)
}
