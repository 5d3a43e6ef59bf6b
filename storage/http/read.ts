import { emptyStream } from '../body.ts'
import { readBeginning, readLimited, type WholeBodyContext } from '../limited-body.ts'
import { type BodyLimit, ERROR_BYTES } from '../limits.ts'
import type { RequestVerb } from '../observe.ts'
import { type ChunkSource, rangeBody, webChunks, withEnd } from '../range-body.ts'
import { planRangeReply } from '../range-reply.ts'
import type { ByteStream, OpenOptions } from '../types.ts'
import type { HttpConnection, HttpRequest } from './connection.ts'
import type { FoundFile } from './finder.ts'
import { type HttpErrorContext, storeWords } from './http-error.ts'

/** Bytes of a file; undefined if there is no such file. Past its end there is nothing: an empty stream. */
export async function readRange(
  connection: HttpConnection,
  { key, fileSize }: FoundFile,
  options: OpenOptions,
): Promise<ByteStream | undefined> {
  const { offset = 0, size = 0, signal } = options
  const asked = { key, offset, size, fileSize }
  const range = `bytes=${offset}-${size > 0 ? offset + size - 1 : ''}`
  // Browsers' caches let only one request for a URL through at a time, whatever its range; pages are kept by us.
  const answer = await ask(connection, 'get', { key, headers: { range }, cache: 'no-store', signal })
  const { reply, source, context } = answer
  try {
    if (reply.status === 416) {
      const total = Number(/^bytes \*\/(\d+)$/.exec(reply.headers.get('content-range') ?? '')?.[1] ?? fileSize)
      if (fileSize !== undefined && (total !== fileSize || offset < fileSize)) {
        const { changed } = await refusal()
        throw changed(context, fileSize, `the server has no bytes from ${offset} on`)
      }
      return await left(source, emptyStream())
    }
    if (await isAbsent(answer, 'read')) return undefined
    const known = fileSize ?? (await hiddenEnd(answer, asked))
    const plan = planRangeReply(headOf(reply), { ...asked, fileSize: known, name: context.name })
    if (fileSize !== undefined && plan.total !== undefined && plan.total !== fileSize) {
      const { changed } = await refusal()
      throw changed(context, fileSize, `the server has ${plan.total}`)
    }
    return rangeBody(source, plan, { ...context, ...asked, totalTimeoutMs: undefined })
  } catch (error) {
    await source.stop()
    throw error
  }
}

/**
 * An answer whole, or `unchanged` if it still has the etag; undefined if there is none.
 * @throws StorageError STORAGE_TOO_LARGE and others
 */
export async function readWhole(
  connection: HttpConnection,
  verb: RequestVerb & ('get' | 'list'),
  request: Pick<HttpRequest, 'key' | 'about' | 'query' | 'signal'> & {
    readonly etag?: string
    readonly limit: BodyLimit
  },
): Promise<{ readonly bytes: Uint8Array; readonly etag: string | null } | 'unchanged' | undefined> {
  const { etag, limit, ...rest } = request
  const headers: Record<string, string> = etag ? { 'if-none-match': etag } : {}
  // The condition is ours: the browser's cache would answer it, or keep what is replaced at any moment.
  const answer = await ask(connection, verb, { ...rest, headers, cache: 'no-store' })
  const { reply, source, context } = answer
  try {
    if (reply.status === 304 && etag) return await left(source, 'unchanged' as const)
    if (await isAbsent(answer, verb === 'list' ? 'list' : 'read')) return undefined
    const bytes = await readLimited(source, limit, context)
    return { bytes, etag: reply.headers.get('etag') }
  } catch (error) {
    await source.stop()
    throw error
  }
}

const refusal = () => import('./refusal.ts')

interface Answer {
  readonly reply: Response
  readonly source: ChunkSource
  readonly context: HttpErrorContext & WholeBodyContext
  readonly connection: HttpConnection
}

async function ask(connection: HttpConnection, verb: RequestVerb, request: HttpRequest): Promise<Answer> {
  const { key = '', about = key, signal } = request
  const { reply, end } = await connection.send(verb, request)
  const { idleTimeoutMs, totalTimeoutMs, root } = connection
  const context = {
    name: connection.nameOf(about),
    key: about,
    endpoint: root.origin,
    idleTimeoutMs,
    totalTimeoutMs,
    signal,
  }
  return { reply, source: chunks(reply, end), context, connection }
}

/**
 * True if there is no such object; then the body has been left.
 * @throws StorageError if the reply is no answer at all
 */
async function isAbsent({ reply, source, context, connection }: Answer, verb: string): Promise<boolean> {
  if (reply.ok) {
    if (!/^text\/html\b/i.test(reply.headers.get('content-type') ?? '')) return false
    const { webPage } = await refusal()
    throw webPage(context, reply.status)
  }
  const said = storeWords(await readBeginning(source, ERROR_BYTES, context))
  const meaning = connection.meaningOf(said.code)
  if (!meaning && (reply.status === 404 || reply.status === 410)) return true
  const { statusError } = await refusal()
  throw statusError(reply.status, said, { ...context, verb, meaning })
}

/**
 * Where a file ends whose reply is shorter than was asked for, or was asked for to the end, and hides its Content-Range:
 * there, if the server has nothing from there on. Costs a request, which exposing the header saves.
 */
async function hiddenEnd(
  { reply, connection, context: { signal } }: Answer,
  { key, offset, size }: { readonly key: string; readonly offset: number; readonly size: number },
): Promise<number | undefined> {
  const { status, contentRange, contentLength: length, hidden } = headOf(reply)
  if (!hidden || status !== 206 || contentRange !== undefined || !length || (size > 0 && length >= size))
    return undefined
  const end = offset + length
  try {
    const after = await ask(connection, 'get', { key, headers: { range: `bytes=${end}-${end}` }, signal })
    return await left(after.source, after.reply.status === 416 ? end : undefined)
  } catch {
    signal?.throwIfAborted()
    return undefined // then what is to be exposed is said
  }
}

function headOf({ status, type, headers }: Response): Parameters<typeof planRangeReply>[0] {
  const length = headers.get('content-length')
  return {
    status,
    contentRange: headers.get('content-range') ?? undefined,
    contentLength: length === null ? undefined : Number(length),
    contentEncoding: headers.get('content-encoding') ?? undefined,
    // A browser shows a page only what the other site exposes.
    hidden: type === 'cors',
  }
}

function chunks(reply: Response, end: () => void): ChunkSource {
  if (reply.body === null) {
    end()
    return { next: async () => undefined, stop: async () => {} }
  }
  return withEnd(webChunks(reply.body), end)
}

async function left<T>(source: ChunkSource, value: T): Promise<T> {
  await source.stop()
  return value
}
