import type { TXID } from '../ltx/index.ts'
import type { ReplicaSettings } from '../storage/replica-settings.ts'
import { IdleWatch, type Log, type Replicator, Scheduler, silentLog } from '../writer/index.ts'
import type { Config, DatabaseEntry, DirectoryEntry } from './config/config.ts'
import { configuredDatabases, folderDatabases } from './configured-databases.ts'
import type { Control, DatabaseReport, SyncResult } from './control.ts'
import { withDeadline } from './deadline.ts'
import { checkMetaPaths } from './directory-databases.ts'
import { DirectoryWatch } from './directory-watch.ts'
import { DaemonError } from './errors.ts'
import type { DaemonEvents } from './events.ts'
import { forEachParallel } from './for-each.ts'
import { PARALLEL, QUIET_MS, TASK_LIMITS } from './limits.ts'
import { type DatabaseHost, ManagedDatabase } from './managed-database.ts'
import { openFilesAdvice } from './open-files.ts'
import { validateReplica } from './validate-replica.ts'

export interface DaemonOptions extends Pick<DatabaseHost, 'openReplica' | 'openLease' | 'restoring'> {
  readonly log?: Log
  /** Which page frames to write. Default `block`. */
  readonly form?: 'block' | 'legacy'
  /**
   * Nothing else in this process opens the databases: then one that is idle costs no descriptor. Default false, which
   * is right for a program that uses them itself.
   */
  readonly ours?: boolean
  /** Let go of a database when nothing was committed for so long, in ms. Default 10 000; Infinity: never. */
  readonly quietMs?: number
  readonly events?: DaemonEvents
}

/**
 * Replicates many databases: those of a configuration, those that come and go in its folders, and those registered
 * while it runs. One in trouble delays no other one; one that is idle costs next to nothing.
 */
