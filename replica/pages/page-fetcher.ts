import { decodePageFrame, isLtxError } from '../../ltx/index.ts'
import type { PageCache, PageStore, StoredPage } from '../../pagecache/index.ts'
import type { Account } from '../core/account.ts'
import { ReplicaError } from '../core/errors.ts'
import { orAborted } from '../core/or-aborted.ts'
import type { RangeReader } from '../state/range-reader.ts'
import type { SourceFile } from '../state/source-file.ts'
import type { InFlightLimit } from './in-flight-limit.ts'
import { LineRate } from './line-rate.ts'
import { type FetchRange, fetchLimits, planFetch, type WantedPage } from './plan-fetch.ts'

/** Where pages come from and go to. */
export interface PageFetcherOptions {
  readonly reader: RangeReader
  readonly cache: PageCache
  /** Keeps pages over restarts. */
  readonly store?: PageStore | undefined
  /** How many requests for pages may be under way. */
  readonly limit: InFlightLimit
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
  /** Ends everything. */
  readonly signal: AbortSignal
}

interface StartOptions {
  readonly pageSize: number
  readonly account: Account
  /** Nobody waits for the pages: they may take their time, and nobody hears of a failure. */
  readonly ahead: boolean
  /** They are for the store alone, unless somebody comes to wait for them. */
  readonly storeOnly?: boolean
}

interface Waiter {
  resolve(page: Uint8Array): void
  reject(error: unknown): void
}

interface Job extends FetchRange {
  readonly account: Account
  readonly pageSize: number
  /** Somebody waits for one of its pages. */
  urgent: boolean
  /** When the first of its pages was asked for. */
  readonly askedAt: number
  started: boolean
}

/** A page that has been asked for and has not come yet. */
interface Pending {
  /** Undefined until it is known that the store does not have the page. */
  job: Job | undefined
  readonly ahead: boolean
  readonly storeOnly: boolean
  /** When it was asked for: milliseconds by the process's own clock. */
  readonly askedAt: number
  readonly waiters: Waiter[]
  /** Whoever wants to know when it is over. */
  arrival?: PromiseWithResolvers<{ readonly failure?: unknown }>
}

/**
 * Fetches pages: each at most once at a time, however many ask for it; neighbours together; what somebody waits for
 * before what may be needed later. A page is handed out as soon as its bytes are there, before the rest of its range.
 */
export class PageFetcher {
  readonly #options: PageFetcherOptions
  readonly #pending = new PendingPages()
  readonly #urgent: Job[] = []
  readonly #ahead: Job[] = []
  readonly #rate = new LineRate()
  #inFlight = 0
  #waiting = 0
  #waitedAt = 0

