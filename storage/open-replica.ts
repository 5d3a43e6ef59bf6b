import { type Environment, processEnv, withEnvironment } from './environment.ts'
import { StorageError } from './errors.ts'
import type { HttpOptions } from './http/connection.ts'
import type { ReplicaSettings } from './replica-settings.ts'
import { replicaSettings, type SettingsOptions, withOverrides } from './settings-of-url.ts'
import type { ReplicaClient } from './types.ts'
import { parseReplicaURL } from './url.ts'

/** What is of `HttpOptions` is for `https://`, as in browsers. */
export interface OpenReplicaOptions extends HttpOptions, SettingsOptions {}

type Open<T extends ReplicaSettings['type']> = (
  settings: Extract<ReplicaSettings, { type: T }>,
  env: Environment,
) => Promise<ReplicaClient>

/** How each type is opened: its code, and with it its SDK, is loaded only then. Undefined: not built yet. */
const BACKENDS: { readonly [T in ReplicaSettings['type']]: Open<T> | undefined } = {
  // facts 2.11
  file: async (settings) => new (await import('./file/index.ts')).FileReplica(settings),
  // facts 2.4
  s3: async (settings) => (await import('./s3/open.ts')).openS3(settings),
  // facts 2.6
  gs: async (settings, env) => (await import('./gs/open.ts')).openGs(settings, { env }),
  // facts 2.7
  abs: async (settings, env) => (await import('./abs/open.ts')).openAbs(settings, { env }),
  // facts 2.8
  sftp: undefined,
  // facts 2.9
  webdav: undefined,
  // facts 2.10
  nats: undefined,
  // facts 2.5
  oss: async (settings) => (await import('./oss/open.ts')).openOss(settings),
}

/**
 * What can be opened here, for people: `file://, s3:// and, to read, https://`.
 */
export function availableSchemes(): string {
  const types = Object.entries(BACKENDS).filter(([, open]) => open !== undefined)
  const schemes = types.flatMap(([type]) => (type === 'webdav' ? ['webdav://', 'webdavs://'] : [`${type}://`]))
  return `${schemes.join(', ')} and, to read, https://`
}

/**
 * Open a replica by its URL. Its backend is loaded now, nothing is sent yet (to hosts that list, `openHttp` sends).
 *
 * Environment (features 5, facts 8.6): `AWS_*` or `LITESTREAM_ACCESS_KEY_ID` and `LITESTREAM_SECRET_ACCESS_KEY`, each
 * only where its AWS_ sister is unset; then the AWS chain. `LITESTREAM_S3_ENDPOINT` where the URL names no endpoint.
 *
 * @throws StorageError STORAGE_BAD_URL, STORAGE_BAD_OPTION, STORAGE_UNSUPPORTED_SCHEME
 */
export async function openReplica(url: string, options: OpenReplicaOptions = {}): Promise<ReplicaClient> {
  const parsed = parseReplicaURL(url)
  if ('url' in parsed) {
    const { openHttp } = await import('./http/index.ts')
    return await openHttp(parsed.url, options)
  }
  return await openReplicaSettings(replicaSettings(parsed, options), options)
}

/**
 * Open a replica by its settings, as a configuration file has them; the environment fills in what they leave out
 * (`withEnvironment`). Nothing is sent yet.
 *
 * @throws StorageError STORAGE_BAD_OPTION, STORAGE_UNSUPPORTED_SCHEME
 */
export async function openReplicaSettings(
  settings: ReplicaSettings,
  options: SettingsOptions = {},
): Promise<ReplicaClient> {
  const open = BACKENDS[settings.type] as Open<never> | undefined
  const env = options.env ?? processEnv()
  if (open) return await open(withEnvironment(withOverrides(settings, options), env) as never, env)
  const message = `Cannot open the ${settings.type} replica: ${settings.type}:// is not built yet; available are ${availableSchemes()}`
  throw new StorageError('STORAGE_UNSUPPORTED_SCHEME', message)
}
