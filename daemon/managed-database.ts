import type { TXID } from '../ltx/index.ts'
import type { Lease, ReplicaClient } from '../storage/index.ts'
import type { ReplicaSettings } from '../storage/replica-settings.ts'
import {
  Backoff,
  isWriterError,
  type Log,
  newFigures,
  Replicator,
  type ReplicatorHost,
  type RestoreProgress,
  type Scheduled,
} from '../writer/index.ts'
import { backendOf } from './backend-of.ts'
import type { DatabaseEntry } from './config/config.ts'
import type { DatabaseReport } from './control.ts'
import { DatabaseLog } from './database-log.ts'
import type { DaemonEvents } from './events.ts'
import { restoreIfMissing } from './restore-missing.ts'

/** What all databases of a daemon share. */
export interface DatabaseHost extends ReplicatorHost {
  readonly log: Log
  readonly form: 'block' | 'legacy'
  readonly events: DaemonEvents
  openReplica(settings: ReplicaSettings): Promise<ReplicaClient>
  openLease?(client: ReplicaClient): Promise<Lease>
  /** A database is restored because it was missing: what hears how far that is. */
  restoring?(path: string): (done: RestoreProgress) => void
}

/** One database of the daemon: begun, stopped and begun again; its failures are its own. */
export class ManagedDatabase {
  readonly entry: DatabaseEntry
  readonly backend: string
  readonly #host: DatabaseHost
  readonly #log: Log
  readonly #beginning: Backoff
  readonly #figures = newFigures()
  #client: ReplicaClient | undefined
  #replicator: Replicator | undefined
  /** What begins it. */
  #task: Pick<Scheduled, 'stop'> | undefined
  /** Ends what has begun since the last stop. That holds on to the signal, and does not go on after it. */
  #abort: AbortController | undefined
  #restored = false
  /** Why it stopped by itself. */
  #fatal: { readonly error: Error; readonly sinceMs: number } | undefined
  #last = { txid: 0n, replicatedTXID: 0n }
  #ending: Promise<void> | undefined

  constructor(entry: DatabaseEntry, host: DatabaseHost) {
    this.entry = entry
    this.backend = backendOf(entry.replica)
    this.#host = host
    this.#log = new DatabaseLog(host.log, entry.path)
    this.#beginning = new Backoff(entry.settings.syncIntervalMs, this.#log, 'cannot begin to replicate')
  }

  get isRunning(): boolean {
    return this.#task !== undefined || this.#replicator !== undefined
  }

  /** Present once it has begun. */
  get replicator(): Replicator | undefined {
    return this.#replicator
  }

  /** Begin when its turn comes, trying until it succeeds. */
  start(): void {
    if (this.isRunning) return
    this.#fatal = undefined
    const kind = `${this.entry.restoreIfMissing ? 'restore' : 'open'}@${this.backend}`
    this.#task = this.#host.scheduler.add({ kind, run: () => this.#begin() })
  }

  /**
   * Begin at once, and fail if that fails. A stop does not wait for it: it may hang on a store that does not answer.
   * @throws the signal's AbortError when it was stopped meanwhile
   */
  async startNow(): Promise<void> {
    if (this.isRunning) return
    this.#fatal = undefined
    const signal = this.#signal()
    const beginning = { stop: async () => {} }
    this.#task = beginning
    try {
      await this.#replicate(signal, { patient: false })
    } finally {
      if (this.#task === beginning) this.#task = undefined
    }
  }

  /**
   * Open the replica, and restore the database if that is wanted.
   * @returns the replica
   * @throws the signal's AbortError when it was stopped meanwhile
   */
  async prepare(signal: AbortSignal = this.#signal()): Promise<ReplicaClient> {
    this.#client ??= await this.#openReplica(signal)
    if (this.entry.restoreIfMissing && !this.#restored) {
      const onProgress = this.#host.restoring?.(this.entry.path)
      await restoreIfMissing(this.entry.path, this.#client, {
        log: this.#log,
        signal,
        ...(onProgress && { onProgress }),
      })
      this.#restored = true
    }
    return this.#client
  }

  /** Open the replica, and a replicator that was not started. */
  async createReplicator(signal: AbortSignal = this.#signal()): Promise<Replicator> {
    const client = await this.prepare(signal)
    const { path, settings, metaPath } = this.entry
    const { events, log: _, openReplica: __, ...host } = this.#host
    const lease = await this.#host.openLease?.(client)
    return new Replicator({
      dbPath: path,
      client,
      settings,
      form: host.form,
      log: this.#log,
      host,
      backend: this.backend,
      onDurable: (info) => events.durable?.(path, info),
      figures: this.#figures,
      ...(metaPath !== undefined && { metaPath }),
      ...(lease && { lease }),
    })
  }

