import type { TXID } from '../ltx/index.ts'
import { PageCache, type PageCacheStats, type PageStore, type PageStoreStats } from '../pagecache/index.ts'
import type { LtxFileInfo, ReplicaClient } from '../storage/index.ts'
import { Account, newCost } from './core/account.ts'
import { eitherSignal } from './core/either-signal.ts'
import { ReplicaError } from './core/errors.ts'
import { orAborted } from './core/or-aborted.ts'
import { pause } from './core/pause.ts'
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
} from './core/types.ts'
import { InFlightLimit } from './pages/in-flight-limit.ts'
import { PageFetcher } from './pages/page-fetcher.ts'
import { pageMap } from './pages/page-flags.ts'
import { type SharedReading, SnapshotPages } from './pages/pinned-pages.ts'
import { loadSnapshot } from './published/saved-snapshot.ts'
import type { Follower } from './state/follower.ts'
import type { IndexLoader } from './state/index-loader.ts'
import type { OpenSnapshotContext } from './state/open-snapshot.ts'
import { FileGone, RangeReader } from './state/range-reader.ts'
import { Snapshot } from './state/snapshot.ts'
import { StateTracker } from './state/state-tracker.ts'

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
  /**
   * While nothing new comes, a check proves so often that the place has not been emptied and begun anew: one request more,
   * of 16 bytes. Default 10 000; 0, with every check, in a folder of this machine.
   */
  readonly proofIntervalMs?: number
  /** Told when checks begin to fail; again only after one has succeeded. `lag()` says it, too. */
  readonly onProblem?: (error: unknown) => void
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
const DEFAULT_LIST_INTERVAL_MS = 60_000
const DEFAULT_PROOF_INTERVAL_MS = 10_000
const DEFAULT_TIMEOUT_MS = 30_000

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
  readonly #tracker: StateTracker
  #hydration: HydrationProgress | undefined

  /**
   * Open the newest state.
   *
   * @param client is the replica's from now on: closed with it. Give it retries (`withRetry`).
   * @throws ReplicaError REPLICA_EMPTY and others; StorageError
   */
  static async open(client: ReplicaClient, options: ReplicaOptions = {}): Promise<Replica> {
    void import('./state/open-snapshot.ts').catch(() => {}) // on its way beside the first requests
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
      // One round tells whether it is still the newest, and of this place.
      const replica = new Replica(context, { cost, state: saved, checkedAt: Number.NEGATIVE_INFINITY }, options)
      return await replica.#after(replica.refresh({ maxAgeMs: 0, ...(signal && { signal }) }))
    }
    const ended = { ...context, signal }
    const files = await listed(ended)
    const published = files && (await (await import('./published/open-published.ts')).openPublished(files, ended))
    if (published) {
      const replica = new Replica(context, { cost, state: published, checkedAt }, options)
      void replica.#save()
      return replica
    }
    const [{ openNewest }, { warmUp }] = await Promise.all([
      import('./state/open-snapshot.ts'),
      import('./pages/warm-up.ts'),
    ])
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
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#context = { ...context, signal }
    const { maxInFlight = DEFAULT_MAX_IN_FLIGHT, minInFlight = maxInFlight } = options
    const limit = new InFlightLimit(minInFlight, maxInFlight)
    this.#shared = {
      cache,
      fetcher: new PageFetcher({ reader, cache, store: options.store, limit, now: this.#now, signal }),
      loadIndexes: indexLoading(reader, signal),
      replan: (gone, own) => this.#tracker.replan(gone, own),
      doubts: (state) => this.#tracker.doubts(state),
      prove: fileProving(this.#context),
    }
    this.#tracker = new StateTracker(opened, {
      client,
      follower: following(this.#context, opened.checkedAt, options),
      now: this.#now,
      checkIntervalMs: options.checkIntervalMs ?? DEFAULT_CHECK_INTERVAL_MS,
      follow: options.follow === true,
      onProblem: options.onProblem,
      signal,
    })
  }

  /** What opening does last: when that fails nothing of this stays. */
  async #after(work: Promise<unknown>): Promise<this> {
    try {
      await work
      return this
    } catch (error) {
      this.#stop()
      throw error
    }
  }

  get state(): DatabaseState {
    return this.#tracker.newest
  }

  get store(): PageStoreStats | undefined {
    return this.#options.store?.stats?.()
  }

  get cost(): Cost {
    // The cache knows which pages that were fetched ahead were read; for each query that is not told apart.
    const { aheadUseful, aheadWasted } = this.#shared.cache.stats()
    this.#cost.prefetchUseful = aheadUseful - this.#before.aheadUseful
    this.#cost.prefetchWasted = aheadWasted - this.#before.aheadWasted
    return this.#cost
  }

  get fresh(): DatabaseState | undefined {
    return this.#closing.signal.aborted ? undefined : this.#tracker.fresh
  }

  async refresh(options?: RefreshOptions): Promise<DatabaseState> {
    return await this.#tracker.refresh(options)
  }

  async at(target: StateTarget, signal?: AbortSignal): Promise<DatabaseState> {
    this.#throwIfClosed()
    const context = { ...this.#context, signal: eitherSignal(signal, this.#closing.signal) }
    const [{ openPlanned }, { planAt }] = await Promise.all([
      import('./state/open-snapshot.ts'),
      import('./state/at-time.ts'),
    ])
    const opening = this.#tracker.open(() => openPlanned((_, own) => planAt(target, own), context))
    const state = await orAborted(opening, context.signal) // a store that answers nothing ends nobody's wait
    // Its headers may have been read in one beginning of the bucket, and its files in the next.
    if (target.timestamp !== undefined && state.timestamp >= target.timestamp) throw movedMeanwhile(target.timestamp)
    return state
  }

  async waitFor(
    txid: TXID,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<DatabaseState> {
    return await this.#tracker.waitFor(txid, { timeoutMs: DEFAULT_TIMEOUT_MS, ...options })
  }

  lag(): Lag {
    return this.#tracker.lag()
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
    const { hydrate } = await import('./pages/hydrator.ts') // few ask for it
    const closing = this.#closing.signal
    const signal = eitherSignal(options.signal, closing)
    const { account } = this.#context
    const onProgress = (progress: HydrationProgress): void => {
      this.#hydration = progress
      options.onProgress?.(progress)
    }
    const about = { shared: this.#shared, store, account, signal, now: this.#now, pause, onProgress }
    await hydrate(this.#tracker.newest, about)
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
    this.#stop()
    await this.#save()
    await this.#options.store?.flush()
    await this.#context.client.close()
  }

  /** Nothing is asked, and nobody waits, any more. */
  #stop(): void {
    this.#tracker.close()
    this.#closing.abort(closed(this.url))
  }

  /** For the next time. Never throws: it only saves time. */
  async #save(): Promise<void> {
    const { store } = this.#options
    if (store === undefined) return
    const state = this.#tracker.newest
    try {
      const { saveSnapshot } = await import('./published/save-snapshot.ts')
      store.writeBlob(blobName(this.url), saveSnapshot(state))
    } catch {
      // Then all is opened anew.
    }
  }

  #throwIfClosed(): void {
    this.#closing.signal.throwIfAborted()
  }
}

