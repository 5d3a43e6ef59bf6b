import { formatTXID, type TXID } from '../ltx/index.ts'
import { InFlight, PageCache, type PageCacheStats, type PageStore } from '../pagecache/index.ts'
import type { LtxFileInfo, ReplicaClient, Watch } from '../storage/index.ts'
import { Account, newCost } from './account.ts'
import { ReplicaError } from './errors.ts'
import type { Follower } from './follower.ts'
import { InFlightLimit } from './in-flight-limit.ts'
import type { IndexLoader } from './index-loader.ts'
import { opening } from './load-opening.ts'
import { openOffered } from './open-offered.ts'
import type { OpenSnapshotContext } from './open-snapshot.ts'
import { orAborted } from './or-aborted.ts'
import { PageFetcher } from './page-fetcher.ts'
import { pageMap } from './page-map.ts'
import { type SharedReading, SnapshotPages } from './pinned-pages.ts'
import { RangeReader } from './range-reader.ts'
import { loadSnapshot } from './saved-snapshot.ts'
import { comesAfter, Snapshot } from './snapshot.ts'
import type {
  Cost,
  DatabaseState,
  HydrationProgress,
  Lag,
  PinnedPages,
  PinOptions,
  ReadableReplica,
  RefreshOptions,
  StateTarget,
} from './types.ts'

export interface ReplicaOptions {
  /** Pages in memory, shared by whoever is given the same one. Default: 64 MiB of its own. */
  readonly cache?: PageCache
  /** Pages that survive the process. It stays its owner's: others may use it, too. Default: none. */
  readonly store?: PageStore
  /** A check for newer files is made at most so often. Default 1000. */
  readonly checkIntervalMs?: number
  /** Check all the time, not only when somebody reads. Default false. */
  readonly follow?: boolean
  /** L0 is listed at most so often while nothing is amiss. Default 60 000. */
  readonly listIntervalMs?: number
  /** Requests for pages in flight at most. Default 96. */
  readonly maxInFlight?: number
  /** So many at first, and more as long as answers come no later for it. Default: at once as many as `maxInFlight`. */
  readonly minInFlight?: number
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number
  /** Ends opening. */
  readonly signal?: AbortSignal
}

const DEFAULT_MAX_IN_FLIGHT = 96
const DEFAULT_CHECK_INTERVAL_MS = 1000
/** Who waits for a transaction looks again after so long, then after twice as long, up to the usual interval. */
const FIRST_WAIT_MS = 25
const DEFAULT_LIST_INTERVAL_MS = 60_000

/** A replica that is open for reading in place. */
export class Replica implements ReadableReplica {
  readonly url: string
  readonly #cost: Cost
  /** The cache's counts at the start: others may have used it before. */
  readonly #before: PageCacheStats
  readonly #options: ReplicaOptions
  readonly #now: () => number
  readonly #closing = new AbortController()
  readonly #context: OpenSnapshotContext
  readonly #shared: SharedReading
  /** Made at the first check. */
  #follower: Follower | undefined
  #indexes: IndexLoader | undefined
  readonly #client: ReplicaClient
  readonly #timer: ReturnType<typeof setInterval> | undefined
  /** Where the store announces what is new, nothing is asked until it does. */
  readonly #watch: Watch | undefined
  /** Something new was announced since the last check began. */
  #announced = false
  /** Resolved at the next announcement. */
  #announcement = Promise.withResolvers<void>()
  #state: Snapshot
  #hydration: HydrationProgress | undefined
  #checkedAt: number
  readonly #openedAt: number
  /** A check under way serves all who want one. */
  readonly #checks = new InFlight<'check', void>()

  /**
   * Open the newest state.
   *
   * @param client is the replica's from now on: closed with it. Give it retries (`withRetry`).
   * @throws ReplicaError REPLICA_EMPTY and others; StorageError
   */
  static async open(client: ReplicaClient, options: ReplicaOptions = {}): Promise<Replica> {
    opening.expect()
    const cost = newCost()
    const cache = options.cache ?? new PageCache()
    const { signal } = options
    const context = {
      client,
      reader: new RangeReader(client),
      cache,
      store: options.store,
      account: new Account([cost]),
      opened: new Map(),
      seen: {},
    }
    const checkedAt = (options.now ?? Date.now)()
    const saved = await savedState(client, cache, options.store)
    if (saved) {
      // One request tells whether it is still the newest.
      const replica = new Replica(context, { cost, state: saved, checkedAt: Number.NEGATIVE_INFINITY }, options)
      return await replica.#after(replica.refresh({ maxAgeMs: 0, ...(signal && { signal }) }))
    }
    const ended = { ...context, signal }
    const files = await listed(ended)
    const offered = files && (await openOffered(files, ended))
    if (offered) {
      const replica = new Replica(context, { cost, state: offered, checkedAt }, options)
      void replica.#save()
      return replica
    }
    const { openNewest, warmUp } = await opening.get()
    const state = await openNewest(ended, files)
    const replica = new Replica(context, { cost, state, checkedAt }, options)
    await replica.#after(warmUp(state, replica.#shared, context)) // with a page map its pages come
    void replica.#save()
    return replica
  }

