import { setImmediate as nextTurn } from 'node:timers/promises'
import type { MaybePage, PageStore, PageStoreStats, StoredPage } from '../page-store.ts'
import { LiveDatabase } from './live-database.ts'
import type { DiskCacheProblem } from './problem.ts'
import { type QueuedWrite, WriteQueue } from './write-queue.ts'

/** Room on disk, in bytes, when the caller names none. */
export const DEFAULT_DISK_BYTES = 1024 * 1024 * 1024
/** Below it the tables themselves would be most of it. */
const LEAST_DISK_BYTES = 1024 * 1024
const DEFAULT_QUEUED_BYTES = 16 * 1024 * 1024
/** A transaction holds up the event loop: 128 pages of 4 KiB for 2 to 3 ms, 9 when SQLite moves its WAL (measured). */
const BATCH_ITEMS = 128
const BATCH_BYTES = 1024 * 1024
const FLUSH_DELAY_MS = 20

export interface DiskCacheOptions {
  /** A folder for this cache alone, created when needed. Any number of processes may use it, best with one limit. */
  readonly path: string
  /**
   * Most bytes of the database file in use, at least 1 MiB. Default 1 GiB. On top come the room for one transaction
   * (1 MiB, or a blob) and SQLite's WAL: some MiB, or a blob.
   */
  readonly maxBytes?: number
  /** Most bytes that wait to be written; beyond them the oldest are dropped. Default 16 MiB. */
  readonly maxQueuedBytes?: number
  /** Told of each kind of problem once, in a turn of its own. Nothing has to be done about it. */
  readonly onProblem?: (problem: DiskCacheProblem) => void
}

export interface DiskCacheStats extends PageStoreStats {
  readonly problem: DiskCacheProblem | undefined
}

/**
 * Pages on disk, in one SQLite database: they survive restarts and are shared by processes. Reads are synchronous;
 * writes are queued and done in short transactions off the caller's path. Whatever is wrong with it is a miss, or a
 * write dropped, and said once to `onProblem`.
 */
export class DiskCache implements PageStore {
  readonly #database: LiveDatabase
  readonly #queue: WriteQueue
  readonly #stats = { hits: 0, misses: 0, written: 0, dropped: 0 }
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> | undefined

  private constructor(database: LiveDatabase, queue: WriteQueue) {
    this.#database = database
    this.#queue = queue
  }

  /**
   * Open the cache in a folder. Where that is impossible (read-only, not a folder, no node:sqlite) the result is a
   * cache that has nothing and keeps nothing.
   *
   * @throws RangeError only: `maxBytes` is not a number of bytes, or below 1 MiB
   */
  static async open(options: DiskCacheOptions): Promise<DiskCache> {
    const { path, maxBytes = DEFAULT_DISK_BYTES, maxQueuedBytes = DEFAULT_QUEUED_BYTES, onProblem } = options
    if (!Number.isSafeInteger(maxBytes) || maxBytes < LEAST_DISK_BYTES) {
      throw new RangeError(`Cannot cache pages on disk in ${maxBytes} bytes: it must be at least ${LEAST_DISK_BYTES}`)
    }
    const database = new LiveDatabase({ path, maxBytes, onProblem })
    await database.open()
    return new DiskCache(database, new WriteQueue(maxQueuedBytes))
  }

  /** Synchronous, about 10 us a page (12 to 17 for one alone, a miss 4); see `PageStore.read`. */
  read(file: string, pgnos: readonly number[]): MaybePage[] {
    const pages = this.#database.read((database) => database.read(file, pgnos)) ?? pgnos.map(() => undefined)
    for (const page of pages) this.#stats[page === undefined ? 'misses' : 'hits']++
    if (this.#database.needsWrite) this.#schedule()
    return pages
  }

  write(file: string, pages: Iterable<StoredPage>): void {
    for (const [pgno, bytes] of pages) this.#enqueue({ kind: 'page', file, pgno, bytes })
  }

  /** Synchronous. */
  readBlob(name: string): MaybePage {
    return this.#database.read((database) => database.readBlob(name))
  }

  /** A blob of more than a quarter of `maxBytes` is not kept. */
  writeBlob(name: string, bytes: Uint8Array): void {
    this.#enqueue({ kind: 'blob', name, bytes })
  }

  async flush(): Promise<void> {
    do {
      this.#flushing ??= this.#drain().finally(() => {
        this.#flushing = undefined
      })
      await this.#flushing
    } while (this.#queue.length > 0)
  }

  async close(): Promise<void> {
    await this.flush()
    this.#database.close()
  }

  /** A fresh copy of the counts of this process. */
  stats(): DiskCacheStats {
    const { damagedRows, usable, problem } = this.#database
    return { ...this.#stats, damaged: damagedRows, usable, problem }
  }

  #enqueue(item: QueuedWrite): void {
    this.#stats.dropped += this.#database.usable ? this.#queue.push(item).dropped : 1
    this.#schedule()
  }

  #schedule(): void {
    if (!this.#database.usable || this.#timer !== undefined) return
    this.#timer = setTimeout(() => void this.flush(), FLUSH_DELAY_MS)
    this.#timer.unref() // a cache keeps no process alive
  }

  async #drain(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    do {
      const batch = this.#queue.take(BATCH_ITEMS, BATCH_BYTES)
      if (batch.length > 0 || this.#database.needsWrite) {
        const written = await this.#database.write((database) => database.write(batch))
        this.#stats[written ? 'written' : 'dropped'] += batch.length
      }
      if (this.#queue.length > 0) await nextTurn()
    } while (this.#queue.length > 0)
  }
}
