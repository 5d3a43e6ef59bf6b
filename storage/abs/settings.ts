import type { RetryOptions } from '../backoff.ts'
import { StorageError } from '../errors.ts'
import { joinedPath } from '../keys.ts'
import type { AbsSettings } from '../replica-settings.ts'

export interface AbsReplicaOptions extends Omit<AbsSettings, 'type'> {
  /** Default: 4 attempts, 10 for each block of a large file. */
  readonly retry?: Omit<RetryOptions, 'signal'>
  /** A server may be silent for so long. Default 60 000. */
  readonly idleTimeoutMs?: number
  /** Bytes per block of a large file. Smaller files are one request. Default 8 MiB. */
  readonly blockSize?: number
  /** Names per page of a listing, at most 5000. */
  readonly listPageSize?: number
}

/** Who asks: the first one that is complete counts. */
export type AbsCredentials =
  | { readonly kind: 'sas'; readonly token: string }
  | { readonly kind: 'key'; readonly accountName: string; readonly accountKey: string }
  /** Environment, workload identity, managed identity, Azure CLI and the like. */
  | { readonly kind: 'chain' }

/** Checked options with every default filled in. */
export interface CheckedAbsOptions extends AbsReplicaOptions {
  readonly endpoint: string
  readonly credentials: AbsCredentials
  readonly idleTimeoutMs: number
  readonly blockSize: number
}

/**
 * Check options and fill in defaults.
 * @throws StorageError STORAGE_BAD_OPTION
 */
export function checkAbsOptions(options: AbsReplicaOptions): CheckedAbsOptions {
  const { blockSize = 8 * 1024 * 1024, idleTimeoutMs = 60_000 } = options
  if (options.bucket === '') throw bad('the container name is missing')
  if (!(blockSize > 0 && Number.isInteger(blockSize))) throw bad('the block size must be at least 1 byte')
  const endpoint = endpointOf(options)
  const credentials = credentialsOf(options)
  if (credentials.kind === 'chain' && endpoint.startsWith('http:')) {
    throw bad('identities are not shown over plain HTTP; give an account key or a SAS token, or an https endpoint')
  }
  return { ...options, path: joinedPath(options.path), endpoint, credentials, blockSize, idleTimeoutMs }
}

/**
 * SAS token, else account key, else the default chain.
 * @see facts 2.7
 */
export function credentialsOf({ accountName, accountKey, sasToken }: AbsReplicaOptions): AbsCredentials {
  if (sasToken) return { kind: 'sas', token: sasToken.replace(/^\?/, '') }
  if (!accountKey) return { kind: 'chain' }
  if (!accountName) throw bad('an account key needs the account name; write abs://account@container/path')
  if (!isBase64(accountKey)) throw bad('the account key is not base64; copy it again')
  return { kind: 'key', accountName, accountKey }
}

function endpointOf({ accountName, endpoint }: AbsReplicaOptions): string {
  if (!endpoint) {
    if (!accountName) throw bad('the account name is missing; write abs://account@container/path')
    return `https://${accountName}.blob.core.windows.net`
  }
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.search === '') {
    return url.href.replace(/\/+$/, '')
  }
  throw bad('its endpoint must be https://host or http://host, without a user, password or query')
}

function isBase64(text: string): boolean {
  try {
    return atob(text).length > 0
  } catch {
    return false
  }
}

function bad(why: string): StorageError {
  return new StorageError('STORAGE_BAD_OPTION', `Cannot use the abs replica: ${why}`)
}