  constructor(options: PageFetcherOptions) {
    this.#options = options
    options.signal.addEventListener('abort', () => this.#abandon(options.signal.reason), { once: true })
  }

  /** How many wait for a page. */
  get waiting(): number {
    return this.#waiting
  }

  /** When somebody last waited for a page: milliseconds since the Unix epoch. */
  get waitedAt(): number {
    return this.#waiting > 0 ? this.#options.now() : this.#waitedAt
  }

  /** True when the page is at hand or on its way. */
  has({ pgno, location }: WantedPage): boolean {
    return this.#pending.get(location.file, pgno) !== undefined || this.#options.cache.has(location.file.cached, pgno)
  }

  /** When a page that is on its way was asked for (`performance.now()`). */
  askedAt({ pgno, location }: WantedPage): number | undefined {
    return this.#pending.get(location.file, pgno)?.askedAt
  }

  /** Have pages fetched that are neither at hand nor on their way. */
  start(wanted: readonly WantedPage[], options: StartOptions): void {
    const fresh = wanted.filter((page) => !this.has(page))
    if (fresh.length === 0) return
    const askedAt = performance.now()
    for (const { pgno, location } of fresh) {
      const { ahead, storeOnly = false } = options
      this.#pending.set(location.file, pgno, { job: undefined, ahead, storeOnly, askedAt, waiters: [] })
    }
    if (this.#options.store === undefined) this.#send(fresh, options)
    else void this.#fromStore(fresh, options.pageSize).then((missing) => this.#send(missing, options))
  }

  /**
   * One page, when it is there.
   *
   * @param wanted at hand, or asked for by `start`
   * @throws FileGone, StorageError, ReplicaError REPLICA_DAMAGED, REPLICA_BUDGET; the signal's reason: others who wait
   *   for the page still get it
   */
  async wait(wanted: WantedPage, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted()
    this.#options.signal.throwIfAborted()
    const { pgno, location } = wanted
    const pending = this.#pending.get(location.file, pgno)
    if (pending === undefined) {
      const page = this.#options.cache.get(location.file.cached, pgno)
      if (page === undefined) throw new RangeError(`Page ${pgno} was not asked for`)
      return page
    }
    if (pending.job) this.#hurry(pending.job)
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    pending.waiters.push({ resolve, reject })
    this.#waiting++
    try {
      return await orAborted(promise, signal)
    } finally {
      this.#waiting--
      this.#waitedAt = this.#options.now()
    }
  }

  /**
   * Resolves when a page has come, or will not: does not hurry it, and does not throw.
   * @returns why it did not come
   */
  async arrival({ pgno, location }: WantedPage): Promise<{ readonly failure?: unknown }> {
    const pending = this.#pending.get(location.file, pgno)
    if (pending === undefined) return {}
    pending.arrival ??= Promise.withResolvers<{ readonly failure?: unknown }>()
    return await pending.arrival.promise
  }

  /** Take what the store has. @returns the rest */
  async #fromStore(wanted: readonly WantedPage[], pageSize: number): Promise<readonly WantedPage[]> {
    const missing: WantedPage[] = []
    for (const [file, pages] of Map.groupBy(wanted, ({ location }) => location.file)) {
      const pgnos = pages.map(({ pgno }) => pgno)
      const found = await this.#options.store?.read(file.cacheKey, pgnos)
      for (const [i, page] of pages.entries()) {
        const bytes = found?.[i]
        if (bytes?.length === pageSize) this.#settle(page, bytes)
        else missing.push(page)
      }
    }
    return missing
  }

  #send(wanted: readonly WantedPage[], { pageSize, account }: StartOptions): void {
    if (this.#options.signal.aborted) this.#fail(wanted, this.#options.signal.reason)
    else {
      // What has to wait for its turn anyway may become part of fewer requests.
      const all = [...this.#takeBack(wanted, account), ...wanted]
      const { bytesPerMs } = this.#rate
      const limits = fetchLimits({ pages: all.length, maxInFlight: this.#options.limit.value, bytesPerMs })
      for (const range of planFetch(all, limits)) {
        const pending = range.pages.map(({ pgno, location }) => this.#pending.get(location.file, pgno))
        const urgent = pending.some((page) => page !== undefined && (!page.ahead || page.waiters.length > 0))
        const askedAt = Math.min(...pending.map((page) => page?.askedAt ?? Number.POSITIVE_INFINITY))
        const job: Job = { ...range, account, pageSize, urgent, askedAt, started: false }
        for (const page of pending) if (page) page.job = job
        ;(urgent ? this.#urgent : this.#ahead).push(job)
      }
      this.#ahead.sort((a, b) => a.askedAt - b.askedAt)
      this.#pump()
    }
  }

  /** Pages of jobs that have not been started, in the files of these pages. */
  #takeBack(wanted: readonly WantedPage[], account: Account): WantedPage[] {
    const files = new Set(wanted.map(({ location }) => location.file))
    const taken: WantedPage[] = []
    for (let i = this.#ahead.length - 1; i >= 0; i--) {
      const job = this.#ahead[i]!
      if (job.account !== account || !files.has(job.file)) continue
      taken.push(...job.pages)
      this.#ahead.splice(i, 1)
    }
    return taken
  }

  #hurry(job: Job): void {
    if (job.started || job.urgent) return
    job.urgent = true
    this.#ahead.splice(this.#ahead.indexOf(job), 1)
    this.#urgent.push(job)
    this.#pump()
  }

  #pump(): void {
    while (this.#inFlight < this.#options.limit.value) {
      const job = this.#urgent.shift() ?? this.#ahead.shift()
      if (job === undefined) return
      job.started = true
      this.#inFlight++
      void this.#run(job).finally(() => {
        this.#inFlight--
        this.#pump()
      })
    }
  }

  async #run(job: Job): Promise<void> {
    const { reader, store, signal, limit } = this.#options
    const { file, pages } = job
    const [sentAt, inFlight] = [performance.now(), this.#inFlight]
    let next = 0
    let received = 0
    const take = (bytes: Uint8Array, filled: number): void => {
      const now = performance.now()
      if (received === 0) limit.answered(now - sentAt, inFlight)
      this.#rate.received(filled - received, now, this.#inFlight)
      received = filled
      const decoded: StoredPage[] = []
      for (; next < pages.length; next++) {
        const { pgno, location } = pages[next]!
        const at = location.offset - job.offset
        if (at + location.size > filled) break
        const page = this.#decode(job, pages[next]!, bytes.subarray(at, at + location.size))
        if (page) decoded.push([pgno, page])
      }
      // Not when all has come: whoever waited for the last page may close everything before that.
      if (decoded.length > 0) store?.write(file.cacheKey, decoded)
    }
    try {
      const bytes = await reader.read(file.info, job, { account: job.account, signal, onBytes: take })
      if (next < pages.length) this.#fail(pages.slice(next), truncated(file, job.offset + bytes.length))
    } catch (error) {
      this.#fail(pages.slice(next), error)
    }
  }

  #decode(job: Job, wanted: WantedPage, frame: Uint8Array): Uint8Array | undefined {
    const { pgno, location } = wanted
    const { file, offset } = location
    try {
      const page = decodePageFrame(frame, job.pageSize, { key: file.key, offset })
      if (page.pgno !== pgno) throw otherPage(file, offset, pgno, page.pgno)
      this.#settle(wanted, page.data)
      return page.data
    } catch (error) {
      this.#fail([wanted], isLtxError(error) ? damaged(file, error, { pgno, offset }) : error)
      return undefined
    }
  }

