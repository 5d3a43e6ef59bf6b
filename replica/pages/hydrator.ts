import type { Pgno } from '../../ltx/index.ts'
import type { PageStore } from '../../pagecache/index.ts'
import type { Account } from '../core/account.ts'
import { ReplicaError } from '../core/errors.ts'
import type { HydrationProgress } from '../core/types.ts'
import { FileGone } from '../state/range-reader.ts'
import type { Snapshot } from '../state/snapshot.ts'
import type { SharedReading } from './pinned-pages.ts'
import type { WantedPage } from './plan-fetch.ts'

/** Pages that are looked for in the store at a time. */
const BATCH_PAGES = 256
/** One request's worth while others read: at 100 Mbit/s their page comes 2.6 ms later at the most. */
const BUSY_BYTES = 32 * 1024
/** When nobody has read for `QUIET_MS`. */
const QUIET_BYTES = 1024 * 1024
const QUIET_MS = 500
/** Bytes of pages that the store may have to write at a time: far less than it lets wait. */
const UNWRITTEN_BYTES = 4 * 1024 * 1024
/** Writes may be dropped, when others write as well. */
const MAX_ATTEMPTS = 3
/** Pages that are looked for again when all have been written. */
const SAMPLED_PAGES = 64
/** How long to look away when somebody waits for a page. */
const YIELD_MS = 10

export interface HydrateOptions {
  readonly shared: SharedReading
  readonly store: PageStore
  readonly account: Account
  readonly signal: AbortSignal
  readonly now: () => number
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  readonly onProgress: (progress: HydrationProgress) => void
}

/**
 * Fill the store with all pages of one state, in the background. Each is kept under the name of its file, as any page
 * is: so nothing is mixed, a later state finds what it shares with this one, and what is there already is not fetched.
 * Whoever reads meanwhile goes first: nothing is sent while somebody waits, and little at a time. The store is given time
 * to write, and is asked afterwards whether it has kept the pages.
 *
 * @param first the state to begin with; when files of it are deleted meanwhile, it goes on with a newer one
 * @throws ReplicaError REPLICA_STORE; what fetching throws; the signal's reason
 */
export async function hydrate(first: Snapshot, options: HydrateOptions): Promise<void> {
  for (let state = first; ; state = await options.shared.replan(state, options.signal)) {
    try {
      return await fill(state, options)
    } catch (error) {
      if (!(error instanceof FileGone)) throw error
    }
  }
}

async function fill(state: Snapshot, options: HydrateOptions): Promise<void> {
  throwIfUnusable(options.store)
  const total = state.commit
  for (let first = 1; first <= total; first += BATCH_PAGES) {
    // The place was begun anew: other files have these names, or nothing is known of them.
    if (options.shared.doubts(state)) throw new FileGone(state.newest.info)
    const end = Math.min(total + 1, first + BATCH_PAGES)
    await fillBatch(state, range(first, end), options)
    options.onProgress({ done: end - 1, total })
  }
  // What came first may have made room for what came last.
  const step = Math.max(1, Math.floor(total / SAMPLED_PAGES))
  const sample = range(1, total + 1).filter((pgno) => pgno % step === 0)
  const lost = await missing(state, sample, options)
  if (lost.length > 0)
    throw keepsTooLittle(options.store, `${lost.length} of ${sample.length} looked for have gone again`)
}

/** Fetch what the store lacks of some pages until it has them: each attempt asks for less at a time. */
async function fillBatch(state: Snapshot, pgnos: readonly Pgno[], options: HydrateOptions): Promise<void> {
  const { store } = options
  let wanted = await missing(state, pgnos, options)
  for (let attempt = 1; wanted.length > 0; attempt++) {
    for (let at = 0, unwritten = 0; at < wanted.length; ) {
      const bytes = await turn(options)
      const group = take(wanted, at, attempt === 1 ? bytes : BUSY_BYTES)
      at += group.length
      await fetchGroup(group, state.pageSize, options)
      unwritten += group.length * state.pageSize
      if (attempt === 1 && unwritten < UNWRITTEN_BYTES && at < wanted.length) continue
      await store.flush()
      unwritten = 0
    }
    throwIfUnusable(store)
    wanted = await missing(
      state,
      wanted.map(({ pgno }) => pgno),
      options,
    )
    if (attempt === MAX_ATTEMPTS && wanted.length > 0) throw keepsTooLittle(store, `${wanted.length} are not there`)
  }
}

