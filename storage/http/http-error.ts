import { StorageError } from '../errors.ts'

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

/**
 * The code and message in an XML error of S3, GCS or Azure.
 * @param body its beginning
 */
export function storeWords(body: string): StoreWords {
  const within = (tag: string): string => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(body)?.[1] ?? ''
  const text = within('Message').split('\n')[0]!.trim().slice(0, 200)
  return { code: within('Code'), text }
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
