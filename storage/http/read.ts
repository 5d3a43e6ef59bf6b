import { emptyStream, readAll } from '../body.ts'
import { StorageError } from '../errors.ts'
import type { RequestVerb } from '../observe.ts'
import { type ChunkSource, rangeBody, webChunks, withEnd } from '../range-body.ts'
import { planRangeReply } from '../range-reply.ts'
import type { ByteStream, OpenOptions } from '../types.ts'
import type { HttpConnection, HttpRequest } from './connection.ts'
import type { FoundFile } from './finder.ts'
import { type HttpErrorContext, statusError, storeWords, webPage } from './http-error.ts'

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
        throw changed(context, fileSize, `the server has no bytes from ${offset} on`)
      }
      return await left(source, emptyStream())
    }
    if (await isAbsent(answer, 'read')) return undefined
    const known = fileSize ?? (await hiddenEnd(answer, asked))
    const plan = planRangeReply(headOf(reply), { ...asked, fileSize: known, name: context.name })
    if (fileSize !== undefined && plan.total !== undefined && plan.total !== fileSize) {
      throw changed(context, fileSize, `the server has ${plan.total}`)
    }
    return rangeBody(source, plan, { ...asked, ...context, idleTimeoutMs: connection.idleTimeoutMs, signal })
  } catch (error) {
    await source.stop()
    throw error
  }
}

/** A small answer whole, or `unchanged` if it still has the etag; undefined if there is none. */
export async function readSmall(
  connection: HttpConnection,
  verb: RequestVerb & ('get' | 'list'),
  request: Pick<HttpRequest, 'key' | 'about' | 'query' | 'signal'> & { readonly etag?: string },
): Promise<{ readonly bytes: Uint8Array; readonly etag: string | null } | 'unchanged' | undefined> {
  const { etag, ...rest } = request
  const { signal } = request
  const headers: Record<string, string> = etag ? { 'if-none-match': etag } : {}
  // The condition is ours: the browser's cache would answer it, or keep what is replaced at any moment.
  const answer = await ask(connection, verb, { ...rest, headers, cache: 'no-store' })
  const { reply, source, context } = answer
  try {
    if (reply.status === 304 && etag) return await left(source, 'unchanged' as const)
    if (await isAbsent(answer, verb === 'list' ? 'list' : 'read')) return undefined
    const bytes = await readAll(rangeBody(source, ALL, bodyContext(connection, context, signal)))
    return { bytes, etag: reply.headers.get('etag') }
  } catch (error) {
    await source.stop()
    throw error
  }
}

const ALL = { skip: 0, take: undefined, toEnd: true }
/** An error's body is read so far. */
const MAX_WORDS = 4096

interface Answer {
  readonly reply: Response
  readonly source: ChunkSource
  readonly context: HttpErrorContext
  readonly connection: HttpConnection
  readonly signal: AbortSignal | undefined
}

async function ask(connection: HttpConnection, verb: RequestVerb, request: HttpRequest): Promise<Answer> {
  const { key = '', about = key, signal } = request
  const { reply, end } = await connection.send(verb, request)
  const context = { name: connection.nameOf(about), key: about, endpoint: connection.root.origin }
  return { reply, source: chunks(reply, end), context, connection, signal }
}

/**
 * True if there is no such object; then the body has been left.
 * @throws StorageError if the reply is no answer at all
 */
async function isAbsent({ reply, source, context, connection, signal }: Answer, verb: string): Promise<boolean> {
  if (reply.ok) {
    if (/^text\/html\b/i.test(reply.headers.get('content-type') ?? '')) throw webPage(context, reply.status)
    return false
  }
  const said = storeWords(await beginning(rangeBody(source, ALL, bodyContext(connection, context, signal))))
  signal?.throwIfAborted()
  const meaning = connection.meaningOf(said.code)
  if (!meaning && (reply.status === 404 || reply.status === 410)) return true
  throw statusError(reply.status, said, { ...context, verb, meaning })
}

/**
 * Where a file ends whose reply is shorter than was asked for, or was asked for to the end, and hides its Content-Range:
 * there, if the server has nothing from there on. Costs a request, which exposing the header saves.
 */
async function hiddenEnd(
  { reply, connection, signal }: Answer,
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

/** The first few KB as text, or as much as comes. */
async function beginning(body: ByteStream): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true })
      if (text.length >= MAX_WORDS) break
    }
  } catch {
    // The status says enough.
  }
  return text
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

function bodyContext(connection: HttpConnection, context: HttpErrorContext, signal: AbortSignal | undefined) {
  return { ...context, offset: 0, size: 0, idleTimeoutMs: connection.idleTimeoutMs, signal }
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

function changed({ name, key }: HttpErrorContext, fileSize: number, but: string): StorageError {
  const message =
    `Cannot read ${name}: by the catalog it has ${fileSize} bytes, but ${but}. LTX files never change: it was ` +
    'replaced or changed on its way, or the catalog is old; write it anew with `litetap catalog URL`'
  return new StorageError('STORAGE_BAD_REPLY', message, { at: { key } })
}
