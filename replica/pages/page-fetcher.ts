import { decodePageFrame, isLtxError } from '../../ltx/index.ts'
import type { PageCache, PageStore, StoredPage } from '../../pagecache/index.ts'
import type { Account } from '../core/account.ts'
import { damaged } from '../core/damaged.ts'
import type { ReplicaError } from '../core/errors.ts'
import { orAborted } from '../core/or-aborted.ts'
import type { RangeReader } from '../state/range-reader.ts'
import type { SourceFile } from '../state/source-file.ts'
import { chargeAll, type FetchJob, type SentJob, spanOf } from './fetch-job.ts'
import type { InFlightLimit } from './in-flight-limit.ts'
import { JobQueue } from './job-queue.ts'
import { LineRate } from './line-rate.ts'
import { type PendingPage, PendingPages, type Waiter } from './pending-page.ts'
import { fetchLimits, planFetch, type WantedPage } from './plan-fetch.ts'

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

export interface FetchOptions {
  readonly pageSize: number
  readonly account: Account
}

interface StartOptions extends FetchOptions {
  /** They are for the store alone, unless somebody comes to wait for them; and they are needed for sure. */
  readonly storeOnly?: boolean
}

/**
 * Fetches pages: each at most once at a time, however many ask for it; neighbours together; what somebody waits for
 * before what may be needed later. A page is handed out as soon as its bytes are there, before the rest of its range.
 * All who want a page pay for it, each for itself (`SharedRequest`): a request goes out as long as one of them can, and is
 * aborted when nobody wants it any more.
 */
export class PageFetcher {
  readonly #options: PageFetcherOptions
  readonly #pending = new PendingPages()
  readonly #queue = new JobQueue()
  readonly #running = new Set<FetchJob>()
  readonly #rate = new LineRate()
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

  /** When a page that is on its way was asked for (`performance.now()`). */
  askedAt(wanted: WantedPage): number | undefined {
    return this.#pending.get(wanted)?.askedAt
  }

  /** True when the page is at hand or on its way. */
  has(wanted: WantedPage): boolean {
    return this.#pending.get(wanted) !== undefined || this.#options.cache.has(wanted.location.file.cached, wanted.pgno)
  }

  /**
   * Have pages fetched that are neither at hand nor on their way, though nobody waits for them: they may take their time,
   * and nobody hears of a failure. What the account may not pay for is left out.
   */
  start(wanted: readonly WantedPage[], options: StartOptions): void {
    const { account, storeOnly = false } = options
    const fresh: PendingPage[] = []
    for (const page of wanted) {
      const pending = this.#pending.get(page)
      if (pending && storeOnly) this.#sponsor(pending, account)
      if (!this.has(page)) fresh.push(this.#expect(page, storeOnly, [account]))
    }
    if (fresh.length > 0) this.#begin(fresh, options)
  }

  /** The account does not need pages any more that it had fetched by `start`. */
  withdraw(wanted: readonly WantedPage[], account: Account): void {
    for (const page of wanted) {
      const pending = this.#pending.get(page)
      if (pending?.sponsors.delete(account)) this.#dropUnwanted(pending, new Error('It is not needed any more'))
    }
  }

  /**
   * One page, when it is there.
   *
   * @throws FileGone, StorageError, ReplicaError REPLICA_DAMAGED, REPLICA_BUDGET for this account; the signal's reason:
   *   others who wait for the page still get it
   */
  async fetch(wanted: WantedPage, options: FetchOptions, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted()
    this.#options.signal.throwIfAborted()
    const known = this.#pending.get(wanted)
    const page = known ? undefined : this.#options.cache.get(wanted.location.file.cached, wanted.pgno)
    if (page) return page
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    promise.catch(() => {}) // it is awaited below, unless the signal comes first
    const waiter: Waiter = { account: options.account, resolve, reject }
    const pending = known ?? this.#expect(wanted, false, [])
    pending.waiters.add(waiter)
    if (known) this.#join(pending, waiter)
    else this.#begin([pending], options)
    this.#waiting++
    try {
      return await orAborted(promise, signal)
    } finally {
      this.#waiting--
      this.#waitedAt = this.#options.now()
      pending.waiters.delete(waiter)
      this.#dropUnwanted(pending, signal?.reason)
    }
  }

  /**
   * Resolves when a page has come, or will not: does not hurry it, and does not throw.
   * @returns why it did not come
   */
  async arrival(wanted: WantedPage): Promise<{ readonly failure?: unknown }> {
    const pending = this.#pending.get(wanted)
    if (pending === undefined) return {}
    pending.arrival ??= Promise.withResolvers<{ readonly failure?: unknown }>()
    return await pending.arrival.promise
  }

  #expect(wanted: WantedPage, storeOnly: boolean, sponsors: readonly Account[]): PendingPage {
    const pending: PendingPage = {
      wanted,
      job: undefined,
      storeOnly,
      askedAt: performance.now(),
      waiters: new Set(),
      sponsors: new Set(sponsors),
    }
    this.#pending.add(pending)
    return pending
  }

