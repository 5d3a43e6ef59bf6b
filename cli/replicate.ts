import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Lease, ReplicaClient } from '../storage/index.ts'
import { type Child, childError, parseExec, startChild } from './child.ts'
import { defineCommand } from './command.ts'
import { expandPath, readConfig } from './config.ts'
import { type Config, type Daemon, loadDaemon, loadReader, loadStorage, type Services } from './deps.ts'
import { CliError, errorMessage, hasCode, hintOf, usageError } from './errors.ts'
import { boolFlag, type FlagValues, stringFlag } from './flags.ts'
import type { CliIO } from './io.ts'
import type { Log } from './log.ts'
import { showProgress } from './progress.ts'
import { loadReplicateConfig, namedDatabase, type OpenReplica, replicaParser } from './replicate-config.ts'
import { REPLICATE_USAGE } from './replicate-usage.ts'
import { forced, interruption, type Signals, watchSignals } from './signals.ts'
import { openRetrying, openSettings } from './source.ts'
import { startLog } from './start-log.ts'
import { packageVersion } from './version.ts'

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

const CATALOG_WARNING_INTERVAL_MS = 30_000

interface Job {
  readonly io: CliIO
  readonly flags: Flags
  readonly config: Config
  /** A database named on the command line must be there, and its end is ours; those of a configuration may come later. */
  readonly strict: boolean
  readonly daemon: Daemon
  readonly services: Services
  readonly command: readonly string[] | undefined
  readonly signals: Signals
  readonly log: Log
  /** Rejects when a database of a strict job had to stop by itself. */
  readonly failed: Promise<never>
}

async function runReplicate(io: CliIO, flags: Flags, args: readonly string[]): Promise<number> {
  const named = checkArguments(flags, args)
  const loaded = named ? await namedDatabase(io, named) : await loadReplicateConfig(io, flags)
  const config = flags['restore-if-db-not-exists'] ? restoringAll(loaded.config) : loaded.config
  const exec = flags.exec || config.exec
  const command = exec && !flags.once ? parseExec(exec) : undefined
  const log = await startLog(io, flags['log-level'], config.logging)
  const services = await createServices({ io, flags, config, log, named: named !== undefined })
  const signals = watchSignals(io)
  try {
    const failed = Promise.withResolvers<never>()
    failed.promise.catch(() => {}) // only some jobs listen
    const open: OpenReplica = async (settings, retryLog) => services.observe(await loaded.open(settings, retryLog))
    const daemon = await createDaemon({ io, flags, config, open, log, onFailed: failed.reject })
    await replicateUntilEnd({
      io,
      flags,
      config,
      strict: named !== undefined,
      daemon,
      services,
      command,
      signals,
      log,
      failed: failed.promise,
    })
    log.info('litetap shut down')
  } finally {
    signals.close()
  }
  return 0
}

/** Not those of folders: where nothing is, nothing says what would be missing (features 3.2). */
function restoringAll(config: Config): Config {
  const databases = config.databases.map((entry) =>
    entry.kind === 'database' ? { ...entry, restoreIfMissing: true } : entry,
  )
  return { ...config, databases }
}

/** @returns the database and the URL named; undefined when a configuration names them */
function checkArguments(
  flags: Flags,
  [path, url, ...more]: readonly string[],
): { path: string; url: string } | undefined {
  const example = 'litetap replicate /path/to/db s3://bucket/prefix'
  if (flags.once && flags.exec !== '') throw usageError('cannot specify -once flag with -exec')
  for (const name of ['force-snapshot', 'enforce-retention'] as const) {
    if (flags[name] && !flags.once) throw usageError(`cannot specify -${name} flag without -once`)
  }
  if (path === undefined) return undefined
  if (url === undefined) throw usageError(`must specify at least one replica URL for ${path}`, example)
  if (flags.config !== '') throw usageError('cannot specify a replica URL and the -config flag')
  const late = [url, ...more].find((arg) => arg.startsWith('-'))
  if (late !== undefined) {
    throw usageError(`flag "${late}" must be positioned before DB_PATH and REPLICA_URL arguments`)
  }
  if (more.length > 0) throw usageError('multiple replicas on a single database are not supported')
  return { path, url }
}

async function createServices(options: {
  io: CliIO
  flags: Flags
  config: Config
  log: Log
  named: boolean
}): Promise<Services> {
  const { io, flags, config, log, named } = options
  const { Services } = await loadDaemon()
  const ours = named ? undefined : flags.config
  return new Services(config, {
    log,
    version: await packageVersion(),
    now: io.now,
    expandPath: (text) => expandPath(text, io),
    parseReplica: await replicaParser(io),
    loadConfig: async (path) =>
      path === undefined && named ? config : (await readConfig({ ...flags, config: path ?? ours ?? '' }, io)).config,
    openReplica: (source) =>
      typeof source === 'string' ? openRetrying(source, io, log) : openSettings(source, io, log),
    openDatabase: async (client, { signal }) => {
      const { open } = await loadReader()
      return await open(client, { signal })
    },
  })
}

