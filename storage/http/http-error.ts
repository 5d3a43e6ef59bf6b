import { StorageError, type StorageErrorCode } from '../errors.ts'
import type { Meaning } from '../meaning.ts'

/** What was asked for. */
export interface HttpErrorContext {
  /** For people: without any secret. */
  readonly name: string
  readonly key: string
  /** `https://host`. */
  readonly endpoint: string
}

/** What a store says in the body of a refusal. */
export interface StoreWords {
  /** e.g. `NoSuchKey`; empty if it says nothing. */
  readonly code: string
  /** One line. */
  readonly text: string
}

const DENIED =
  'access is denied. A presigned URL or SAS token may have expired or not be for this object; stores also answer so ' +
  'where there is no such object and who asks may not list'

const BY_STATUS: Readonly<Record<number, readonly [StorageErrorCode, string]>> = {
  401: ['STORAGE_BAD_CREDENTIALS', 'the server wants credentials; give them as `headers`'],
  403: ['STORAGE_ACCESS_DENIED', DENIED],
  408: ['STORAGE_TIMEOUT', 'the server gave up waiting for the request'],
  429: ['STORAGE_THROTTLED', 'the server asks to slow down'],
  503: ['STORAGE_THROTTLED', 'the server is unavailable'],
}

/**
 * The code and message in an XML error of S3, GCS or Azure.
 * @param body its beginning
 */
export function storeWords(body: string): StoreWords {
  const within = (tag: string): string => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(body)?.[1] ?? ''
  const text = within('Message').split('\n')[0]!.trim().slice(0, 200)
  return { code: within('Code'), text }
}

/** What a reply means that is no answer. @param said by the store, with what it means there */
export function statusError(
  status: number,
  said: StoreWords,
  context: HttpErrorContext & { readonly verb: string; readonly meaning?: Meaning | undefined },
): StorageError {
  const known = context.meaning ?? BY_STATUS[status]
  const code = known?.[0] ?? (status >= 500 ? 'STORAGE_SERVER_ERROR' : 'STORAGE_REFUSED')
  const why = known?.[1] ?? (status >= 500 ? 'the server failed' : 'the server refused')
  const words = [String(status), said.code, said.text].filter((part) => part !== '').join(', ')
  const message = `Cannot ${context.verb} ${context.name}: ${why} (${words})`
  return new StorageError(code, message, { at: { key: context.key, endpoint: context.endpoint, status } })
}

/** What it means that there was no reply. */
export async function noAnswer(error: unknown, { name, key, endpoint }: HttpErrorContext): Promise<StorageError> {
  const at = { key, endpoint }
  const code = (error as { cause?: { code?: unknown } } | undefined)?.cause?.code
  if (typeof code === 'string') {
    // Only where there are sockets: browsers do not tell.
    const { fillIn, networkMeaning } = await import('../meaning.ts')
    const known = networkMeaning(code)
    const why = known && fillIn(known[1], { endpoint, code, orElse: '' })
    if (known) return new StorageError(known[0], `Cannot read ${name}: ${why}`, { at, cause: error })
  }
  const message =
    `Cannot read ${name}: there was no answer. The server cannot be reached; or, in a browser, it does not allow this ` +
    'page to ask, or its answer, perhaps a plain "not found", lacks the CORS headers (docs/cors.md has the rules to ' +
    'set), or it compresses ranges'
  return new StorageError('STORAGE_UNREACHABLE', message, { at, cause: error })
}

/** A web page where a file was asked for. */
export function webPage({ name, key }: HttpErrorContext, status: number): StorageError {
  const message =
    `Cannot read ${name}: the server answers with a web page (text/html) instead. Hosts of single-page apps do that ` +
    'for every missing file, others to ask for a login: correct the URL, or exclude this path from the rewriting'
  return new StorageError('STORAGE_BAD_REPLY', message, { at: { key, status } })
}
