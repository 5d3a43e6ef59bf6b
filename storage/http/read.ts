import { ownedStream, readAll } from '../body.ts'
import { type ChunkSource, rangeBody, webChunks } from '../range-body.ts'
import { planRangeReply } from '../range-reply.ts'
import type { ByteStream, OpenOptions } from '../types.ts'
import type { HttpConnection } from './connection.ts'
import { httpError, statusError } from './http-error.ts'

/** Bytes of a file; undefined if there is no such file. Past its end there is nothing: an empty stream. */
export async function readRange(
  connection: HttpConnection,
  path: string,
  options: OpenOptions,
): Promise<ByteStream | undefined> {
  const { offset = 0, size = 0, signal } = options
  const name = `${connection.shown}/${path}`
  const asked = { key: path, offset, size }
  const range = `bytes=${offset}-${size > 0 ? offset + size - 1 : ''}`
  const { reply, end } = await send(connection, 'get', path, { headers: { range }, signal })
  const source = chunks(reply, end)
  try {
    if (reply.status === 404 || reply.status === 410) return await nothing(source, undefined)
    if (reply.status === 416) return await nothing(source, emptyStream())
    if (!reply.ok) throw await statusError(reply, { verb: 'read', name, key: path })
    const plan = planRangeReply(
      {
        status: reply.status,
        contentRange: reply.headers.get('content-range') ?? undefined,
        contentLength: lengthOf(reply),
        contentEncoding: reply.headers.get('content-encoding') ?? undefined,
      },
      asked,
    )
    return rangeBody(source, plan, { ...asked, name, idleTimeoutMs: connection.idleTimeoutMs, signal })
  } catch (error) {
    await source.stop()
    throw error
  }
}

/** A small object whole, or `unchanged` if it still has the etag; undefined if there is none. */
export async function readSmall(
  connection: HttpConnection,
  path: string,
  options: { readonly etag?: string; readonly signal: AbortSignal | undefined },
): Promise<{ readonly bytes: Uint8Array; readonly etag: string | null } | 'unchanged' | undefined> {
  const { etag, signal } = options
  const name = `${connection.shown}/${path}`
  const headers: Record<string, string> = etag ? { 'if-none-match': etag } : {}
  // The condition is ours: the browser's cache would answer it, or keep what is replaced at any moment.
  const { reply, end } = await send(connection, 'get', path, { headers, cache: 'no-store', signal })
  const source = chunks(reply, end)
  try {
    if (reply.status === 304 && etag) return await nothing(source, 'unchanged' as const)
    if (reply.status === 404 || reply.status === 410) return await nothing(source, undefined)
    if (!reply.ok) throw await statusError(reply, { verb: 'read', name, key: path })
    const whole = { skip: 0, take: undefined, toEnd: true }
    const context = { key: path, offset: 0, size: 0, name, idleTimeoutMs: connection.idleTimeoutMs, signal }
    return { bytes: await readAll(rangeBody(source, whole, context)), etag: reply.headers.get('etag') }
  } catch (error) {
    await source.stop()
    throw error
  }
}

async function send(
  connection: HttpConnection,
  verb: 'get',
  path: string,
  init: Parameters<HttpConnection['send']>[2],
): Promise<Awaited<ReturnType<HttpConnection['send']>>> {
  try {
    return await connection.send(verb, path, init)
  } catch (error) {
    throw httpError(error, { verb: 'read', name: `${connection.shown}/${path}`, key: path, signal: init.signal })
  }
}

function chunks(reply: Response, end: () => void): ChunkSource {
  if (reply.body === null) {
    end()
    return { next: async () => undefined, stop: async () => {} }
  }
  const { next, stop } = webChunks(reply.body)
  return {
    next: async () => {
      const chunk = await next()
      if (chunk === undefined) end()
      return chunk
    },
    stop: async () => {
      end()
      await stop().catch(() => {})
    },
  }
}

async function nothing<T>(source: ChunkSource, value: T): Promise<T> {
  await source.stop()
  return value
}

function emptyStream(): ByteStream {
  return ownedStream(
    async () => undefined,
    async () => {},
  )
}

function lengthOf(reply: Response): number | undefined {
  const text = reply.headers.get('content-length')
  return text === null ? undefined : Number(text)
}
