import type { RetryOptions } from '../backoff.ts'
import { StorageError } from '../errors.ts'
import { joinedPath } from '../keys.ts'
import type { GsSettings } from '../replica-settings.ts'

/** Makes the headers that prove who asks. */
export type Authorize = (url: string) => Promise<Iterable<[string, string]>>

export interface GsReplicaOptions extends Omit<GsSettings, 'type'> {
  /** Default: nobody in particular, as emulators and public buckets have it. */
  readonly authorize?: Authorize
  /** Default: 4 attempts, 10 for each part of a large file. */
  readonly retry?: Omit<RetryOptions, 'signal'>
  /** A server may be silent for so long. Default 60 000. */
  readonly idleTimeoutMs?: number
  /** Bytes per part of a large file, a multiple of 256 KiB. Smaller files are one request. Default 8 MiB. */
  readonly partSize?: number
  /** Names per page of a listing, at most 1000. */
  readonly listPageSize?: number
}

/** Checked options with every default filled in. */
export interface CheckedGsOptions extends GsReplicaOptions {
  readonly endpoint: string
  readonly idleTimeoutMs: number
  readonly partSize: number
}

const GOOGLE = 'https://storage.googleapis.com'
/** What parts must be a multiple of. */
const PART_UNIT = 256 * 1024

/**
 * Check options and fill in defaults.
 * @throws StorageError STORAGE_BAD_OPTION
 */
export function checkGsOptions(options: GsReplicaOptions): CheckedGsOptions {
  const { endpoint = GOOGLE, partSize = 8 * 1024 * 1024 } = options
  if (options.bucket === '') throw bad('the bucket name is missing')
  if (!(partSize > 0 && partSize % PART_UNIT === 0)) throw bad(`part size must be a multiple of ${PART_UNIT} bytes`)
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw bad('its endpoint must be https://host or http://host, without a user or password')
  }
  return {
    ...options,
    path: joinedPath(options.path),
    endpoint: url.origin,
    partSize,
    idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
  }
}

function bad(why: string): StorageError {
  return new StorageError('STORAGE_BAD_OPTION', `Cannot use the gs replica: ${why}`)
}
