import { type Environment, processEnv, withEnvironment } from './environment.ts'
import { checkOpenReplica, type OpenReplicaOptions } from './open-replica-options.ts'
import type { ReplicaSettings } from './replica-settings.ts'
import { replicaSettings, type SettingsOptions, withOverrides } from './settings-of-url.ts'
import type { ReplicaClient } from './types.ts'
import { parseReplicaURL } from './url.ts'

type Open<T extends ReplicaSettings['type']> = (
  settings: Extract<ReplicaSettings, { type: T }>,
  env: Environment,
) => Promise<ReplicaClient>

/** How each type is opened: its code, and with it its SDK, is loaded only then. */
const BACKENDS: { readonly [T in ReplicaSettings['type']]: Open<T> } = {
  // facts 2.11
  file: async (settings) => new (await import('./file/index.ts')).FileReplica(settings),
  // facts 2.4
  s3: async (settings) => (await import('./s3/open.ts')).openS3(settings),
  // facts 2.6
  gs: async (settings, env) => (await import('./gs/open.ts')).openGs(settings, { env }),
  // facts 2.7
  abs: async (settings, env) => (await import('./abs/open.ts')).openAbs(settings, { env }),
  // facts 2.8
  sftp: async (settings) => (await import('./sftp/open.ts')).openSftp(settings),
  // facts 2.9
  webdav: async (settings) => (await import('./webdav/open.ts')).openWebdav(settings),
  // facts 2.10
  nats: async (settings) => (await import('./nats/open.ts')).openNats(settings),
  // facts 2.5
  oss: async (settings) => (await import('./oss/open.ts')).openOss(settings),
}

/**
 * Open a replica by its URL. Its backend is loaded now, nothing is sent yet (to hosts that list, `openHttp` sends).
 *
 * Environment (features 5, facts 8.6): `AWS_*` or `LITESTREAM_ACCESS_KEY_ID` and `LITESTREAM_SECRET_ACCESS_KEY`, each
 * only where its AWS_ sister is unset; then the AWS chain. `LITESTREAM_S3_ENDPOINT` where the URL names no endpoint.
 *
 * @throws StorageError STORAGE_BAD_URL, STORAGE_BAD_OPTION
 */
export async function openReplica(url: string | URL, options: OpenReplicaOptions = {}): Promise<ReplicaClient> {
  checkOpenReplica(options)
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
 * @throws StorageError STORAGE_BAD_OPTION
 */
export async function openReplicaSettings(
  settings: ReplicaSettings,
  options: SettingsOptions = {},
): Promise<ReplicaClient> {
  const env = options.env ?? processEnv()
  // Each type with its own settings: more than the compiler can follow.
  const open = BACKENDS[settings.type] as (settings: ReplicaSettings, env: Environment) => Promise<ReplicaClient>
  return await open(withEnvironment(withOverrides(settings, options), env), env)
}
