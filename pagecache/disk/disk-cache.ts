import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import type { MaybePage, PageStore, StoredPage } from '../page-store.ts'
import { CacheDatabase } from './cache-database.ts'
import { CacheFolder } from './cache-folder.ts'
import { DiskCacheProblem, type DiskCacheProblemCode, problemCode } from './problem.ts'
import { type QueuedWrite, WriteQueue } from './write-queue.ts'

/** Room on disk when the caller names none. */
export const DEFAULT_DISK_BYTES = 1024 * 1024 * 1024
/** Bytes that wait to be written; more come in only when the disk is slower than the network. */
const QUEUE_BYTES = 32 * 1024 * 1024
/** One transaction: some milliseconds, in which nobody waits for the thread. */
const BATCH_ITEMS = 256
const BATCH_BYTES = 1024 * 1024
/** Another process writes: wait this long, so often, then drop the batch. */
const BUSY_WAIT_MS = 20
const BUSY_ATTEMPTS = 10
/** Writes between two looks at whether the file is still there. */
const BATCHES_PER_LOOK = 16

type DatabaseSyncClass = typeof import('node:sqlite').DatabaseSync

export interface DiskCacheOptions {
  /** The cache's folder; made when it is not there. Several processes may use one. */
  readonly path: string
  /** Most bytes on disk, roughly. Default 1 GiB. */
  readonly maxBytes?: number
  /** Told of trouble, once for each kind. Reads go on without the cache. */
  readonly onProblem?: (problem: DiskCacheProblem) => void
}

export interface DiskCacheStats {
  /** Pages asked for that were there, and that were not. */
  readonly hits: number
  readonly misses: number
  /** Pages and blobs written, and dropped. */
  readonly written: number
  readonly dropped: number
}

interface Open {
  readonly database: CacheDatabase
  readonly generation: number
  readonly identity: string | undefined
}

/**
 * Pages of immutable files on disk: they survive the process, several processes share them. It is a cache, so its
 * troubles are misses and dropped writes, never errors.
 */
export class DiskCache implements PageStore {
  readonly #folder: CacheFolder
  readonly #maxBytes: number
  readonly #onProblem: (problem: DiskCacheProblem) => void
  readonly #DatabaseSync: DatabaseSyncClass | undefined
  readonly #queue = new WriteQueue(QUEUE_BYTES)
  readonly #told = new Set<DiskCacheProblemCode>()
  readonly #stats = { hits: 0, misses: 0, written: 0, dropped: 0 }
  #open: Open | undefined
  #writing: Promise<void> | undefined
  #batches = 0
  #closed = false

  /** Open the cache; what cannot be opened is a cache that keeps nothing. Never rejects. */
  static async open(options: DiskCacheOptions): Promise<DiskCache> {
    let DatabaseSync: DatabaseSyncClass | undefined
    let failure: unknown
    try {
      DatabaseSync = (await import('node:sqlite')).DatabaseSync
    } catch (error) {
      failure = error
    }
    const cache = new DiskCache(options, DatabaseSync)
    if (failure !== undefined) cache.#tell('DISK_CACHE_UNAVAILABLE', failure)
    else cache.#begin()
    return cache
  }

  private constructor(options: DiskCacheOptions, DatabaseSync: DatabaseSyncClass | undefined) {
    this.#folder = new CacheFolder(resolve(options.path))
    this.#maxBytes = options.maxBytes ?? DEFAULT_DISK_BYTES
    this.#onProblem = options.onProblem ?? (() => {})
    this.#DatabaseSync = DatabaseSync
  }

  read(file: string, pgnos: readonly number[]): MaybePage[] {
    const pages = this.#try((database) => database.read(file, pgnos)) ?? pgnos.map(() => undefined)
    for (const page of pages) this.#stats[page ? 'hits' : 'misses']++
    return pages
  }

  write(file: string, pages: Iterable<StoredPage>): void {
    for (const [pgno, bytes] of pages) this.#push({ kind: 'page', file, pgno, bytes })
  }

  readBlob(name: string): MaybePage {
    return this.#try((database) => database.readBlob(name))
  }