async function createDaemon(options: {
  io: CliIO
  flags: Flags
  config: Config
  open: OpenReplica
  log: Log
  onFailed: (error: Error) => void
}): Promise<Daemon> {
  const { io, flags, config, open, log, onFailed } = options
  const { Daemon } = await loadDaemon()
  const lines = { isTTY: false, write: (text: string) => log.info(text.trimEnd()) }
  return new Daemon(config, {
    log,
    ours: true, // this process is nothing else
    form: io.env.LITETAP_LEGACY_FRAMES === '1' ? 'legacy' : 'block',
    events: { failed: (_, error) => onFailed(error) },
    async openReplica(settings) {
      // The daemon has a patience of its own; a single pass has only this one.
      const plain = await open(settings, flags.once ? log : undefined)
      return flags.catalog ? await keepCatalog(plain, log) : plain
    },
    restoring: () => {
      const progress = showProgress({ stderr: lines, now: io.now })
      return (done) => progress.update({ phase: 'restoring', ...done })
    },
    ...(flags.lease && { openLease }),
  })
}

/** Failures that go on are told now and then. */
async function keepCatalog(client: ReplicaClient, log: Log): Promise<ReplicaClient> {
  const { withCatalog, withRetry } = await loadStorage()
  const { PageMapMaker } = await import('../replica/published/index.ts')
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

async function replicateUntilEnd(job: Job): Promise<void> {
  if (job.flags.once) await syncOnce(job)
  else await runDaemon(job)
}

async function openLease(client: ReplicaClient): Promise<Lease> {
  const { Lease } = await loadStorage()
  if (!client.lease) throw usageError(`-lease does not work with ${client.type} replicas`)
  return new Lease(client.lease, { owner: `${hostname()}:${process.pid}`, now: Date.now })
}

/** The first signal lets the pass end: it is as good as the final sync. The second one does not wait for it. */
async function syncOnce({ flags, daemon, signals, log }: Job): Promise<void> {
  log.info('syncing once')
  const pass = daemon.syncOnce({
    forceSnapshot: flags['force-snapshot'],
    enforceRetention: flags['enforce-retention'],
  })
  const txids = await Promise.race([pass, forced(signals)])
  for (const [path, txid] of txids) log.info('one-shot replication complete', { txid, path })
}

/** Replicate until a signal comes, the command of -exec ends, or going on makes no sense; then close in good order. */
async function runDaemon(job: Job): Promise<void> {
  const { io, daemon, services, command, signals, log, failed } = job
  const failures: unknown[] = []
  let child: Child | undefined
  try {
    await services.start(daemon)
    await open(job)
    child = command === undefined || signals.received !== undefined ? undefined : await startChild(command, io)
    if (child !== undefined) signals.forward((name) => child?.signal(name))
    await Promise.race([firstEnd(signals, child), job.strict ? failed : never])
  } catch (error) {
    failures.push(error)
    log.error('replication failed, litetap shutting down', { error: errorMessage(error) })
    child?.signal('SIGTERM')
  }
  const { received } = signals
  if (received !== undefined) log.info('signal received, litetap shutting down', { signal: received })
  const signalled = received !== undefined || failures.length > 0
  if (child !== undefined) await endChild(child, signalled, job).catch((error) => failures.push(error))
  const closing = services.close()
  await daemon.close({ signal: signals.force }).catch((error) => failures.push(explainClose(error)))
  await closing
  // The first one becomes the last line; the others must not get lost.
  for (const error of failures.slice(1)) log.error('shutdown failed', { error: errorMessage(error) })
  if (failures.length > 0) throw failures[0]
}

const never = new Promise<never>(() => {})

/** Begin to replicate. A signal ends the wait for that; what has begun is closed where all is closed. */
async function open({ daemon, strict, command, config, signals, log }: Job): Promise<void> {
  // The command of -exec may be what makes the database: then it goes first.
  const missing = config.databases.find((entry) => entry.kind === 'database' && !existsSync(entry.path))
  const awaited = command !== undefined && missing?.kind === 'database' ? missing : undefined
  if (awaited && !awaited.restoreIfMissing) {
    log.info('no database yet, waiting for the exec process to make it', { path: awaited.path })
  }
  await Promise.race([daemon.open({ strict: strict && !awaited }), interruption(signals)])
  for (const { path, replicaType: type, replicaURL: url } of daemon.list())
    log.info('replicating to', { path, type, url })
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

/** The command may take its time to end after the first signal; the second one does not wait for it. */
async function endChild(child: Child, signalled: boolean, { signals, log }: Job): Promise<void> {
  if (signalled) log.info('waiting for exec process to close')
  const end = await Promise.race([child.ended, forced(signals)]).catch((error) => {
    log.warn('exec process has not closed, it is left behind')
    throw error
  })
  if (!signalled) log.info('subprocess exited, litetap shutting down')
  // To die of a signal that was passed on is what was asked for.
  const failure = signalled && end.signal !== null ? undefined : childError(end)
  if (failure !== undefined) throw failure
}