/** What finds newer states, made at the first check. */
function following(context: OpenSnapshotContext, listedAt: number, options: ReplicaOptions): () => Promise<Follower> {
  const { listIntervalMs = DEFAULT_LIST_INTERVAL_MS, now = Date.now } = options
  const local = context.client.type === 'file' // there a proof costs nothing
  const proofIntervalMs = options.proofIntervalMs ?? (local ? 0 : DEFAULT_PROOF_INTERVAL_MS)
  let follower: Follower | undefined
  return async () => {
    const { Follower } = await import('./state/follower.ts')
    follower ??= new Follower({ context, listIntervalMs, proofIntervalMs, listedAt, now })
    return follower
  }
}

/** Proves that files are what they were; few ever need it. */
function fileProving(context: OpenSnapshotContext): SharedReading['prove'] {
  return async (file, own) => {
    const { standingOfFile } = await import('./state/standing.ts')
    const signal = eitherSignal(own, context.signal)
    const standing = await orAborted(standingOfFile(file, { ...context, signal }), signal)
    if (standing !== 'there') throw new FileGone(file.info)
  }
}

/** Loads parts of indexes; most replicas need none for a while. */
function indexLoading(reader: RangeReader, signal: AbortSignal): SharedReading['loadIndexes'] {
  let loader: IndexLoader | undefined
  return async (...args) => {
    const { IndexLoader } = await import('./state/index-loader.ts')
    loader ??= new IndexLoader(reader, signal)
    await loader.load(...args)
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

function movedMeanwhile(timestamp: number): ReplicaError {
  const time = new Date(timestamp).toISOString()
  return new ReplicaError('REPLICA_TX_NOT_AVAILABLE', `Cannot open the state before ${time}: its files were replaced`, {
    at: { timestamp },
    hint: 'Ask again.',
  })
}

function closed(url: string): ReplicaError {
  return new ReplicaError('REPLICA_CLOSED', `Cannot read ${url}: it has been closed`)
}
