import { setTimeout as delay } from 'node:timers/promises'
import { type FrameForm, formatTXID, type TXID } from '../ltx/index.ts'
import { isStorageError, type Lease, type LtxFileInfo, type ReplicaClient } from '../storage/index.ts'
import { isWriterError, WriterError } from './errors.ts'
import type { Figures } from './figures.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { type Log, silentLog } from './log.ts'
import { Maintenance } from './maintenance.ts'
import { Pacer } from './pacer.ts'
import { Primary } from './primary.ts'
import { REPLICATOR_DEFAULTS, type ReplicatorSettings } from './settings.ts'
import { nextSettleMs, SETTLE_MS } from './settle.ts'
import { Signal } from './signal.ts'
import { Uploader } from './uploader.ts'
import { WalWatcher } from './wal-watcher.ts'

export interface ReplicatorOptions {
  readonly dbPath: string
  readonly client: ReplicaClient
  readonly settings?: Partial<ReplicatorSettings>
  readonly form?: FrameForm
  readonly log?: Log
  readonly metaPath?: string
  /** Where to count what is done. Default: nowhere. */
  readonly figures?: Figures
  /** Replicate only while holding this lease: it is acquired at the start, renewed, and given back at the end. */
  readonly lease?: Lease
  /** Called when an L0 file is durable in the replica, and with it all transactions up to its TXID. */
  readonly onDurable?: (info: LtxFileInfo) => void
}

const BACKOFF_MAX_MS = 5 * 60_000
const ERROR_LOG_INTERVAL_MS = 30_000

/**
 * Replicates one live database to one replica until it is closed: copies commits, uploads them, compacts, takes
 * snapshots, and deletes what retention no longer wants.
 */
export class Replicator {
  readonly primary: Primary
  readonly #client: ReplicaClient
  readonly #settings: ReplicatorSettings
  readonly #log: Log
  readonly #uploader: Uploader
  readonly #maintenance: Maintenance
  readonly #lease: LeaseKeeper | undefined
  readonly #onDurable: (info: LtxFileInfo) => void
  readonly #stop = new AbortController()
  readonly #made = new Signal()
  readonly #failure = Promise.withResolvers<never>()
  #waiting: (() => void)[] = []
  #loops: Promise<void>[] = []
  /** Stopped by itself, or never started: there is nothing to copy at close. */
  #failed = false
  #closing: Promise<void> | undefined

