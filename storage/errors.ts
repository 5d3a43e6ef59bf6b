/** Every way a storage operation can fail. Absence of an object is not here: it is a value. */
export type StorageErrorCode =
  /** A file that was being read disappeared. */
  | 'STORAGE_NOT_FOUND'
  | 'STORAGE_NO_BUCKET'
  | 'STORAGE_ACCESS_DENIED'
  | 'STORAGE_BAD_CREDENTIALS'
  | 'STORAGE_NO_CREDENTIALS'
  | 'STORAGE_CLOCK_SKEW'
  | 'STORAGE_WRONG_REGION'
  | 'STORAGE_UNREACHABLE'
  | 'STORAGE_TLS'
  | 'STORAGE_TIMEOUT'
  | 'STORAGE_THROTTLED'
  | 'STORAGE_SERVER_ERROR'
  /** The server understood the request and will not do it; its own words are in the message. */
  | 'STORAGE_REFUSED'
  | 'STORAGE_PRECONDITION_FAILED'
  | 'STORAGE_NO_CONDITIONAL_WRITES'
  | 'STORAGE_SHORT_READ'
  | 'STORAGE_BAD_RANGE_REPLY'
  | 'STORAGE_BAD_REPLY'
  | 'STORAGE_NO_SPACE'
  | 'STORAGE_IO'
  | 'STORAGE_DELETE_FAILED'
  /** It has more bytes, files or pages than the store takes, or than is read here at most. */
  | 'STORAGE_TOO_LARGE'
  | 'STORAGE_BAD_LTX_HEADER'
  | 'STORAGE_BAD_URL'
  | 'STORAGE_BAD_OPTION'
  | 'STORAGE_UNSUPPORTED_SCHEME'
  | 'STORAGE_LEASE_EXISTS'
  | 'STORAGE_LEASE_NOT_HELD'
  | 'STORAGE_BAD_LEASE'
  | 'STORAGE_CLOSED'

/** Where it happened. Never holds a secret. */
export interface StorageErrorAt {
  /** Object key, or path of a local file. */
  readonly key?: string
  readonly bucket?: string
  readonly endpoint?: string
  /** First byte asked for, or reached. */
  readonly offset?: number
  /** HTTP status, where there was one. */
  readonly status?: number
  /** Lease holder and its expiry, in ms since the Unix epoch. */
  readonly owner?: string
  readonly expiresAt?: number
}

export interface StorageErrorOptions {
  readonly at?: StorageErrorAt
  readonly cause?: unknown
  /** Overrides what the code says by itself. */
  readonly retryable?: boolean
}

const RETRYABLE: ReadonlySet<StorageErrorCode> = new Set<StorageErrorCode>([
  'STORAGE_UNREACHABLE',
  'STORAGE_TIMEOUT',
  'STORAGE_THROTTLED',
  'STORAGE_SERVER_ERROR',
  'STORAGE_SHORT_READ',
])

const BRAND = Symbol.for('litetap.StorageError')

/** A failed storage operation. The message is one line for people and never holds a secret. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly code: StorageErrorCode
  readonly at: StorageErrorAt
  /** The same call may succeed when made again. */
  readonly retryable: boolean

  constructor(code: StorageErrorCode, message: string, options: StorageErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.at = options.at ?? {}
    this.retryable = options.retryable ?? RETRYABLE.has(code)
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/** True for a StorageError (of any loaded copy of this module), optionally only with one of the given codes. */
export function isStorageError<C extends StorageErrorCode>(
  error: unknown,
  ...codes: C[]
): error is StorageError & { code: C } {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false
  return codes.length === 0 || (codes as string[]).includes((error as unknown as StorageError).code)
}
