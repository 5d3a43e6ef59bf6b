import type { ReplicaSettings } from './replica-settings.ts'
import { debugModes } from './s3/debug.ts'
import type { S3Credentials } from './s3/settings.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The process's environment, where there is one. */
export function processEnv(): Environment {
  return (globalThis as { process?: { env?: Environment } }).process?.env ?? {}
}

/**
 * Settings with what only the environment says (features 5, facts 2.5, 2.7, 8.6): keys; proxies and `LITESTREAM_S3_DEBUG` for s3.
 * What the settings say wins, so it can be applied twice. The AWS, Google and Azure chains are their SDKs' business.
 */
export function withEnvironment<T extends ReplicaSettings>(settings: T, env: Environment): T
export function withEnvironment(settings: ReplicaSettings, env: Environment): ReplicaSettings {
  switch (settings.type) {
    case 's3': {
      const credentials = settings.credentials ?? environmentCredentials(env)
      const proxyEnv = settings.proxyEnv ?? proxies(env)
      const debug = settings.debug ?? debugModes(env.LITESTREAM_S3_DEBUG)
      return {
        ...settings,
        ...(credentials && { credentials }),
        ...(proxyEnv && { proxyEnv }),
        ...(debug && { debug }),
      }
    }
    case 'abs': {
      const sasToken = settings.sasToken || env.LITESTREAM_AZURE_SAS_TOKEN
      const accountKey = settings.accountKey || env.LITESTREAM_AZURE_ACCOUNT_KEY
      return { ...settings, ...(sasToken && { sasToken }), ...(accountKey && { accountKey }) }
    }
    case 'oss': {
      // A token belongs to its keys: only all of them, or none.
      if (settings.accessKeyId && settings.accessKeySecret) return settings
      const accessKeyId = env.OSS_ACCESS_KEY_ID
      const accessKeySecret = env.OSS_ACCESS_KEY_SECRET
      const sessionToken = env.OSS_SESSION_TOKEN
      if (!accessKeyId || !accessKeySecret) return settings
      return { ...settings, accessKeyId, accessKeySecret, ...(sessionToken && { sessionToken }) }
    }
    default:
      return settings
  }
}

/** Keys from the environment if both are there; else undefined, and the AWS chain finds others. */
export function environmentCredentials(env: Environment): S3Credentials | undefined {
  const accessKeyId = env.AWS_ACCESS_KEY_ID || env.LITESTREAM_ACCESS_KEY_ID
  const secretAccessKey = env.AWS_SECRET_ACCESS_KEY || env.LITESTREAM_SECRET_ACCESS_KEY
  if (!accessKeyId || !secretAccessKey) return undefined
  const sessionToken = env.AWS_SESSION_TOKEN
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) }
}

/** Only the variables that name proxies: settings are compared to share connections. */
function proxies(env: Environment): Environment | undefined {
  const named = Object.entries(env).filter(([name, value]) => value && /^(https?|no)_proxy$/i.test(name))
  return named.some(([name]) => /^http/i.test(name)) ? Object.fromEntries(named) : undefined
}
