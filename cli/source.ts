import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { ReplicaClient } from '../storage/node.ts'
import { loadStorage } from './deps.ts'
import { configUnsupported, usageError } from './errors.ts'
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

/** A database path as upstream reads it: `sqlite://` and `~` are understood, the rest is made absolute (facts 8.6). */
export function expandPath(text: string, io: Pick<CliIO, 'cwd' | 'env'>): string {
  const path = text.replace(/^sqlite3?:\/\//, '')
  const home = io.env.HOME || homedir()
  if (path === '~') return home
  return path.startsWith('~/') ? join(home, path.slice(2)) : resolve(io.cwd, path)
}

/**
 * Open the replica that a command's one argument names.
 *
 * @param config the value of -config
 * @param about `log` hears of requests that are made again
 * @throws CliError for a database path: finding its replica takes a configuration file, and there is none yet
 * @throws StorageError for a URL that is none, or a store that cannot be used
 */
export async function openSource(
  source: string,
  config: string,
  { io, example, log }: { io: CliIO; example: string; log: Log },
): Promise<ReplicaClient> {
  if (isURL(source)) {
    if (config !== '') throw usageError('cannot specify a replica URL and the -config flag')
  } else if (!looksLikeURL(source)) {
    throw configUnsupported(`cannot look up the replica of ${expandPath(source, io)}; give its URL instead`, example)
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
  return await openReplica(url, { env: io.env, s3: { maxAttempts: SDK_ATTEMPTS } })
}

/** Open a replica whose requests are made again where that may help, for some ten seconds in all. */
export async function openRetrying(url: string, io: Pick<CliIO, 'env' | 'now'>, log: Log): Promise<ReplicaClient> {
  const { withRetry } = await loadStorage()
  let warnedAt = Number.NEGATIVE_INFINITY
  return withRetry(await openPlain(url, io), {
    attempts: ATTEMPTS,
    onRetry: (error) => {
      // Many requests at once fail for one reason.
      if (io.now() - warnedAt < WARNING_INTERVAL_MS) return
      warnedAt = io.now()
      log.warn('trying again', { error: error.message })
    },
  })
}