  #settle({ pgno, location }: WantedPage, page: Uint8Array): void {
    const pending = this.#pending.take(location.file, pgno)
    const waiters = pending?.waiters ?? []
    const unasked = waiters.length === 0
    if (!(pending?.storeOnly && unasked)) {
      const ahead = pending?.ahead === true && unasked
      const kept = this.#options.cache.set(location.file.cached, pgno, page, { ahead })
      for (const waiter of waiters) waiter.resolve(kept)
    }
    pending?.arrival?.resolve({})
  }

  #fail(pages: readonly WantedPage[], error: unknown): void {
    for (const { pgno, location } of pages) {
      const pending = this.#pending.take(location.file, pgno)
      for (const waiter of pending?.waiters ?? []) waiter.reject(error)
      pending?.arrival?.resolve({ failure: error })
    }
  }

  #abandon(reason: unknown): void {
    for (const job of [...this.#urgent.splice(0), ...this.#ahead.splice(0)]) this.#fail(job.pages, reason)
  }
}

/** Pages on their way, by file and page number. */
class PendingPages {
  readonly #files = new Map<SourceFile, Map<number, Pending>>()

  get(file: SourceFile, pgno: number): Pending | undefined {
    return this.#files.get(file)?.get(pgno)
  }

  set(file: SourceFile, pgno: number, pending: Pending): void {
    const pages = this.#files.get(file)
    if (pages) pages.set(pgno, pending)
    else this.#files.set(file, new Map([[pgno, pending]]))
  }

  /** What was there, which is there no longer. */
  take(file: SourceFile, pgno: number): Pending | undefined {
    const pages = this.#files.get(file)
    const pending = pages?.get(pgno)
    pages?.delete(pgno)
    if (pages?.size === 0) this.#files.delete(file)
    return pending
  }
}

/** The error for a file whose bytes are not what they should be. */
export function damaged(file: { readonly key: string }, cause: Error, at: { pgno?: number; offset?: number } = {}) {
  return new ReplicaError('REPLICA_DAMAGED', `Cannot read ${file.key}: it is damaged (${cause.message})`, {
    at: { key: file.key, ...at },
    hint: 'Restore the file from a copy of the bucket, or take a new snapshot of the database.',
    cause,
  })
}

function truncated(file: SourceFile, end: number): ReplicaError {
  return damaged(file, new Error(`it ends at byte ${end} of the ${file.info.size} listed`), { offset: end })
}

function otherPage(file: SourceFile, offset: number, wanted: number, found: number): ReplicaError {
  return damaged(file, new Error(`page ${found} stands where its index has page ${wanted}`), { offset, pgno: wanted })
}
