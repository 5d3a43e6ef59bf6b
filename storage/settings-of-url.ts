import { type Environment, processEnv, withEnvironment } from './environment.ts'
import type { FileModes } from './file/durable.ts'
import type { ReplicaSettings } from './replica-settings.ts'
import type { S3ReplicaOptions } from './s3/settings.ts'
import type { HttpURL, ReplicaURL } from './url.ts'

/** What a caller adds to a URL or to settings. */
export interface SettingsOptions {
  /** Default: the process's, where there is one. */
  readonly env?: Environment
  /** For `s3`: wins over the URL, the settings and the environment. Its attempts are for `oss`, too. */
  readonly s3?: Partial<Omit<S3ReplicaOptions, 'bucket'>>
  /** For `file`. */
  readonly file?: FileModes
}

/**
 * What a replica URL and the environment say together; the caller wins, then the URL.
 * `LITESTREAM_S3_ENDPOINT` counts where an s3 URL names no endpoint (features 5); the rest is `withEnvironment`.
 */
export function replicaSettings(url: Exclude<ReplicaURL, HttpURL>, options: SettingsOptions = {}): ReplicaSettings {
  const env = options.env ?? processEnv()
  return withEnvironment(withOverrides(settingsOfURL(url, env), options), env)
}

/** Settings with what the caller says in place of theirs. */
export function withOverrides(settings: ReplicaSettings, options: SettingsOptions): ReplicaSettings {
  if (settings.type === 's3') return { ...settings, ...options.s3 }
  const attempts = options.s3?.maxAttempts
  if (settings.type === 'oss') return { ...settings, ...(attempts && { maxAttempts: attempts }) }
  return settings.type === 'file' ? { ...settings, ...options.file } : settings
}

function settingsOfURL(url: Exclude<ReplicaURL, HttpURL>, env: Environment): ReplicaSettings {
  if (url.scheme === 's3') {
    const { scheme: type, ...given } = url
    const endpoint = url.endpoint ?? (env.LITESTREAM_S3_ENDPOINT || undefined)
    return { ...given, type, ...(endpoint !== undefined && { endpoint }) }
  }
  if (url.scheme === 'webdav' || url.scheme === 'webdavs') {
    const { scheme: _, ...given } = url
    return { ...given, type: 'webdav' }
  }
  const { scheme: type, ...given } = url
  return { ...given, type } as ReplicaSettings
}