  /**
   * Copy and upload what is left, and let go of the database and its replica.
   * @param options.gone the database was deleted
   * @throws what kept the last transactions from becoming durable
   */
  stop(options: { signal?: AbortSignal; gone?: boolean } = {}): Promise<void> {
    this.#ending ??= this.#stop(options).finally(() => {
      this.#ending = undefined
    })
    return this.#ending
  }

  report(): DatabaseReport {
    const { path, replica } = this.entry
    const replicator = this.#replicator
    if (replicator) this.#last = positions(replicator)
    const lastSyncAt = replicator?.lastSyncAtMs
    const trouble = this.#fatal ?? replicator?.trouble ?? this.#beginning.trouble
    return {
      path,
      state: this.isRunning ? 'replicating' : 'stopped',
      replicaType: this.#client?.type ?? replica.type,
      replicaURL: this.#client?.url ?? this.backend,
      ...this.#last,
      figures: this.#figures,
      ...(lastSyncAt !== undefined && { lastSyncAt }),
      ...(trouble && { trouble: oneLine(trouble.error), troubledSince: trouble.sinceMs }),
    }
  }

  async #begin(): Promise<number> {
    const signal = this.#signal()
    try {
      await this.#replicate(signal, { patient: true })
      this.#beginning.succeeded()
      this.#task = undefined
      return Number.POSITIVE_INFINITY
    } catch (error) {
      return signal.aborted ? Number.POSITIVE_INFINITY : this.#beginning.failed(error)
    }
  }

  async #replicate(signal: AbortSignal, options: { patient: boolean }): Promise<void> {
    const replicator = await this.createReplicator(signal)
    signal.throwIfAborted()
    await replicator.start(options)
    if (signal.aborted && !options.patient) {
      await replicator.close({ signal }).catch(() => {}) // the stop did not wait for it
      signal.throwIfAborted()
    }
    this.#replicator = replicator
    replicator.wait().catch((error: Error) => this.#failed(replicator, error))
  }

  /** It had to stop by itself. What stands at its path may be replaced by a database; the rest needs a person. */
  #failed(replicator: Replicator, error: Error): void {
    if (this.#replicator !== replicator) return
    this.#log.error('replication stopped', { error: error.message })
    this.#fatal = { error, sinceMs: Date.now() }
    this.#host.events.failed?.(this.entry.path, error)
    if (this.#ending) return
    if (isWriterError(error, 'WRITER_NOT_A_DATABASE')) {
      this.#beginning.failed(error)
      this.#task = this.#host.scheduler.add({ kind: `open@${this.backend}`, run: () => this.#beginAnew() })
    } else void this.stop().catch(() => {})
  }

  /** Let go of what failed, and begin when that is long enough ago. */
  async #beginAnew(): Promise<number> {
    if (!this.#replicator) return await this.#begin()
    await this.#letGo({ signal: this.#signal() }).catch(() => {})
    return RETRY_MS
  }

  async #stop(options: { signal?: AbortSignal; gone?: boolean }): Promise<void> {
    this.#abort?.abort()
    this.#abort = undefined
    await this.#task?.stop()
    this.#task = undefined
    await this.#letGo(options)
  }

  async #letGo(options: { signal?: AbortSignal; gone?: boolean }): Promise<void> {
    const replicator = this.#replicator
    try {
      await replicator?.close(options)
    } finally {
      if (replicator) this.#last = positions(replicator)
      this.#replicator = undefined
      const client = this.#client
      this.#client = undefined
      await client?.close()
    }
  }

  async #openReplica(signal: AbortSignal): Promise<ReplicaClient> {
    const client = await this.#host.openReplica(this.entry.replica)
    if (!signal.aborted) return client
    await client.close()
    throw signal.reason
  }

  #signal(): AbortSignal {
    this.#abort ??= new AbortController()
    return this.#abort.signal
  }
}

const RETRY_MS = 10_000

function positions(replicator: Replicator): { txid: TXID; replicatedTXID: TXID } {
  return { txid: replicator.primary.txid, replicatedTXID: replicator.durableTXID ?? 0n }
}

function oneLine(error: Error): string {
  return (error.message || error.name).trim().replace(/\s*\n\s*/g, ': ')
}
