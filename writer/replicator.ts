import { setTimeout as delay } from 'node:timers/promises'
import { type FrameForm, formatTXID, type TXID } from '../ltx/index.ts'
import { type ByteStream, isStorageError, type Lease, type LtxFileInfo, type ReplicaClient } from '../storage/index.ts'
import { checkReplicator } from './arguments.ts'
import { Backoff, type Trouble } from './backoff.ts'
import { isWriterError, WriterError } from './errors.ts'
import type { Figures } from './figures.ts'
import type { ReplicatorHost } from './host.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { type Log, silentLog } from './log.ts'
import { Maintenance } from './maintenance.ts'
import { Pacer } from './pacer.ts'
import { Primary } from './primary.ts'
import type { QuietWal } from './quiet-wal.ts'
import { resetLocalState } from './reset.ts'
import { type Scheduled, Scheduler } from './scheduler.ts'
import { REPLICATOR_DEFAULTS, type ReplicatorSettings } from './settings.ts'
import { nextSettleMs, SETTLE_MS } from './settle.ts'
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
  /** Shared with others. Default: one of its own, and the database is never parked. */
  readonly host?: ReplicatorHost
  /** Those with the same word take turns with each other, and hold up nobody else. Default: of no store. */
  readonly backend?: string
}

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
  readonly #host: ReplicatorHost | undefined
  readonly #scheduler: Scheduler
  readonly #backend: string
  readonly #watcher: WalWatcher
  readonly #pacer: Pacer
  readonly #copying: Backoff
  readonly #uploading: Backoff
  readonly #stop = new AbortController()
  readonly #failure = Promise.withResolvers<never>()
  #waiting: (() => void)[] = []
  #copy: Scheduled | undefined
  #upload: Scheduled | undefined
  #keeping: Promise<void> | undefined
  #quiet: QuietWal | undefined
  #settleMs = SETTLE_MS
  /** The WAL was written to since the last look. */
  #written = false
  #committedAtMs = Number.NEGATIVE_INFINITY
  #syncedAtMs: number | undefined
  /** Stopped by itself, or never started: there is nothing to copy at close. */
  #failed = false
  #closing: Promise<void> | undefined

  /** Nothing is read or sent yet. @throws WriterError WRITER_USAGE for a client that only reads */
  constructor(options: ReplicatorOptions) {
    checkReplicator(options)
    if (options.client.readsOnly) throw readsOnly(options.client.url)
    this.#client = options.client
    this.#settings = { ...REPLICATOR_DEFAULTS, ...options.settings }
    this.#log = options.log ?? silentLog
    this.#onDurable = options.onDurable ?? (() => {})
    this.#host = options.host
    this.#scheduler = options.host?.scheduler ?? new Scheduler()
    this.#backend = options.backend ?? ''
    this.primary = new Primary(options.dbPath, {
      settings: this.#settings,
      log: this.#log,
      ...(options.form && { form: options.form }),
      ...(options.metaPath && { metaPath: options.metaPath }),
      ...(options.figures && { figures: options.figures }),
      ...(options.host && { ours: options.host.ours }),
    })
    const { monitorIntervalMs, minSyncIntervalMs, syncIntervalMs } = this.#settings
    this.#watcher = new WalWatcher(this.primary.walPath, () => this.#wasWritten())
    this.#pacer = new Pacer(minSyncIntervalMs, monitorIntervalMs)
    this.#copying = new Backoff(monitorIntervalMs || syncIntervalMs, this.#log, 'cannot copy the WAL')
    this.#uploading = new Backoff(syncIntervalMs, this.#log, 'cannot upload')
    this.#lease = options.lease && new LeaseKeeper(options.lease, { log: this.#log, now: Date.now })
    this.#uploader = new Uploader(options.client, this.primary, { l0RetentionMs: this.#settings.l0RetentionMs })
    this.#maintenance = new Maintenance({
      client: options.client,
      primary: {
        local: this.primary.local,
        figures: this.primary.figures,
        snapshot: (use) => this.#snapshot(use),
      },
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

  /** Why it does not get on at present. */
  get trouble(): Trouble | undefined {
    return this.#copying.trouble ?? this.#uploading.trouble
  }

  /** When the replica last was known to hold all that is local; ms since the Unix epoch. */
  get lastSyncAtMs(): number | undefined {
    if (this.#isSynced()) this.#syncedAtMs = Date.now()
    return this.#syncedAtMs
  }

  /**
   * Open the database, and replicate it from now on. The replica being out of reach for the moment is no failure.
   * @param options.patient nor is a database that cannot be opened yet: it is tried until it can
   * @throws WriterError, StorageError for what will not mend by itself: no database, wrong credentials, no bucket
   */
  async start(options: { patient?: boolean } = {}): Promise<void> {
    await this.#acquireLease()
    if (!options.patient) await this.#openNow()
    const { signal } = this.#stop
    const copyKind = () => `${this.#copyKind()}@${this.#backend}`
    const copyTask = {
      run: () => this.#run(() => this.#copyStep()),
      get kind() {
        return copyKind()
      },
    }
    this.#upload = this.#scheduler.add(
      { kind: `upload@${this.#backend}`, run: () => this.#run(() => this.#uploadStep(signal)) },
      this.primary.isOpen ? 0 : Number.POSITIVE_INFINITY,
    )
    this.#copy = this.#scheduler.add(copyTask)
    this.#maintenance.start(this.#scheduler, { signal, backend: this.#backend })
    this.#keeping = this.#lease?.keep(signal).catch((error) => {
      if (!signal.aborted) this.#fail(error)
    })
  }

  /** What nobody waits for must not hold up what was just committed. */
  #copyKind(): 'open' | 'resume' | 'copy' {
    if (!this.primary.isOpen) return 'open'
    return this.primary.isParked && !this.#written ? 'resume' : 'copy'
  }

  async #openNow(): Promise<void> {
    try {
      await this.primary.open(this.#client)
    } catch (error) {
      if (!isStorageError(error) || !error.retryable) {
        this.#failed = true
        await this.#lease?.release()
        throw error
      }
      this.#log.warn('the replica cannot be reached, trying on', { error: error.message })
    }
  }

  /** Copy and upload all that is committed by now. @returns the TXID that is durable in the replica then, or a later one */
  async flush(): Promise<TXID> {
    await this.copyNow()
    const wanted = this.primary.txid
    while ((this.durableTXID ?? 0n) < wanted) {
      await Promise.race([new Promise<void>((resolve) => this.#waiting.push(resolve)), this.#failure.promise])
    }
    return this.durableTXID!
  }

  /** Copy all that is committed by now into local files. @returns the last TXID made */
  async copyNow(): Promise<TXID> {
    await this.primary.sync({ onFile: () => this.#upload?.wake(), complete: true })
    this.#copy?.wake() // parks again
    return this.primary.txid
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
      await this.#uploadAll()
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
   * @param options.gone the database was deleted: only upload what was copied before
   * @throws what kept the last transactions from becoming durable; they stay in the local files
   */
  close(options: { signal?: AbortSignal; gone?: boolean } = {}): Promise<void> {
    this.#closing ??= closeInTime(this.#close(options), options.signal)
    return this.#closing
  }

  async #close(options: { signal?: AbortSignal; gone?: boolean }): Promise<void> {
    this.#stop.abort()
    this.#watcher.disarm()
    this.#host?.idle.remove(this.primary.walPath)
    await Promise.all([this.#copy?.stop(), this.#upload?.stop(), this.#maintenance.stop(), this.#keeping])
    this.#watcher.disarm()
    this.#host?.idle.remove(this.primary.walPath)
    try {
      if (!this.#failed) await this.#finalSync(options)
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

  /** @returns when to come again */
  async #run(step: () => Promise<number>): Promise<number> {
    if (this.#stop.signal.aborted) return Number.POSITIVE_INFINITY
    try {
      return await step()
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#fail(error)
      return Number.POSITIVE_INFINITY
    }
  }

  /** Copies what is committed: at once when the WAL is written to, and at every interval in any case. */
  async #copyStep(): Promise<number> {
    const intervalMs = this.#settings.monitorIntervalMs || Number.POSITIVE_INFINITY
    const written = this.#written
    this.#written = false
    this.#host?.idle.remove(this.primary.walPath)
    if (intervalMs < Number.POSITIVE_INFINITY) this.#watcher.arm()
    // Where nobody else writes, a checkpoint's own commit is copied at once, so that the database can be parked.
    const complete = this.#host !== undefined && !written
    let copied: boolean
    try {
      await this.#open()
      const startedMs = performance.now()
      copied = await this.primary.sync({ onFile: () => this.#upload?.wake(), complete })
      this.#copying.succeeded()
      const nowMs = performance.now()
      if (copied) this.#pacer.take(nowMs, nowMs - startedMs)
      if (copied && written) this.#committedAtMs = nowMs
      this.#settleMs = nextSettleMs(this.#settleMs, { copied, written, maxMs: this.#settings.monitorIntervalMs })
    } catch (error) {
      return this.#copyFailed(error)
    }
    if ((!copied || complete) && (await this.#park(complete))) {
      return Math.max(this.primary.nextCheckpointMs, intervalMs)
    }
    return this.#written ? this.#waitMs() : Math.max(this.#waitMs(), intervalMs)
  }

  async #open(): Promise<void> {
    if (this.primary.isOpen) return
    await this.primary.open(this.#client)
    this.#upload?.wake() // asks where the replica stands
  }

  async #copyFailed(error: unknown): Promise<number> {
    const { autoRecover, monitorIntervalMs } = this.#settings
    if (autoRecover && isWriterError(error, 'WRITER_LTX_CORRUPT', 'WRITER_LTX_MISSING')) {
      this.#log.warn('local state is damaged, beginning it anew', { error: (error as Error).message })
      await this.primary.close()
      await resetLocalState(this.primary.path, { metaPath: this.primary.local.path })
      this.#copying.failed(error)
      return 0
    }
    if (isFatal(error)) throw error
    const waitMs = this.#copying.failed(error)
    // A database may be made at any time; to look for it costs nothing.
    return isWriterError(error, 'WRITER_NO_DATABASE') ? monitorIntervalMs || waitMs : waitMs
  }

  /** How long the next look has to wait after a write. */
  #waitMs(): number {
    return Math.max(this.#settleMs, this.#pacer.waitMs(performance.now()))
  }

  #wasWritten(): void {
    this.#written = true
    this.#copy?.wake(this.#waitMs())
  }

  /**
   * @param ours what was written during this step can be our own doing: whether it was, is seen from the WAL
   * @returns whether the database is parked now
   */
  async #park(ours: boolean): Promise<boolean> {
    const { idle, quietMs } = this.#host ?? {}
    if (!idle || !this.#settings.monitorIntervalMs || (this.#written && !ours)) return false
    if (quietMs === Number.POSITIVE_INFINITY || performance.now() - this.#committedAtMs < quietMs!) return false
    this.#quiet = await this.primary.park()
    if (!this.#quiet) return false
    this.#watcher.disarm()
    this.#written = false
    if (this.#stop.signal.aborted) return true
    idle.add({ walPath: this.primary.walPath, quiet: this.#quiet, onChange: () => this.#wasWritten() })
    return true
  }

  /** A parked database is opened for it, and may be parked again. */
  async #snapshot<T>(use: (txid: TXID, stream: ByteStream) => Promise<T>): Promise<T> {
    try {
      return await this.primary.snapshot(use)
    } finally {
      if (this.#host) this.#copy?.wake()
      this.#upload?.wake()
    }
  }

  async #uploadStep(signal: AbortSignal): Promise<number> {
    try {
      const all = await this.#uploadAll({ signal, maxFiles: this.#settings.maxSyncLtxFiles })
      this.#uploading.succeeded()
      this.#tellWaiting() // what was durable already is known now
      this.#maintenance.uploaded()
      return all ? Number.POSITIVE_INFINITY : 0
    } catch (error) {
      if (signal.aborted) return Number.POSITIVE_INFINITY
      if (isFatal(error)) throw error
      return this.#uploading.failed(error)
    }
  }

  /** @returns false when there are more files */
  async #uploadAll(options: { signal?: AbortSignal; maxFiles?: number } = {}): Promise<boolean> {
    try {
      return await this.#uploader.upload({ ...options, onFile: (info) => this.#durable(info) })
    } catch (error) {
      if (!isWriterError(error, 'WRITER_LTX_MISSING')) throw error
      // Retention or a person removed files that the replica does not have: a snapshot takes their place.
      this.#log.warn('local files that the replica lacks are gone, writing a snapshot instead', {
        error: error.message,
      })
      this.#uploader.skipTo(await this.#maintenance.snapshot())
      return true
    }
  }

  #isSynced(): boolean {
    const { durableTXID } = this
    return durableTXID !== undefined && durableTXID > 0n && durableTXID >= this.primary.txid && !this.trouble
  }

  #durable(info: LtxFileInfo): void {
    this.#log.debug('uploaded', { txid: formatTXID(info.maxTXID), size: info.size })
    this.#onDurable(info)
    if (this.#isSynced()) this.#syncedAtMs = Date.now()
    this.#tellWaiting()
  }

  #tellWaiting(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async #finalSync({ signal, gone }: { signal?: AbortSignal; gone?: boolean }): Promise<void> {
    const { shutdownSyncTimeoutMs, shutdownSyncIntervalMs } = this.#settings
    const deadline = Date.now() + shutdownSyncTimeoutMs
    const backoff = new Backoff(
      shutdownSyncIntervalMs,
      this.#log,
      'the last transactions are not durable yet, trying on',
    )
    for (;;) {
      try {
        if (!gone) await this.#copyLast()
        await this.#uploadAll(signal ? { signal } : {})
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

  /** Where no database stands (any more), there is nothing to copy. */
  async #copyLast(): Promise<void> {
    try {
      if (!this.primary.isOpen) await this.primary.open(this.#client)
      // A parked database that nobody wrote to need not be opened to see that.
      if (this.primary.isParked && this.#quiet?.isUnchanged(Date.now())) return
      await this.primary.sync({ complete: true })
    } catch (error) {
      if (!isWriterError(error, 'WRITER_NO_DATABASE')) throw error
      this.#log.warn('there is no database to copy from', { error: error.message })
    }
  }

  /** Sleep; ends early and quietly when the signal aborts. */
  async #pause(ms: number, signal?: AbortSignal): Promise<void> {
    await delay(ms, undefined, signal ? { signal } : {}).catch(() => {})
  }
}

/** After `signal`, what still runs has so long to end by itself. */
const GIVE_UP_MS = 1000

/** A store that neither answers nor listens must not keep anybody from ending. */
async function closeInTime(closing: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return await closing
  const late = Promise.withResolvers<never>()
  let timer: NodeJS.Timeout | undefined
  const giveUp = () => {
    timer = setTimeout(() => late.reject(interrupted(undefined)), GIVE_UP_MS)
  }
  if (signal.aborted) giveUp()
  else signal.addEventListener('abort', giveUp, { once: true })
  try {
    await Promise.race([closing, late.promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
    closing.catch(() => {})
    late.promise.catch(() => {})
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
