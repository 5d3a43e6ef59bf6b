import { setTimeout as sleep } from 'node:timers/promises'
import type { CacheDatabase } from './cache-database.ts'
import { CacheFolder } from './cache-folder.ts'
import { type OpenedCache, openCache, type Sqlite } from './open-cache.ts'
import { DamagedCache, DiskCacheProblem, type DiskCacheProblemCode, problemCode } from './problem.ts'

/** 10 + 20 + ... + 160 ms of waiting for another process; after that it is not worth it. */
const BUSY_ATTEMPTS = 6
/** Damaged files that one process replaces before it goes without. */
const MOST_RESTARTS = 3

export interface LiveDatabaseOptions {
  /** The folder. */
  readonly path: string
  readonly maxBytes: number
  readonly onProblem: ((problem: DiskCacheProblem) => void) | undefined
}

/**
 * The database of a folder through all that may happen to it: damaged, removed, replaced by another process. No method
 * throws; each problem is told once.
 */
export class LiveDatabase {
  readonly #options: LiveDatabaseOptions
  readonly #folder: CacheFolder
  readonly #reported = new Set<DiskCacheProblemCode>()
  /** Undefined before `open`, when it has been given up, and after `close`. */
  #sqlite: Sqlite | undefined
  /** Undefined also from the moment the file is found damaged until the next `write`. */
  #opened: OpenedCache | undefined
  /** Generations below are damaged. */
  #atLeast = 0
  #restarts = 0
  #damagedRows = 0
  #problem: DiskCacheProblem | undefined

  constructor(options: LiveDatabaseOptions) {
    this.#options = options
    this.#folder = new CacheFolder(options.path)
  }

  async open(): Promise<void> {
    try {
      this.#sqlite = await import('node:sqlite')
      await this.#patiently(() => this.#current())
    } catch (error) {
      this.#giveUp(error)
    }
  }

  /** False when nothing will ever be kept again. */
  get usable(): boolean {
    return this.#sqlite !== undefined
  }

  /** Whether a `write` is due: reads have left stamps, or the file has to be begun anew. */
  get needsWrite(): boolean {
    return this.usable && (this.#opened === undefined || this.#opened.database.hasStamps)
  }

  /** The newest one. */
  get problem(): DiskCacheProblem | undefined {
    return this.#problem
  }

  get damagedRows(): number {
    return this.#damagedRows
  }

  /** What `call` gives, or undefined when it cannot. */
  read<T>(call: (database: CacheDatabase) => T): T | undefined {
    if (this.#opened === undefined) return undefined
    try {
      return call(this.#opened.database)
    } catch (error) {
      this.#trouble(error)
      return undefined
    }
  }

  /** Run `call`, a few times when others hold the lock, on a file that is still in its place. False when it cannot. */
  async write(call: (database: CacheDatabase) => void): Promise<boolean> {
    try {
      return await this.#patiently(() => {
        const database = this.#current()
        if (database !== undefined) call(database)
        return database !== undefined
      })
    } catch (error) {
      this.#trouble(error)
      return false
    }
  }

  close(): void {
    this.#sqlite = undefined
    this.#leave()
  }

  /** The database; opened anew where it was damaged, or where somebody has removed or replaced its file. */
  #current(): CacheDatabase | undefined {
    if (this.#sqlite === undefined) return undefined
    if (this.#opened && !this.#isNewest(this.#opened)) this.#leave()
    this.#opened ??= openCache(this.#sqlite, this.#folder, {
      maxBytes: this.#options.maxBytes,
      atLeast: this.#atLeast,
      onDamagedFile: (error) => this.#report('DISK_CACHE_DAMAGED', error),
      onDamagedRow: () => {
        this.#damagedRows++
        this.#report('DISK_CACHE_DAMAGED', new DamagedCache('an entry does not match its checksum'))
      },
    })
    return this.#opened.database
  }

  #isNewest({ generation, identity }: OpenedCache): boolean {
    // The second where a file in use cannot be unlinked (Windows).
    return this.#folder.identity(generation) === identity && this.#folder.newest() === generation
  }

  async #patiently<T>(call: () => T): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return call()
      } catch (error) {
        if (problemCode(error) !== 'DISK_CACHE_BUSY' || attempt === BUSY_ATTEMPTS) throw error
      }
      await sleep(5 * 2 ** attempt)
    }
  }

  #trouble(error: unknown): void {
    const code = problemCode(error)
    this.#report(code, error)
    if (code !== 'DISK_CACHE_DAMAGED') return
    if (this.#opened) this.#atLeast = this.#opened.generation + 1
    this.#leave()
    if (++this.#restarts > MOST_RESTARTS) this.#giveUp(error)
  }

  #giveUp(error: unknown): void {
    this.#report('DISK_CACHE_UNAVAILABLE', error)
    this.close()
  }

  #leave(): void {
    try {
      this.#opened?.database.close()
    } catch {
      // It is left because something is wrong with it.
    }
    this.#opened = undefined
  }

  #report(code: DiskCacheProblemCode, cause: unknown): void {
    const { onProblem, path } = this.#options
    const problem = new DiskCacheProblem(code, path, cause)
    this.#problem = problem
    if (onProblem === undefined || this.#reported.has(code)) return
    this.#reported.add(code)
    // In a turn of its own: what it throws is not the reader's.
    queueMicrotask(() => onProblem(problem))
  }
}