function range(from: number, end: number): number[] {
  return Array.from({ length: end - from }, (_, i) => from + i)
}

/** @throws ReplicaError REPLICA_STORE */
function throwIfUnusable(store: PageStore): void {
  const stats = store.stats?.()
  if (stats === undefined || stats.usable) return
  const { problem } = stats
  throw new ReplicaError(
    'REPLICA_STORE',
    `Cannot hydrate: nothing is kept (${problem?.message ?? 'the cache is closed'})`,
    {
      hint: 'See that the cache can be written, or open without one.',
      cause: problem,
    },
  )
}

function keepsTooLittle(store: PageStore, what: string): ReplicaError {
  const { problem } = store.stats?.() ?? {}
  const why = problem ? `: ${problem.message}` : ''
  return new ReplicaError('REPLICA_STORE', `Cannot hydrate: the cache does not keep all pages, ${what}${why}`, {
    hint: 'Let the cache be larger than the database.',
    cause: problem,
  })
}

/** Those of some pages that the store does not have. */
async function missing(state: Snapshot, pgnos: readonly Pgno[], options: HydrateOptions): Promise<WantedPage[]> {
  const { shared, store, account, signal } = options
  const wanted: WantedPage[] = []
  for (const pgno of pgnos) {
    let location = state.locate(pgno)
    while (Array.isArray(location)) {
      signal.throwIfAborted()
      await shared.loadIndexes(location, pgno, account, signal)
      location = state.locate(pgno)
    }
    if (location !== 'zeros') wanted.push({ pgno, location })
  }
  const lacking: WantedPage[] = []
  for (const [file, pages] of Map.groupBy(wanted, ({ location }) => location.file)) {
    const found = await store.read(
      file.cacheKey,
      pages.map(({ pgno }) => pgno),
    )
    for (const [i, page] of pages.entries()) if (found[i] === undefined) lacking.push(page)
  }
  return lacking
}

/** Wait for the moment to send something. @returns how many bytes may be asked for */
async function turn({ shared, now, pause, signal }: HydrateOptions): Promise<number> {
  while (shared.fetcher.waiting > 0) await pause(YIELD_MS, signal)
  signal.throwIfAborted()
  return now() - shared.fetcher.waitedAt < QUIET_MS ? BUSY_BYTES : QUIET_BYTES
}

/** Pages from `at` on, as many as fit, one at least. */
function take(wanted: readonly WantedPage[], at: number, bytes: number): WantedPage[] {
  const group: WantedPage[] = []
  let sum = 0
  for (let i = at; i < wanted.length; i++) {
    sum += wanted[i]!.location.size
    if (group.length > 0 && sum > bytes) break
    group.push(wanted[i]!)
  }
  return group
}

/** Pages that are in memory go to the store from there; the rest is fetched, and goes there by itself. */
async function fetchGroup(group: readonly WantedPage[], pageSize: number, options: HydrateOptions): Promise<void> {
  const { shared, store, account, signal } = options
  const fetched: WantedPage[] = []
  for (const page of group) {
    const { file } = page.location
    const bytes = shared.cache.peek(file.cached, page.pgno)
    if (bytes) store.write(file.cacheKey, [[page.pgno, bytes]])
    else fetched.push(page)
  }
  signal.throwIfAborted()
  shared.fetcher.start(fetched, { pageSize, account, storeOnly: true })
  const withdraw = (): void => shared.fetcher.withdraw(fetched, account)
  signal.addEventListener('abort', withdraw, { once: true })
  try {
    for (const { failure } of await Promise.all(fetched.map((page) => shared.fetcher.arrival(page)))) {
      signal.throwIfAborted()
      if (failure !== undefined) throw failure
    }
  } finally {
    signal.removeEventListener('abort', withdraw)
  }
}
