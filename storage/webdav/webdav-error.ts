import { isStorageError, StorageError } from '../errors.ts'
import { fillIn, type Meaning, networkMeaning } from '../meaning.ts'

/** What was tried, and where. */
export interface WebdavErrorContext {
  /** e.g. `read`, `list`. */
  readonly verb: string
  readonly path: string
  /** `http[s]://host[:port][/base]`. */
  readonly endpoint: string
  readonly signal?: AbortSignal | undefined
}

const BY_STATUS: Readonly<Record<number, Meaning>> = {
  401: ['STORAGE_BAD_CREDENTIALS', '{endpoint} does not accept the user or the password'],
  403: ['STORAGE_ACCESS_DENIED', 'access is denied; check what the user may do there'],
  404: ['STORAGE_NOT_FOUND', 'it is not there'],
  405: ['STORAGE_REFUSED', 'the server does not allow it; is {endpoint} a WebDAV server, and its base path right?'],
  408: ['STORAGE_TIMEOUT', 'the server gave up waiting for the request'],
  409: ['STORAGE_REFUSED', 'the folder it belongs in is missing'],
  412: ['STORAGE_PRECONDITION_FAILED', 'it exists already or was changed by somebody else'],
  413: ['STORAGE_TOO_LARGE', 'the server does not take files of this size; raise its limit'],
  423: ['STORAGE_THROTTLED', 'it is locked by somebody'],
  429: ['STORAGE_THROTTLED', 'the server asks to slow down'],
  501: ['STORAGE_REFUSED', 'the server does not know this method; is {endpoint} a WebDAV server?'],
  503: ['STORAGE_THROTTLED', 'the server is unavailable'],
  507: ['STORAGE_NO_SPACE', 'no space left on the server'],
}

interface HttpError {
  readonly status?: number
  readonly code?: unknown
  readonly message?: string
}

/** The HTTP status of a failed call, where there was an answer. */
export function statusOf(error: unknown): number | undefined {
  const { status } = (error ?? {}) as HttpError
  return typeof status === 'number' ? status : undefined
}

/**
 * What a failed request means, as the error to throw.
 * A StorageError comes back as it is; after an abort it is the signal's reason.
 */
export function webdavError(error: unknown, { verb, path, endpoint, signal }: WebdavErrorContext): unknown {
  if (signal?.aborted) return signal.reason
  if (isStorageError(error)) return error
  const status = statusOf(error)
  const [code, text] = meaning((error ?? {}) as HttpError, status)
  const said = ((error as HttpError)?.message ?? '').replace(/\s+/g, ' ').slice(0, 200)
  const why = fillIn(text, { endpoint, said, code: String((error as HttpError)?.code), orElse: '' })
  const shown = status === undefined ? '' : ` (${status})`
  return new StorageError(code, `Cannot ${verb} ${endpoint}${path}: ${why}${shown}`, {
    at: { key: path, endpoint, ...(status !== undefined && { status }) },
    cause: error,
  })
}

function meaning(error: HttpError, status: number | undefined): Meaning {
  if (status !== undefined) {
    if (BY_STATUS[status]) return BY_STATUS[status]
    return status >= 500 ? ['STORAGE_SERVER_ERROR', 'the server failed'] : ['STORAGE_REFUSED', 'the server refused']
  }
  const known = typeof error.code === 'string' ? networkMeaning(error.code) : undefined
  if (known) return known
  if (/socket hang up|premature close/i.test(error.message ?? '')) return networkMeaning('ECONNRESET')!
  return ['STORAGE_BAD_REPLY', '{endpoint} did not answer like a WebDAV server ({said})']
}