export class Daemon implements Control {
  readonly #config: Config
  readonly #host: DatabaseHost
  readonly #log: Log
  readonly #databases = new Map<string, ManagedDatabase>()
  #watches: DirectoryWatch[] = []
  #validating: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  /** Nothing is read or sent yet. */
  constructor(config: Config, options: DaemonOptions) {
    this.#config = config
    this.#log = options.log ?? silentLog
    this.#host = {
      scheduler: new Scheduler({ limits: TASK_LIMITS }),
      idle: new IdleWatch(),
      quietMs: options.quietMs ?? QUIET_MS,
      ours: options.ours ?? false,
      log: this.#log,
      form: options.form ?? 'block',
      events: options.events ?? {},
      openReplica: options.openReplica,
      ...(options.openLease && { openLease: options.openLease }),
      ...(options.restoring && { restoring: options.restoring }),
    }
  }

  /**
   * Find the databases and replicate them from now on. Those that are not there yet are tried until they are; those
   * that are to be restored have been when this resolves, or one attempt at it has failed. `close` ends this early:
   * what has not begun then never does.
   * @param options.strict all of them must be there and begin now: the first failure is thrown
   * @throws DaemonError DAEMON_CONFIG for a folder that cannot be read, and local states that would lie in one place
   */
  async open(options: { strict?: boolean } = {}): Promise<void> {
    const entries = await this.#findAll()
    if (this.#closing) return
    const advice = openFilesAdvice(entries.length, this.#host.ours)
    if (advice) this.#log.warn(advice)
    const databases = entries.map((entry) => this.#add(entry))
    if (options.strict) {
      const [failure] = await this.#untilClosing(databases, PARALLEL, (database) => database.startNow())
      if (failure) throw failure
    } else await this.#startAll(databases)
    if (this.#closing) return
    for (const entry of this.#config.databases) if (entry.kind === 'directory' && entry.watch) this.#watch(entry)
    const { validationIntervalMs } = this.#config
    if (validationIntervalMs > 0) this.#validating = setInterval(() => void this.#validate(), validationIntervalMs)
  }

  /**
   * One pass over all databases, for cron: copy, upload, and on request a snapshot and retention.
   * @returns the last TXID of each
   * @throws the failure, if one failed; AggregateError, if several did: after all were tried
   */
  async syncOnce(
    options: { forceSnapshot?: boolean; enforceRetention?: boolean } = {},
  ): Promise<ReadonlyMap<string, TXID>> {
    const synced = new Map<string, TXID>()
    const databases = (await this.#findAll()).map((entry) => this.#add(entry))
    const failures = await forEachParallel(databases, PARALLEL, async (database) => {
      try {
        const replicator = await database.createReplicator()
        synced.set(database.entry.path, (await replicator.syncOnce(options)).txid)
      } finally {
        await database.stop()
      }
    })
    if (failures.length > 1) throw new AggregateError(failures)
    if (failures.length === 1) throw failures[0]
    return synced
  }

  /**
   * Stop all databases side by side: copy and upload what is left, for the shutdown timeout at the most.
   * @param options.signal stops the retries
   * @throws as `syncOnce`, what kept transactions from becoming durable; they stay in the local files
   */
  close(options: { signal?: AbortSignal } = {}): Promise<void> {
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  list(): readonly DatabaseReport[] {
    return [...this.#databases.keys()].sort().map((path) => this.#databases.get(path)!.report())
  }

  report(path: string): DatabaseReport | undefined {
    return this.#databases.get(path)?.report()
  }

  async start(path: string, options: { timeoutMs?: number } = {}): Promise<boolean> {
    const database = this.#must(path)
    if (database.isRunning) return false
    await withDeadline(database.startNow(), { ...options, what: 'start', path })
    return true
  }

  async stop(path: string, options: { timeoutMs?: number } = {}): Promise<boolean> {
    const database = this.#must(path)
    if (!database.isRunning) return false
    await this.#end(database, 'stop', options)
    return true
  }

  async sync(path: string, options: { wait?: boolean; timeoutMs?: number } = {}): Promise<SyncResult> {
    const database = this.#must(path)
    const replicator = database.replicator
    if (!replicator?.primary.isOpen) throw notOpen(database.report())
    return await withDeadline(syncNow(replicator, options.wait ?? false), { ...options, what: 'sync', path })
  }

  async register(path: string, replica: ReplicaSettings): Promise<boolean> {
    if (this.#databases.has(path)) return false
    const settings = this.#config.defaults
    const entry: DatabaseEntry = { kind: 'database', path, replica, settings, restoreIfMissing: false }
    checkMetaPaths([...this.#entries(), entry])
    const database = this.#add(entry)
    try {
      await database.prepare() // a replica that cannot be is told at once
    } catch (error) {
      if (this.#databases.get(path) === database) this.#databases.delete(path)
      throw error
    }
    database.start()
    return true
  }

  async unregister(path: string, options: { timeoutMs?: number } = {}): Promise<TXID | undefined> {
    const database = this.#databases.get(path)
    if (!database) return undefined
    await this.#end(database, 'unregister', options)
    this.#databases.delete(path)
    return database.report().txid
  }

  async #startAll(databases: readonly ManagedDatabase[]): Promise<void> {
    const missing = databases.filter(({ entry }) => entry.restoreIfMissing)
    const failures = await this.#untilClosing(missing, TASK_LIMITS.restore, (database) => database.prepare())
    for (const error of failures) this.#log.error('restore failed, trying on', { error: (error as Error).message })
    if (this.#closing) return
    for (const database of databases) database.start()
  }

  /** Begin with databases, so many at a time. @returns what failed; once all is being closed, that is no failure */
  async #untilClosing(
    databases: readonly ManagedDatabase[],
    parallel: number,
    begin: (database: ManagedDatabase) => Promise<unknown>,
  ): Promise<unknown[]> {
    const failures = await forEachParallel(databases, parallel, async (database) => {
      if (!this.#closing) await begin(database)
    })
    return this.#closing ? [] : failures
  }

  async #close(options: { signal?: AbortSignal }): Promise<void> {
    clearInterval(this.#validating)
    for (const watch of this.#watches) watch.close()
    const databases = [...this.#databases.values()]
    // Those that wait for their turn, too, have no more time than all.
    const timeoutMs = Math.max(0, ...databases.map(({ entry }) => entry.settings.shutdownSyncTimeoutMs))
    const signals = [options.signal, timeoutMs > 0 ? AbortSignal.timeout(timeoutMs) : undefined]
    const signal = AbortSignal.any(signals.filter((each) => each !== undefined))
    const failures = await forEachParallel(databases, PARALLEL, (database) => database.stop({ signal }))
    if (failures.length > 1) throw new AggregateError(failures)
    if (failures.length === 1) throw failures[0]
  }

  async #end(database: ManagedDatabase, what: string, { timeoutMs }: { timeoutMs?: number }): Promise<void> {
    const signal = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)
    const { path } = database.entry
    await withDeadline(database.stop(signal ? { signal } : {}), { timeoutMs, what, path })
  }

  async #findAll(): Promise<DatabaseEntry[]> {
    const found = await configuredDatabases(this.#config, this.#host.ours)
    checkMetaPaths(found)
    return found
  }

  #add(entry: DatabaseEntry): ManagedDatabase {
    const database = this.#databases.get(entry.path) ?? new ManagedDatabase(entry, this.#host)
    this.#databases.set(entry.path, database)
    return database
  }

  #watch(entry: DirectoryEntry): void {
    let looking = Promise.resolve()
    this.#watches.push(
      new DirectoryWatch(entry, {
        isKnown: (path) => this.#databases.has(path),
        onChange: () => {
          looking = looking
            .then(() => this.#look(entry))
            .catch((error: Error) => {
              this.#log.error('cannot look for databases', { dir: entry.dir, error: error.message })
            })
        },
      }),
    )
  }

  /** Take up what came into a folder, and forget what went. */
  async #look(entry: DirectoryEntry): Promise<void> {
    const found = await folderDatabases(entry, this.#host.ours)
    if (this.#closing) return
    const there = new Set(found.map(({ path }) => path))
    for (const database of [...this.#databases.values()]) {
      const { path } = database.entry
      if (there.has(path) || database.entry.folder !== entry) continue
      this.#databases.delete(path)
      this.#log.info('database is gone', { db: path })
      await database.stop({ gone: true, signal: AbortSignal.timeout(GONE_TIMEOUT_MS) }).catch((error: Error) => {
        this.#log.error('the last transactions of a deleted database are lost', { db: path, error: error.message })
      })
    }
    if (this.#closing) return
    for (const each of found) {
      if (this.#databases.has(each.path)) continue
      checkMetaPaths([...this.#entries(), each])
      this.#log.info('new database', { db: each.path })
      this.#add(each).start()
    }
  }

  async #validate(): Promise<void> {
    for (const { path } of this.list()) {
      const database = this.#databases.get(path)
      if (!database?.replicator) continue
      await validateReplica(database, this.#log).catch((error: Error) => {
        this.#log.error('cannot validate the replica', { db: path, error: error.message })
      })
    }
  }

  #entries(): DatabaseEntry[] {
    return [...this.#databases.values()].map(({ entry }) => entry)
  }

  #must(path: string): ManagedDatabase {
    const database = this.#databases.get(path)
    if (database) return database
    throw new DaemonError('DAEMON_NO_SUCH_DATABASE', `Not replicated here: ${path}`, {
      at: { path },
      hint: 'List the databases, or register this one.',
    })
  }
}

/** What was copied of a deleted database is uploaded for so long. */
const GONE_TIMEOUT_MS = 10_000

async function syncNow(replicator: Replicator, wait: boolean): Promise<SyncResult> {
  const before = { txid: replicator.primary.txid, replicatedTXID: replicator.durableTXID ?? 0n }
  const txid = await replicator.copyNow()
  if (wait) await replicator.flush()
  const replicatedTXID = replicator.durableTXID ?? 0n
  return { txid, replicatedTXID, changed: txid !== before.txid || replicatedTXID !== before.replicatedTXID }
}

function notOpen({ path, state, trouble }: DatabaseReport): DaemonError {
  const why = state === 'stopped' ? 'it is stopped' : (trouble ?? 'it is not open yet')
  return new DaemonError('DAEMON_NOT_OPEN', `Cannot sync ${path}: ${why}`, { at: { path } })
}
