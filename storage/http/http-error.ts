import { StorageError, type StorageErrorCode } from '../errors.ts'

export interface HttpErrorContext {
  /** e.g. `list`, `read`. */
  readonly verb: string
  /** What it was about, for people: without any secret. */
  readonly name: string
  readonly key: string
  readonly signal?: AbortSignal | undefined
}

const BY_STATUS: Readonly<Record<number, readonly [StorageErrorCode, string]>> = {
  401: ['STORAGE_BAD_CREDENTIALS', 'the server wants credentials; give them as `headers`'],
  403: ['STORAGE_ACCESS_DENIED', 'access is denied; a presigned URL may have expired, or not be for this object'],
  408: ['STORAGE_TIMEOUT', 'the server gave up waiting for the request'],
  429: ['STORAGE_THROTTLED', 'the server asks to slow down'],
  503: ['STORAGE_THROTTLED', 'the server is unavailable'],
}

/** What a reply means that is no answer. */
export async function statusError(reply: Response, { verb, name, key }: HttpErrorContext): Promise<StorageError> {
  const { status } = reply
  const known = BY_STATUS[status]
  const code = known?.[0] ?? (status >= 500 ? 'STORAGE_SERVER_ERROR' : 'STORAGE_REFUSED')
  const why = known?.[1] ?? (status >= 500 ? `the server failed (${status})` : `the server refused (${status})`)
  return new StorageError(code, `Cannot ${verb} ${name}: ${why}`, { at: { key, status } })
}

/** What it means that there was no reply. After an abort it is the signal's reason. */
export function httpError(error: unknown, { verb, name, key, signal }: HttpErrorContext): unknown {
  if (signal?.aborted) return signal.reason
  const message =
    `Cannot ${verb} ${name}: there was no answer. The server cannot be reached, or, in a browser, ` +
    'it does not allow this page to ask (CORS)'
  return new StorageError('STORAGE_UNREACHABLE', message, { at: { key }, cause: error })
}