  /** Somebody comes to wait for a page that is on its way. Of what has been sent it pays its part now. */
  #join(pending: PendingPage, waiter: Waiter): void {
    const { job } = pending
    if (job?.sent) {
      const refusal = job.sent.payers.join(waiter.account, spanOf([pending]))
      if (refusal) waiter.reject(refusal)
    } else if (job) {
      this.#queue.hurry(job)
      this.#pump()
    }
  }

  #sponsor(pending: PendingPage, account: Account): void {
    const refusal = pending.job?.sent?.payers.join(account, spanOf([pending]))
    if (refusal === undefined) pending.sponsors.add(account)
  }

  #begin(pages: readonly PendingPage[], options: FetchOptions): void {
    if (this.#options.store === undefined) this.#send(pages, options)
    else void this.#fromStore(pages, options).catch((error) => this.#fail(pages, error))
  }

  /** Take what the store has, and have the rest fetched. */
  async #fromStore(wanted: readonly PendingPage[], options: FetchOptions): Promise<void> {
    const missing: PendingPage[] = []
    for (const [file, pages] of Map.groupBy(wanted, (page) => page.wanted.location.file)) {
      const pgnos = pages.map((page) => page.wanted.pgno)
      const found = await this.#options.store?.read(file.cacheKey, pgnos)
      for (const [i, page] of pages.entries()) {
        const bytes = found?.[i]
        if (bytes?.length === options.pageSize) this.#settle(page.wanted, bytes)
        else missing.push(page)
      }
    }
    this.#send(missing, options)
  }

  #send(pages: readonly PendingPage[], { pageSize, account }: FetchOptions): void {
    if (this.#options.signal.aborted) this.#fail(pages, this.#options.signal.reason)
    else {
      // What has to wait for its turn anyway may become part of fewer requests.
      const files = new Set(pages.map((page) => page.wanted.location.file))
      const all = [...this.#queue.takeBack(account, files), ...pages].filter((page) => this.#pending.isWanted(page))
      const byPage = new Map(all.map((page) => [page.wanted, page]))
      const { bytesPerMs } = this.#rate
      const limits = fetchLimits({ pages: all.length, maxInFlight: this.#options.limit.value, bytesPerMs })
      const jobs = planFetch([...byPage.keys()], limits).map((range) => {
        const together = range.pages.map((page) => byPage.get(page)!)
        return newJob(range.file, together, { pageSize, account })
      })
      this.#queue.add(jobs)
      this.#pump()
    }
  }

  #pump(): void {
    while (this.#running.size < this.#options.limit.value) {
      const job = this.#queue.next()
      if (job === undefined) return
      const payers = chargeAll(job)
      for (const page of job.pages) this.#dropUnwanted(page, new Error('Nobody pays for it'))
      const pages = job.pages.filter((page) => this.#pending.isWanted(page))
      if (pages.length === 0) continue
      job.sent = { payers, controller: new AbortController() }
      void this.#run(job, job.sent, pages) // never rejects
    }
  }

  async #run(job: FetchJob, { payers, controller }: SentJob, pages: readonly PendingPage[]): Promise<void> {
    this.#running.add(job)
    const { reader, store, limit } = this.#options
    const { file } = job
    const { start, end } = spanOf(pages)
    const [sentAt, inFlight] = [performance.now(), this.#running.size]
    let next = 0
    let received = 0
    const take = (bytes: Uint8Array, filled: number): void => {
      const now = performance.now()
      if (received === 0) limit.answered(now - sentAt, inFlight)
      this.#rate.received(filled - received, now, this.#running.size)
      received = filled
      const decoded: StoredPage[] = []
      for (; next < pages.length; next++) {
        const { pgno, location } = pages[next]!.wanted
        const at = location.offset - start
        if (at + location.size > filled) break
        const page = this.#decode(job, pages[next]!, bytes.subarray(at, at + location.size))
        if (page) decoded.push([pgno, page])
      }
      // Not when all has come: whoever waited for the last page may close everything before that.
      if (decoded.length > 0) store?.write(file.cacheKey, decoded)
    }
    try {
      const range = { offset: start, size: end - start }
      const account = payers.sentFor(start)
      const bytes = await reader.read(file.info, range, { account, signal: controller.signal, onBytes: take })
      if (next < pages.length) this.#fail(pages.slice(next), truncated(file, start + bytes.length))
    } catch (error) {
      this.#fail(pages.slice(next), error)
    } finally {
      payers.end()
      this.#running.delete(job)
      this.#pump()
    }
  }

  #decode(job: FetchJob, pending: PendingPage, frame: Uint8Array): Uint8Array | undefined {
    const { pgno, location } = pending.wanted
    const { file, offset } = location
    try {
      const page = decodePageFrame(frame, job.pageSize, { key: file.key, offset })
      if (page.pgno !== pgno) throw otherPage(file, offset, pgno, page.pgno)
      this.#settle(pending.wanted, page.data)
      return page.data
    } catch (error) {
      this.#fail([pending], isLtxError(error) ? damaged(file, error, { pgno, offset }) : error)
      return undefined
    }
  }

  #settle(wanted: WantedPage, page: Uint8Array): void {
    const pending = this.#pending.take(wanted)
    const waiters = pending?.waiters ?? new Set()
    const unasked = waiters.size === 0
    if (!(pending?.storeOnly && unasked)) {
      const ahead = pending !== undefined && unasked
      const kept = this.#options.cache.set(wanted.location.file.cached, wanted.pgno, page, { ahead })
      for (const waiter of waiters) waiter.resolve(kept)
    }
    pending?.arrival?.resolve({})
  }

  #fail(pages: readonly PendingPage[], error: unknown): void {
    for (const pending of pages) {
      // One that was given up may have been asked for anew: that is another request's.
      if (this.#pending.get(pending.wanted) !== pending) continue
      this.#pending.take(pending.wanted)
      for (const waiter of pending.waiters) waiter.reject(error)
      pending.arrival?.resolve({ failure: error })
    }
  }

  /** A page that nobody wants any more is given up, and the request as well when it was for nothing else. */
  #dropUnwanted(pending: PendingPage, reason: unknown): void {
    if (this.#pending.get(pending.wanted) !== pending || this.#pending.isWanted(pending)) return
    this.#fail([pending], reason)
    const { job } = pending
    if (job?.sent && !job.pages.some((page) => this.#pending.isWanted(page))) job.sent.controller.abort(reason)
  }

  #abandon(reason: unknown): void {
    for (const job of this.#queue.takeAll()) this.#fail(job.pages, reason)
    for (const { sent } of this.#running) sent?.controller.abort(reason)
  }
}

function newJob(file: SourceFile, pages: readonly PendingPage[], options: FetchOptions): FetchJob {
  const urgent = pages.some(({ waiters }) => waiters.size > 0)
  const askedAt = Math.min(...pages.map((page) => page.askedAt))
  const { pageSize, account } = options
  const job: FetchJob = { file, pages, pageSize, planner: account, urgent, askedAt, sent: undefined }
  for (const page of pages) page.job = job
  return job
}

function truncated(file: SourceFile, end: number): ReplicaError {
  return damaged(file, new Error(`it ends at byte ${end} of the ${file.info.size} listed`), { offset: end })
}

function otherPage(file: SourceFile, offset: number, wanted: number, found: number): ReplicaError {
  return damaged(file, new Error(`page ${found} stands where its index has page ${wanted}`), { offset, pgno: wanted })
}
