export { expandPath } from './config.ts'

import type { ReplicaClient, ReplicaSettings } from '../storage/node.ts'
import { type ConfigFlags, findDatabase } from './config.ts'
import { loadStorage } from './deps.ts'
import { usageError } from './errors.ts'
import type { CliIO } from './io.ts'
import type { Log } from './log.ts'

/** True for what upstream takes for a replica URL; everything else is a database path (litestream.IsURL). */
export function isURL(text: string): boolean {
  return /^\w+:\/\//.test(text) && !/^sqlite3?:\/\//.test(text)
}

const SCHEMES = 'file|s3|gs|abs|sftp|webdavs?|nats|oss|https?'

/** True for what is no URL, but was most likely meant as one: `s3:bucket/app`, `s3:/bucket`, `s3//bucket/app`. */
export function looksLikeURL(text: string): boolean {
  return new RegExp(`^(?:${SCHEMES})(?::|//)`, 'i').test(text)
}

/**
 * Open the replica that a command's one argument names: by its URL, or by a database of the configuration file.
 *
 * @param about `log` hears of requests that are made again
 * @throws CliError for a database that the configuration file does not have
 * @throws DaemonError DAEMON_CONFIG for a configuration file that is wrong, or is not there
 * @throws StorageError for a URL that is none, or a store that cannot be used
 */
export async function openSource(
  source: string,
  flags: ConfigFlags,
  { io, log }: { io: CliIO; log: Log },
): Promise<ReplicaClient> {
  if (isURL(source)) {
    if (flags.config !== '') throw usageError('cannot specify a replica URL and the -config flag')
  } else if (!looksLikeURL(source)) {
    const { replica } = await findDatabase(source, flags, io)
    return await openSettings(replica, io, log)
  }
  return await openRetrying(source, io, log)
}

/** The SDK's own attempts: enough for a blip. What lasts longer is retried where a person can see it. */
const SDK_ATTEMPTS = 4
const ATTEMPTS = 6
const WARNING_INTERVAL_MS = 5_000

/** Open a replica whose requests fail with the SDK's few attempts. */
export async function openPlain(url: string, io: Pick<CliIO, 'env'>): Promise<ReplicaClient> {
  const { openReplica } = await loadStorage()
  return await openReplica(url, openOptions(io))
}

/** Open a replica by its settings; with a log, requests are made again as by `openRetrying`. */
export async function openSettings(
  settings: ReplicaSettings,
  io: Pick<CliIO, 'env' | 'now'>,
  log?: Log,
): Promise<ReplicaClient> {
  const { openReplicaSettings } = await loadStorage()
  const client = await openReplicaSettings(settings, openOptions(io))
  return log ? await retrying(client, io, log) : client
}

function openOptions(io: Pick<CliIO, 'env'>) {
  return { env: io.env, s3: { maxAttempts: SDK_ATTEMPTS } }
}

/** Open a replica whose requests are made again where that may help, for some ten seconds in all. */
export async function openRetrying(url: string, io: Pick<CliIO, 'env' | 'now'>, log: Log): Promise<ReplicaClient> {
  return await retrying(await openPlain(url, io), io, log)
}

async function retrying(client: ReplicaClient, io: Pick<CliIO, 'now'>, log: Log): Promise<ReplicaClient> {
  const { withRetry } = await loadStorage()
  let warnedAt = Number.NEGATIVE_INFINITY
  return withRetry(client, {
    attempts: ATTEMPTS,
    onRetry: (error) => {
      // Many requests at once fail for one reason.
      if (io.now() - warnedAt < WARNING_INTERVAL_MS) return
      warnedAt = io.now()
      log.warn('trying again', { error: error.message })
    },
  })
}