  private constructor(
    context: OpenSnapshotContext,
    opened: { readonly cost: Cost; readonly state: Snapshot; readonly checkedAt: number },
    options: ReplicaOptions,
  ) {
    const { signal } = this.#closing
    const { client, reader, cache } = context
    this.url = client.url
    this.#cost = opened.cost
    this.#before = cache.stats()
    this.#client = client
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#state = opened.state
    this.#checkedAt = opened.checkedAt
    this.#openedAt = opened.checkedAt
    this.#context = { ...context, signal }
    const { maxInFlight = DEFAULT_MAX_IN_FLIGHT, minInFlight = maxInFlight } = options
    const limit = new InFlightLimit(minInFlight, maxInFlight)
    this.#shared = {
      cache,
      fetcher: new PageFetcher({ reader, cache, store: options.store, limit, now: this.#now, signal }),
      loadIndexes: this.#loadIndexes,
      replan: (gone) => this.#replan(gone),
    }
    this.#watch = client.watch?.(() => this.#hear())
    if (options.follow) {
      this.#timer = setInterval(() => void this.refresh().catch(() => {}), this.#checkIntervalMs)
      // Node: following alone keeps no process alive.
      if (typeof this.#timer === 'object') this.#timer.unref()
    }
  }

  /** What opening does last: when that fails nothing of this stays. */
  async #after(work: Promise<unknown>): Promise<this> {
    try {
      await work
      return this
    } catch (error) {
      clearInterval(this.#timer)
      this.#watch?.close()
      throw error
    }
  }

  get state(): DatabaseState {
    return this.#state
  }

  get cost(): Cost {
    // The cache knows which pages that were fetched ahead were read; for each query that is not told apart.
    const { aheadUseful, aheadWasted } = this.#shared.cache.stats()
    this.#cost.prefetchUseful = aheadUseful - this.#before.aheadUseful
    this.#cost.prefetchWasted = aheadWasted - this.#before.aheadWasted
    return this.#cost
  }

  async refresh({ maxAgeMs = this.#checkIntervalMs, signal }: RefreshOptions = {}): Promise<DatabaseState> {
    this.#throwIfClosed()
    signal?.throwIfAborted()
    const due = this.#announced || (this.#now() - this.#checkedAt >= maxAgeMs && !(maxAgeMs > 0 && this.#isCurrent))
    if (due) {
      await this.#checks.share('check', () => this.#check(), signal)
    }
    return this.#state
  }

  async at(target: StateTarget, signal?: AbortSignal): Promise<DatabaseState> {
    this.#throwIfClosed()
    const context = signal
      ? { ...this.#context, signal: AbortSignal.any([signal, this.#closing.signal]) }
      : this.#context
    const { openPlanned, planAt } = await opening.get()
    return await openPlanned(() => planAt(target, context), context)
  }

  async waitFor(
    txid: TXID,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<DatabaseState> {
    const { timeoutMs = 30_000, signal } = options
    const end = this.#now() + timeoutMs
    // Somebody has seen it: so it is worth looking at once, and soon again.
    for (let waitMs = FIRST_WAIT_MS; ; waitMs *= 2) {
      if (this.#state.txid >= txid) return this.#state
      const state = await this.refresh({ maxAgeMs: 0, ...(signal && { signal }) })
      if (state.txid >= txid) return state
      const left = end - this.#now()
      if (left <= 0) throw waitedInVain(txid, state.txid, timeoutMs)
      const pausing = pause(Math.min(left, waitMs, this.#checkIntervalMs), signal)
      await Promise.race([pausing, this.#announcement.promise])
      pausing.catch(() => {}) // an abort is noticed at the next check
    }
  }

  lag(): Lag {
    const now = this.#now()
    return {
      sinceTransactionMs: now - this.#state.timestamp,
      sinceCheckMs: this.#isCurrent ? 0 : now - this.#checkedAt,
    }
  }

  get hydration(): HydrationProgress | undefined {
    return this.#hydration
  }

  async hydrate(
    options: { readonly signal?: AbortSignal; readonly onProgress?: (progress: HydrationProgress) => void } = {},
  ): Promise<void> {
    this.#throwIfClosed()
    const { store } = this.#options
    if (store === undefined) throw new ReplicaError('REPLICA_USAGE', 'Cannot hydrate: there is no store to fill')
    const { hydrate } = await import('./hydrator.ts') // few ask for it
    const closing = this.#closing.signal
    const signal = options.signal ? AbortSignal.any([options.signal, closing]) : closing
    const { account } = this.#context
    const onProgress = (progress: HydrationProgress): void => {
      this.#hydration = progress
      options.onProgress?.(progress)
    }
    await hydrate(this.#state, { shared: this.#shared, store, account, signal, now: this.#now, pause, onProgress })
    await this.#save()
  }

  pin(state: DatabaseState, options: PinOptions = {}): PinnedPages {
    this.#throwIfClosed()
    const own = options.cost ?? newCost()
    return new SnapshotPages(snapshotOf(state), this.#shared, new Account([own, this.#cost], options.budget))
  }

  pageMap(state: DatabaseState, since?: TXID): Uint8Array {
    return pageMap(snapshotOf(state), this.#shared.cache, since)
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    clearInterval(this.#timer)
    this.#watch?.close()
    this.#closing.abort(closed(this.url))
    await this.#save()
    await this.#options.store?.flush()
    await this.#client.close()
  }

  get #checkIntervalMs(): number {
    return this.#options.checkIntervalMs ?? DEFAULT_CHECK_INTERVAL_MS
  }

  /** Nothing newer was announced, and it would have been. */
  get #isCurrent(): boolean {
    return this.#watch?.live === true && !this.#announced
  }

  #hear(): void {
    this.#announced = true
    this.#announcement.resolve()
    this.#announcement = Promise.withResolvers()
    if (this.#options.follow) void this.refresh().catch(() => {})
  }

  async #check(): Promise<void> {
    const startedAt = this.#now()
    this.#announced = false
    try {
      this.#state = await (await this.#following()).advance(this.#state)
      this.#checkedAt = startedAt
    } catch (error) {
      this.#announced ||= this.#watch !== undefined // it was not taken in
      throw error
    }
  }

  /** Files of a state are gone: find its pages in those there are now. */
  async #replan(gone: Snapshot): Promise<Snapshot> {
    const { openNewest } = await opening.get()
    const newest = await openNewest(this.#context)
    const same = this.#state === gone && newest.txid === gone.txid
    if (same || comesAfter(newest, this.#state)) this.#state = newest
    return newest
  }

  async #following(): Promise<Follower> {
    const { Follower } = await opening.get()
    const { listIntervalMs = DEFAULT_LIST_INTERVAL_MS } = this.#options
    this.#follower ??= new Follower({
      context: this.#context,
      listIntervalMs,
      now: this.#now,
      listedAt: this.#openedAt,
    })
    return this.#follower
  }

  readonly #loadIndexes: SharedReading['loadIndexes'] = async (...args) => {
    const { IndexLoader } = await opening.get()
    this.#indexes ??= new IndexLoader(this.#context.reader, this.#closing.signal)
    await this.#indexes.load(...args)
  }

  /** For the next time. Never throws: it only saves time. */
  async #save(): Promise<void> {
    const { store } = this.#options
    if (store === undefined) return
    const state = this.#state
    try {
      const { saveSnapshot } = await opening.get()
      store.writeBlob(blobName(this.url), saveSnapshot(state))
    } catch {
      // Then all is opened anew.
    }
  }

  #throwIfClosed(): void {
    this.#closing.signal.throwIfAborted()
  }
}

/** All files there are, where that is one request. */
async function listed({ client, account, signal }: OpenSnapshotContext): Promise<readonly LtxFileInfo[] | undefined> {
  if (!client.listAll) return undefined
  account.roundTrip()
  account.request(0)
  return await client.listAll(signal)
}

/** The state that was newest when the replica was last read on this machine. */
async function savedState(
  client: ReplicaClient,
  cache: PageCache,
  store: PageStore | undefined,
): Promise<Snapshot | undefined> {
  const bytes = await store?.readBlob(blobName(client.url))
  return bytes && loadSnapshot(bytes, cache)
}

/** @throws ReplicaError REPLICA_USAGE */
function snapshotOf(state: DatabaseState): Snapshot {
  if (state instanceof Snapshot) return state
  throw new ReplicaError('REPLICA_USAGE', 'Cannot read a state that this replica did not give out')
}

function blobName(url: string): string {
  return `page map of ${url}`
}

function closed(url: string): ReplicaError {
  return new ReplicaError('REPLICA_CLOSED', `Cannot read ${url}: it has been closed`)
}

function waitedInVain(txid: TXID, reached: TXID, timeoutMs: number): ReplicaError {
  const message = `Waited in vain for TXID ${formatTXID(txid)} for ${timeoutMs} ms: the replica is at ${formatTXID(reached)}`
  return new ReplicaError('REPLICA_WAIT_TIMEOUT', message, { at: { txid } })
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const elapsed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  try {
    await orAborted(elapsed, signal)
  } finally {
    clearTimeout(timer)
  }
}
