import { StorageError } from '../errors.ts'
import { cleanPath } from '../keys.ts'
import type { WebdavSettings as PlainSettings } from '../replica-settings.ts'

export interface WebdavReplicaOptions extends Omit<PlainSettings, 'type'> {
  /** Longest silence of the server before a request is given up, in ms. Default 30 000 (facts 2.9). */
  readonly idleTimeoutMs?: number
}

/** Checked options with every default filled in. */
export interface WebdavSettings {
  /** Without a slash at its end, and without a login. */
  readonly endpoint: string
  /** Absolute below the endpoint. */
  readonly path: string
  readonly user: string | undefined
  readonly password: string | undefined
  readonly idleTimeoutMs: number
}

/**
 * Check options and fill in defaults. A login in the endpoint counts where the settings have none.
 * @throws StorageError STORAGE_BAD_OPTION
 */
export function resolveSettings(options: WebdavReplicaOptions): WebdavSettings {
  const url = URL.canParse(options.endpoint) ? new URL(options.endpoint) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    const why = 'its address must be http[s]://host[:port][/base], with nothing after that'
    throw new StorageError('STORAGE_BAD_OPTION', `Cannot use the webdav replica: ${why}`)
  }
  const user = options.user || decodeURIComponent(url.username) || undefined
  return {
    endpoint: `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`,
    path: cleanPath(`/${options.path}`),
    user,
    password: options.password || decodeURIComponent(url.password) || (user === undefined ? undefined : ''),
    idleTimeoutMs: options.idleTimeoutMs ?? 30_000,
  }
}
