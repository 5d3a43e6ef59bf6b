import { StorageError } from './errors.ts'
import type { FileModes } from './file/durable.ts'
import type { HttpOptions } from './http/connection.ts'
import { redactURL } from './redact-url.ts'
import type { S3Credentials, S3ReplicaOptions } from './s3/settings.ts'
import type { S3URL } from './s3-url.ts'
import type { ReplicaClient } from './types.ts'
import { parseReplicaURL } from './url.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** What is of `HttpOptions` is for `https://`, as in browsers. */
export interface OpenReplicaOptions extends HttpOptions {
  /** Default: the process's, where there is one. */
  readonly env?: Environment
  /** For `s3://`: wins over the URL and the environment. */
  readonly s3?: Partial<Omit<S3ReplicaOptions, 'bucket'>>
  /** For `file://`. */
  readonly file?: FileModes
}

const AVAILABLE = 'file://, s3://, sftp://, webdav://, webdavs://, nats:// and, to read, https://'

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
  if (parsed.scheme === 'file') {
    const { FileReplica } = await import('./file/index.ts')
    return new FileReplica({ ...options.file, path: parsed.path })
  }
  if (parsed.scheme === 's3') {
    const { S3Replica } = await import('./s3/index.ts')
    return new S3Replica(s3Options(parsed, options))
  }
  if (parsed.scheme === 'https' || parsed.scheme === 'http') {
    const { openHttp } = await import('./http/index.ts')
    return await openHttp(parsed.url, options)
  }
  if (parsed.scheme === 'sftp') {
    const { scheme: type, ...given } = parsed
    return (await import('./sftp/open.ts')).openSftp({ type, ...given })
  }
  if (parsed.scheme === 'webdav' || parsed.scheme === 'webdavs') {
    const { scheme: _, ...given } = parsed
    return (await import('./webdav/open.ts')).openWebdav({ type: 'webdav', ...given })
  }
  if (parsed.scheme === 'nats') {
    const { scheme: type, ...given } = parsed
    return (await import('./nats/open.ts')).openNats({ type, ...given })
  }
  const message = `Cannot open ${redactURL(url)}: ${parsed.scheme}:// replicas are not built yet; available are ${AVAILABLE}`
  throw new StorageError('STORAGE_UNSUPPORTED_SCHEME', message)
}

/** What the URL, the environment and the caller say together; the caller wins, then the URL. */
export function s3Options(url: S3URL, options: OpenReplicaOptions): S3ReplicaOptions {
  const env = options.env ?? processEnv()
  const { scheme: _, ...fromURL } = url
  const endpoint = options.s3?.endpoint ?? url.endpoint ?? (env.LITESTREAM_S3_ENDPOINT || undefined)
  const credentials = options.s3?.credentials ?? environmentCredentials(env)
  const proxied = Object.keys(env).some((name) => /^https?_proxy$/i.test(name))
  return {
    ...fromURL,
    ...(proxied && { proxyEnv: env }),
    ...options.s3,
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials && { credentials }),
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

function processEnv(): Environment {
  return (globalThis as { process?: { env?: Environment } }).process?.env ?? {}
}