  writeBlob(name: string, bytes: Uint8Array): void {
    this.#push({ kind: 'blob', name, bytes })
  }

  async flush(): Promise<void> {
    while (this.#writing) await this.#writing
  }

  async close(): Promise<void> {
    await this.flush()
    this.#closed = true
    this.#letGo()
  }

  /** A fresh copy of the counts. */
  stats(): DiskCacheStats {
    return { ...this.#stats }
  }

  #push(item: QueuedWrite): void {
    if (this.#closed || this.#open === undefined) {
      this.#stats.dropped++
      return
    }
    this.#stats.dropped += this.#queue.push(item).dropped
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined
    })
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      await nextTurn() // whoever waits for the thread goes first
      const batch = this.#queue.take(BATCH_ITEMS, BATCH_BYTES)
      const written = await this.#writeBatch(batch)
      this.#stats[written ? 'written' : 'dropped'] += batch.length
    }
  }

  async #writeBatch(batch: readonly QueuedWrite[]): Promise<boolean> {
    if (this.#batches++ % BATCHES_PER_LOOK === 0) this.#look()
    for (let attempt = 1; this.#open !== undefined; attempt++) {
      try {
        this.#open.database.write(batch)
        return true
      } catch (error) {
        const code = problemCode(error)
        if (code !== 'DISK_CACHE_BUSY' || attempt === BUSY_ATTEMPTS) {
          this.#handle(code, error)
          return false
        }
      }
      await pause(BUSY_WAIT_MS)
    }
    return false
  }

  #try<T>(use: (database: CacheDatabase) => T): T | undefined {
    if (this.#open === undefined) return undefined
    try {
      return use(this.#open.database)
    } catch (error) {
      this.#handle(problemCode(error), error)
      return undefined
    }
  }

  #handle(code: DiskCacheProblemCode, error: unknown): void {
    this.#tell(code, error)
    if (code !== 'DISK_CACHE_DAMAGED' || this.#open === undefined) return
    const { generation } = this.#open
    this.#letGo()
    this.#begin(generation + 1)
  }

  /** Somebody else may have begun anew: then what is written here would be lost. */
  #look(): void {
    if (this.#open === undefined) return
    const { generation, identity } = this.#open
    try {
      if (this.#folder.newest() <= generation && this.#folder.identity(generation) === identity) return
    } catch {
      return // a folder that cannot be read now
    }
    this.#letGo()
    this.#begin()
  }

  /**
   * Open the newest generation, or make one.
   * @param atLeast generations below it are given up
   */
  #begin(atLeast = 1): void {
    if (this.#DatabaseSync === undefined) return
    try {
      mkdirSync(this.#folder.path, { recursive: true })
      for (let generation = Math.max(atLeast, this.#folder.newest()); ; generation++) {
        const opened = this.#tryOpen(generation)
        if (opened === undefined) continue
        this.#open = opened
        this.#folder.removeBefore(generation)
        return
      }
    } catch (error) {
      this.#tell('DISK_CACHE_UNAVAILABLE', error)
    }
  }

  /** @returns undefined for a damaged file: the next generation takes its place */
  #tryOpen(generation: number): Open | undefined {
    const db = new this.#DatabaseSync!(this.#folder.fileOf(generation))
    try {
      const database = new CacheDatabase(db, this.#maxBytes, () => this.#tell('DISK_CACHE_DAMAGED', DAMAGED_ROW))
      return { database, generation, identity: this.#folder.identity(generation) }
    } catch (error) {
      db.close()
      if (problemCode(error) !== 'DISK_CACHE_DAMAGED') throw error
      this.#tell('DISK_CACHE_DAMAGED', error)
      return undefined
    }
  }

  #letGo(): void {
    try {
      this.#open?.database.close()
    } catch {
      // It is not used again, whatever is wrong with it.
    }
    this.#open = undefined
  }

  #tell(code: DiskCacheProblemCode, cause: unknown): void {
    if (this.#told.has(code)) return
    this.#told.add(code)
    this.#onProblem(new DiskCacheProblem(code, this.#folder.path, cause))
  }
}

const DAMAGED_ROW = new Error('a row does not match its checksum')

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