  /** Nothing is read or sent yet. @throws WriterError WRITER_USAGE for a client that only reads */
  constructor(options: ReplicatorOptions) {
    if (options.client.readsOnly) throw readsOnly(options.client.url)
    this.#client = options.client
    this.#settings = { ...REPLICATOR_DEFAULTS, ...options.settings }
    this.#log = options.log ?? silentLog
    this.#onDurable = options.onDurable ?? (() => {})
    this.primary = new Primary(options.dbPath, {
      settings: this.#settings,
      log: this.#log,
      ...(options.form && { form: options.form }),
      ...(options.metaPath && { metaPath: options.metaPath }),
      ...(options.figures && { figures: options.figures }),
    })
    this.#lease = options.lease && new LeaseKeeper(options.lease, { log: this.#log, now: Date.now })
    this.#uploader = new Uploader(options.client, this.primary)
    this.#maintenance = new Maintenance({
      client: options.client,
      primary: this.primary,
      durableTXID: () => this.durableTXID,
      settings: this.#settings,
      log: this.#log,
      ...(options.form && { form: options.form }),
    })
    this.#failure.promise.catch(() => {}) // `wait` may never be called
  }

  /** The last TXID known to be durable in the replica. */
  get durableTXID(): TXID | undefined {
    return this.#uploader.durable
  }

  /**
   * Open the database, and replicate it from now on. The replica being out of reach for the moment is no failure.
   * @throws WriterError, StorageError for what will not mend by itself: no database, wrong credentials, no bucket
   */
  async start(): Promise<void> {
    let opened = true
    await this.#acquireLease()
    try {
      await this.primary.open(this.#client)
    } catch (error) {
      if (!isStorageError(error) || !error.retryable) {
        this.#failed = true
        await this.#lease?.release()
        throw error
      }
      this.#log.warn('the replica cannot be reached, trying on', { error: error.message })
      opened = false
    }
    const { signal } = this.#stop
    this.#loops = [this.#run(this.#followLoop(opened, signal)), this.#run(this.#uploadLoop(signal))]
    this.#loops.push(this.#run(this.#maintenance.run(signal)))
    if (this.#lease) this.#loops.push(this.#run(this.#lease.keep(signal)))
  }

  /** Copy and upload all that is committed by now. @returns the TXID that is durable in the replica then, or a later one */
  async flush(): Promise<TXID> {
    await this.primary.sync({ onFile: () => this.#made.raise(), complete: true })
    const wanted = this.primary.txid
    while ((this.durableTXID ?? 0n) < wanted) {
      await Promise.race([new Promise<void>((resolve) => this.#waiting.push(resolve)), this.#failure.promise])
    }
    return this.durableTXID!
  }

  /** Never resolves; rejects when replication had to stop by itself, as when another writer was found. */
  wait(): Promise<never> {
    return this.#failure.promise
  }

  /** One pass for cron: copy, upload, and on request a snapshot and retention. The database is closed afterwards. */
  async syncOnce(options: { forceSnapshot?: boolean; enforceRetention?: boolean } = {}): Promise<{ txid: TXID }> {
    await this.#acquireLease()
    try {
      await this.primary.open(this.#client)
      await this.primary.sync({ complete: true })
      await this.#upload()
      if (options.forceSnapshot) await this.#maintenance.snapshot()
      if (options.enforceRetention) await this.#maintenance.enforceRetention()
      return { txid: this.primary.txid }
    } finally {
      await this.primary.close()
      await this.#lease?.release()
    }
  }

  /**
   * Stop: copy and upload what is left, retrying for the shutdown timeout, and let go of the database.
   *
   * @param options.signal stops the retries
   * @throws what kept the last transactions from becoming durable; they stay in the local files
   */
  close(options: { signal?: AbortSignal } = {}): Promise<void> {
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  async #close(options: { signal?: AbortSignal }): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#loops)
    try {
      if (!this.#failed) await this.#finalSync(options.signal)
    } finally {
      await this.primary.close()
      await this.#lease?.release()
    }
  }

  async #acquireLease(): Promise<void> {
    try {
      await this.#lease?.acquire()
    } catch (error) {
      this.#failed = true
      throw error
    }
  }

  #fail(error: unknown): void {
    this.#failed = true
    this.#stop.abort()
    this.#failure.reject(error)
  }

  async #run(loop: Promise<void>): Promise<void> {
    try {
      await loop
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#fail(error)
    }
  }

  /** Copies what is committed: at once when the WAL is written to, and at every interval in any case. */
  async #followLoop(opened: boolean, signal: AbortSignal): Promise<void> {
    const { monitorIntervalMs, minSyncIntervalMs } = this.#settings
    const watcher = new WalWatcher(this.primary.walPath)
    const pacer = new Pacer(minSyncIntervalMs, monitorIntervalMs)
    const backoff = new Backoff(monitorIntervalMs, this.#log, 'cannot copy the WAL')
    let settleMs = SETTLE_MS
    let written = false
    try {
      while (!signal.aborted) {
        watcher.arm()
        try {
          if (!opened) await this.primary.open(this.#client)
          opened = true
          const startedMs = performance.now()
          const copied = await this.primary.sync({ onFile: () => this.#made.raise() })
          backoff.succeeded()
          const nowMs = performance.now()
          if (copied) pacer.take(nowMs, nowMs - startedMs)
          settleMs = nextSettleMs(settleMs, { copied, written, maxMs: monitorIntervalMs })
        } catch (error) {
          if (isFatal(error)) throw error
          await this.#pause(backoff.failed(error), signal)
          continue
        }
        written = await watcher.wait(monitorIntervalMs, signal)
        await this.#pause(Math.max(settleMs, pacer.waitMs(performance.now())), signal)
      }
    } finally {
      watcher.disarm()
    }
  }

  async #uploadLoop(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(this.#settings.syncIntervalMs, this.#log, 'cannot upload')
    while (!signal.aborted) {
      this.#made.lower()
      try {
        await this.#upload(signal)
        backoff.succeeded()
      } catch (error) {
        if (signal.aborted) return
        if (isFatal(error)) throw error
        await this.#pause(backoff.failed(error), signal)
        continue
      }
      await this.#made.wait(Number.POSITIVE_INFINITY, signal)
    }
  }

  async #upload(signal?: AbortSignal): Promise<void> {
    try {
      await this.#uploader.upload({ onFile: (info) => this.#durable(info), ...(signal && { signal }) })
    } catch (error) {
      if (!isWriterError(error, 'WRITER_LTX_MISSING')) throw error
      // Retention or a person removed files that the replica does not have: a snapshot takes their place.
      this.#log.warn('local files that the replica lacks are gone, writing a snapshot instead', {
        error: error.message,
      })
      this.#uploader.skipTo(await this.#maintenance.snapshot())
    }
  }

  #durable(info: LtxFileInfo): void {
    this.#log.debug('uploaded', { txid: formatTXID(info.maxTXID), size: info.size })
    this.#onDurable(info)
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async #finalSync(signal?: AbortSignal): Promise<void> {
    const { shutdownSyncTimeoutMs, shutdownSyncIntervalMs } = this.#settings
    const deadline = Date.now() + shutdownSyncTimeoutMs
    const backoff = new Backoff(
      shutdownSyncIntervalMs,
      this.#log,
      'the last transactions are not durable yet, trying on',
    )
    for (;;) {
      try {
        if (this.primary.pageSize === undefined) await this.primary.open(this.#client)
        await this.primary.sync({ complete: true })
        await this.#upload(signal)
        return this.#log.info('all transactions are durable', { txid: formatTXID(this.primary.txid) })
      } catch (error) {
        if (signal?.aborted) throw interrupted(error)
        if (isFatal(error) || Date.now() + shutdownSyncIntervalMs > deadline) throw error
        backoff.failed(error)
      }
      await this.#pause(shutdownSyncIntervalMs, signal)
      if (signal?.aborted) throw interrupted(undefined)
    }
  }

  /** Sleep; ends early and quietly when the signal aborts. */
  async #pause(ms: number, signal?: AbortSignal): Promise<void> {
    await delay(ms, undefined, signal ? { signal } : {}).catch(() => {})
  }
}

/** Doubles the pause with every failure, and reports no more than one failure per half minute. */
class Backoff {
  readonly #baseMs: number
  readonly #log: Log
  readonly #message: string
  #delayMs = 0
  #loggedAtMs = Number.NEGATIVE_INFINITY

  constructor(baseMs: number, log: Log, message: string) {
    this.#baseMs = baseMs
    this.#log = log
    this.#message = message
  }

  succeeded(): void {
    this.#delayMs = 0
  }

  /** @returns how long to wait before the next attempt, in ms */
  failed(error: unknown): number {
    this.#delayMs = Math.min(Math.max(this.#baseMs, this.#delayMs * 2), BACKOFF_MAX_MS)
    const nowMs = performance.now()
    if (nowMs - this.#loggedAtMs >= ERROR_LOG_INTERVAL_MS) {
      this.#loggedAtMs = nowMs
      const hint = (error as { hint?: string }).hint
      this.#log.error(this.#message, { error: (error as Error).message, ...(hint && { hint }) })
    }
    return this.#delayMs
  }
}

/** Failures that no repetition mends, and where going on could do harm. */
function isFatal(error: unknown): boolean {
  return isWriterError(error, 'WRITER_SECOND_WRITER', 'WRITER_PAGE_SIZE_CHANGED', 'WRITER_NOT_A_DATABASE')
}

function interrupted(cause: unknown): WriterError {
  return new WriterError(
    'WRITER_SHUTDOWN_INTERRUPTED',
    'Stopped before the last transactions were durable in the replica',
    { cause, hint: 'They are kept locally: start replication again to upload them.' },
  )
}

function readsOnly(url: string): WriterError {
  return new WriterError('WRITER_USAGE', `Cannot replicate to ${url}: from here it is only read`, {
    hint: "Give the store's own URL, for example s3://bucket/path.",
  })
}
