import { stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { Lease, ReplicaClient } from '../storage/index.ts'
import { type Child, childError, parseExec, startChild } from './child.ts'
import { defineCommand } from './command.ts'
import { loadStorage, loadWriter, type Replicator } from './deps.ts'
import { CliError, configUnsupported, errorMessage, hasCode, hintOf, usageError } from './errors.ts'
import { boolFlag, type FlagValues, stringFlag } from './flags.ts'
import type { CliIO } from './io.ts'
import type { Log } from './log.ts'
import { showProgress } from './progress.ts'
import { REPLICATE_USAGE } from './replicate-usage.ts'
import { forced, interrupted, type Signals, watchSignals } from './signals.ts'
import { expandPath, openPlain, openRetrying } from './source.ts'
import { startLog } from './start-log.ts'

const FLAGS = {
  config: stringFlag(),
  'no-expand-env': boolFlag(),
  exec: stringFlag(),
  'log-level': stringFlag(),
  'restore-if-db-not-exists': boolFlag(),
  once: boolFlag(),
  'force-snapshot': boolFlag(),
  'enforce-retention': boolFlag(),
  lease: boolFlag(),
  catalog: boolFlag(),
}
type Flags = FlagValues<typeof FLAGS>

export const replicate = defineCommand({ name: 'replicate', usage: REPLICATE_USAGE, flags: FLAGS, run: runReplicate })

const DATABASE_POLL_MS = 200
const CATALOG_WARNING_INTERVAL_MS = 30_000

interface Job {
  readonly io: CliIO
  readonly flags: Flags
  readonly dbPath: string
  readonly client: ReplicaClient
  readonly command: readonly string[] | undefined
  readonly signals: Signals
  readonly log: Log
}

async function runReplicate(io: CliIO, flags: Flags, args: readonly string[]): Promise<number> {
  const { path, url } = checkArguments(flags, args)
  const command = flags.exec === '' ? undefined : parseExec(flags.exec)
  const log = await startLog(io, flags['log-level'])
  // The daemon has a patience of its own; a single pass has only this one.
  const plain = flags.once ? await openRetrying(url, io, log) : await openPlain(url, io)
  const client = flags.catalog ? await keepCatalog(plain, log) : plain
  const signals = watchSignals(io)
  try {
    const job: Job = { io, flags, dbPath: expandPath(path, io), client, command, signals, log }
    if (flags['restore-if-db-not-exists']) await restoreIfMissing(job)
    if (signals.received === undefined) await replicateUntilEnd(job)
    log.info('litetap shut down')
  } finally {
    signals.close()
    await client.close()
  }
  return 0
}

function checkArguments(flags: Flags, [path, url, ...more]: readonly string[]): { path: string; url: string } {
  const example = 'litetap replicate /path/to/db s3://bucket/prefix'
  if (path === undefined) throw configUnsupported('name the database and its replica', example)
  if (url === undefined) throw usageError(`must specify at least one replica URL for ${path}`, example)
  if (flags.config !== '') throw usageError('cannot specify a replica URL and the -config flag')
  const late = [url, ...more].find((arg) => arg.startsWith('-'))
  if (late !== undefined) {
    throw usageError(`flag "${late}" must be positioned before DB_PATH and REPLICA_URL arguments`)
  }
  if (more.length > 0) throw usageError('multiple replicas on a single database are not supported')
  if (flags.once && flags.exec !== '') throw usageError('cannot specify -once flag with -exec')
  for (const name of ['force-snapshot', 'enforce-retention'] as const) {
    if (flags[name] && !flags.once) throw usageError(`cannot specify -${name} flag without -once`)
  }
  return { path, url }
}

/** Failures that go on are told now and then. */
async function keepCatalog(client: ReplicaClient, log: Log): Promise<ReplicaClient> {
  const { withCatalog, withRetry } = await loadStorage()
  const { PageMapMaker } = await import('../replica/index.ts')
  let toldAtMs = Number.NEGATIVE_INFINITY
  return withCatalog(client, {
    pageMaps: new PageMapMaker(withRetry(client)),
    onError: (error) => {
      if (performance.now() - toldAtMs < CATALOG_WARNING_INTERVAL_MS) return
      toldAtMs = performance.now()
      log.warn('cannot keep the catalog current, trying on', { error: errorMessage(error) })
    },
  })
}

/** A replica without a backup is a first start, not a failure (facts 6.4). */
async function restoreIfMissing({ io, dbPath, client, signals, log }: Job): Promise<void> {
  if (await exists(dbPath)) {
    log.info('database exists, skipping restore', { path: dbPath })
    return
  }
  const { restore } = await loadWriter()
  log.info('attempting restore before replication', { path: dbPath })
  try {
    const lines = { isTTY: false, write: (text: string) => log.info(text.trimEnd()) }
    const progress = showProgress({ stderr: lines, now: io.now })
    await restore(client, dbPath, {
      onProgress: (done) => progress.update({ phase: 'restoring', ...done }),
      onWarning: (message) => log.warn(message),
      signal: signals.stop,
    })
  } catch (error) {
    if (signals.received !== undefined) throw interrupted(signals.received)
    if (!hasCode(error, 'WRITER_NO_BACKUP', 'WRITER_TX_NOT_AVAILABLE')) throw error
    log.info('no backup found, starting fresh', { path: dbPath })
    return
  }
  log.info('restore completed', { path: dbPath })
}

async function replicateUntilEnd(job: Job): Promise<void> {
  const { io, flags, dbPath, client, log } = job
  const { Replicator } = await loadWriter()
  const form = io.env.LITETAP_LEGACY_FRAMES === '1' ? 'legacy' : 'block'
  const lease = flags.lease ? await openLease(client) : undefined
  const replicator = new Replicator({ dbPath, client, log, form, ...(lease && { lease }) })
  log.info('replicating to', { path: dbPath, type: client.type, url: client.url })
  if (flags.once) await syncOnce(job, replicator)
  else await runDaemon(job, replicator)
}

async function openLease(client: ReplicaClient): Promise<Lease> {
  const { Lease } = await loadStorage()
  if (!client.lease) throw usageError(`-lease does not work with ${client.type} replicas`)
  return new Lease(client.lease, { owner: `${hostname()}:${process.pid}`, now: Date.now })
}

/** The first signal lets the pass end: it is as good as the final sync. The second one does not wait for it. */
async function syncOnce({ flags, dbPath, signals, log }: Job, replicator: Replicator): Promise<void> {
  log.info('syncing database', { path: dbPath })
  const pass = replicator.syncOnce({
    forceSnapshot: flags['force-snapshot'],
    enforceRetention: flags['enforce-retention'],
  })
  const { txid } = await Promise.race([pass, forced(signals)])
  log.info('one-shot replication complete', { txid })
}

/** Replicate until a signal comes, the command of -exec ends, or going on makes no sense; then close in good order. */
async function runDaemon(job: Job, replicator: Replicator): Promise<void> {
  const { io, dbPath, command, signals, log } = job
  // The command of -exec may be what makes the database: then it goes first.
  const awaitDatabase = command !== undefined && !(await exists(dbPath))
  if (!awaitDatabase) await replicator.start()
  const failures: unknown[] = []
  let started = !awaitDatabase
  let child: Child | undefined
  try {
    child = command === undefined ? undefined : await startChild(command, io)
    if (child !== undefined) signals.forward((name) => child?.signal(name))
    const end = firstEnd(signals, child)
    if (awaitDatabase) {
      log.info('no database yet, waiting for the exec process to make it', { path: dbPath })
      started = await startWhenThere(dbPath, replicator, end)
    }
    await Promise.race([end, replicator.wait()])
  } catch (error) {
    failures.push(error)
    log.error('replication failed, litetap shutting down', { error: errorMessage(error) })
    child?.signal('SIGTERM')
  }
  const { received } = signals
  if (received !== undefined) log.info('signal received, litetap shutting down', { signal: received })
  const signalled = received !== undefined || failures.length > 0
  if (child !== undefined) await endChild(child, signalled, log).catch((error) => failures.push(error))
  if (started) await replicator.close({ signal: signals.force }).catch((error) => failures.push(explainClose(error)))
  // The first one becomes the last line; the others must not get lost.
  for (const error of failures.slice(1)) log.error('shutdown failed', { error: errorMessage(error) })
  if (failures.length > 0) throw failures[0]
}

/** What is not in the replica is still in the local files: say so. */
function explainClose(error: unknown): unknown {
  if (hasCode(error, 'WRITER_SHUTDOWN_INTERRUPTED')) return error
  const hint = hintOf(error) ?? 'start replication again: what is missing in the replica is kept locally'
  return new CliError('CLI_FAILED', `The final sync failed: ${errorMessage(error)}`, { hint, cause: error })
}

function firstEnd(signals: Signals, child: Child | undefined): Promise<unknown> {
  return child === undefined ? signals.first : Promise.race([signals.first, child.ended])
}

/** @returns false when there was an end before there was a database */
async function startWhenThere(dbPath: string, replicator: Replicator, end: Promise<unknown>): Promise<boolean> {
  let ended = false
  const stop = end.then(() => {
    ended = true
  })
  while (!(await exists(dbPath))) {
    await Promise.race([stop, delay(DATABASE_POLL_MS)])
    if (ended) return false
  }
  await replicator.start()
  return true
}

async function endChild(child: Child, signalled: boolean, log: Log): Promise<void> {
  if (signalled) log.info('waiting for exec process to close')
  const end = await child.ended
  if (!signalled) log.info('subprocess exited, litetap shutting down')
  // To die of a signal that was passed on is what was asked for.
  const failure = signalled && end.signal !== null ? undefined : childError(end)
  if (failure !== undefined) throw failure
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  )
}
