import { emptyStream } from '../body.ts'
import { rangeBody, webChunks, withEnd } from '../range-body.ts'
import { planRangeReply } from '../range-reply.ts'
import type { ByteStream, OpenOptions } from '../types.ts'
import { type GsConnection, refusalOf } from './connection.ts'

const PAST_THE_END = 416

/** Open an object's bytes; undefined if there is no such object. Past its end there is nothing: an empty stream. */
export async function readObject(
  connection: GsConnection,
  key: string,
  { offset = 0, size = 0, signal }: OpenOptions,
): Promise<ByteStream | undefined> {
  const range = `bytes=${offset}-${size > 0 ? offset + size - 1 : ''}`
  const request = { verb: 'get', doing: 'read', key, query: { alt: 'media' }, headers: { range }, signal } as const
  let opened: Awaited<ReturnType<GsConnection['open']>>
  try {
    opened = await connection.open({ ...request, answers: [PAST_THE_END] })
  } catch (error) {
    if (refusalOf(error)?.isNoObject) return undefined
    throw error
  }
  const { reply, end } = opened
  const source = withEnd(webChunks(reply.body ?? new Blob([]).stream()), end)
  try {
    if (reply.status === PAST_THE_END) {
      await source.stop()
      return emptyStream()
    }
    const length = reply.headers.get('content-length')
    const asked = { key, name: connection.nameOf(key), offset, size }
    const plan = planRangeReply(
      {
        status: reply.status,
        contentRange: reply.headers.get('content-range') ?? undefined,
        contentLength: length === null ? undefined : Number(length),
        contentEncoding: reply.headers.get('content-encoding') ?? undefined,
      },
      asked,
    )
    return rangeBody(source, plan, { ...asked, idleTimeoutMs: connection.requests.idleTimeoutMs, signal })
  } catch (error) {
    await source.stop()
    throw error
  }
}
