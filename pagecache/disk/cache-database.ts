import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { MaybePage } from '../page-store.ts'
import { DamagedCache, UnfitCache } from './problem.ts'
import { blobSum, pageSum, type RowFile, rowFile } from './row-sum.ts'
import { prepareSchema } from './schema.ts'
import type { QueuedWrite } from './write-queue.ts'

/** Pages read since the last write whose stamps wait. More are not remembered: the order is approximate anyway. */
const MOST_STAMPS = 4096
/** Calls of `read` between two looks at how far others have written. */
const READS_PER_CLOCK = 64

/**
 * One open database of pages and blobs, with other processes on the same file. Synchronous; throws SQLite's errors,
 * DamagedCache and, when it is opened, UnfitCache; `problemCode` knows them all.
 */
export class CacheDatabase {
  readonly #db: DatabaseSync
  readonly #maxBytes: number
  readonly #onDamagedRow: () => void
  readonly #sql: ReturnType<typeof prepareStatements>
  /** Ids of pages to be stamped as used. */
  readonly #stamps = new Set<number>()
  /** The highest id of a page seen lately. */
  #clock = 0
  #reads = 0

  /** @param onDamagedRow told of each row that was not what it should be; it has been read as a miss */
  constructor(db: DatabaseSync, maxBytes: number, onDamagedRow: () => void) {
    this.#db = db
    this.#maxBytes = maxBytes
    this.#onDamagedRow = onDamagedRow
    prepareSchema(db)
    this.#sql = prepareStatements(db)
    // A smaller limit than last time. SQLite files do not shrink by themselves; a little above it eviction will do.
    if (count(this.#sql.pageCount) * 4096 > maxBytes * 1.25) throw new UnfitCache(`it is larger than ${maxBytes}`)
  }

  /** Whether reads have left something to write. */
  get hasStamps(): boolean {
    return this.#stamps.size > 0
  }

  /** One for each pgno, in order: bytes of its own, or undefined. */
  read(key: string, pgnos: readonly number[]): MaybePage[] {
    if (this.#reads++ % READS_PER_CLOCK === 0) this.#clock = count(this.#sql.clock)
    const file = rowFile(key)
    if (pgnos.length === 1) return [this.#readPage(file, pgnos[0]!)]
    return this.#transact('BEGIN', () => pgnos.map((pgno) => this.#readPage(file, pgno)))
  }

  readBlob(name: string): MaybePage {
    const row = this.#row(() => this.#sql.blob.get(name))
    if (row === undefined) return undefined
    if (row.bytes instanceof Uint8Array && row.sum === blobSum(name, row.bytes)) return row.bytes
    this.#onDamagedRow()
    return undefined
  }

  /** Write all of it and the stamps, and evict as much as that takes, in one transaction. */
  write(items: readonly QueuedWrite[]): void {
    this.#transact('BEGIN IMMEDIATE', () => {
      this.#clock = count(this.#sql.clock)
      for (const id of this.#stamps) this.#sql.stamp.run(this.#clock, id)
      this.#stamps.clear() // whatever comes of it: they are not worth another try
      for (const item of items) {
        if (item.kind === 'page') this.#writePage(item.file, item.pgno, item.bytes)
        else this.#writeBlob(item.name, item.bytes)
      }
      this.#evict()
    })
  }

  close(): void {
    this.#db.close()
  }

  #readPage(file: RowFile, pgno: number): MaybePage {
    const row = this.#row(() => this.#sql.page.get(file.id, pgno))
    if (row === undefined) return undefined
    const { id, used, sum, bytes } = row
    if (!(bytes instanceof Uint8Array) || sum !== pageSum(file, pgno, bytes)) {
      this.#onDamagedRow()
      return undefined
    }
    // Worth a write only when an eighth of what fits has been written since: so a hot page costs few.
    const age = this.#clock - Number(used)
    if (age * bytes.length * 8 > this.#maxBytes && this.#stamps.size < MOST_STAMPS) this.#stamps.add(Number(id))
    return bytes
  }

  /** A row; one whose numbers JavaScript cannot hold is damaged, and no more than that. */
  #row(get: () => Record<string, unknown> | undefined): Record<string, unknown> | undefined {
    try {
      return get()
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_OUT_OF_RANGE') throw error
      this.#onDamagedRow()
      return undefined
    }
  }

  #writePage(key: string, pgno: number, bytes: Uint8Array): void {
    const file = rowFile(key)
    this.#sql.putPage.run(file.id, pgno, this.#clock, pageSum(file, pgno, bytes), bytes)
  }

  /** Blobs are few: they may take a quarter, and those written longest ago make room. */
  #writeBlob(name: string, bytes: Uint8Array): void {
    const most = this.#maxBytes / 4
    if (bytes.length > most) {
      this.#sql.dropBlob.run(name) // what is there has been replaced, and could only mislead
      return
    }
    this.#sql.putBlob.run(name, blobSum(name, bytes), bytes)
    while (count(this.#sql.blobBytes) > most) if (this.#sql.evictBlob.run().changes === 0) throw new DamagedCache(STUCK)
  }

  /** Down to the limit, by what the file really uses, so nothing has to be counted and nothing can drift. */
  #evict(): void {
    for (;;) {
      const free = count(this.#sql.freeCount)
      const used = count(this.#sql.pageCount) - free
      if (used < 0) throw new DamagedCache(STUCK)
      const excess = used * 4096 - this.#maxBytes
      if (excess <= 0) return
      // Rows are of unknown size: half of what they would be at 4 KiB, and look again.
      const rows = Math.ceil(excess / 8192)
      if (this.#sql.evictPages.run(rows).changes === 0 && this.#sql.evictBlob.run().changes === 0) {
        throw new DamagedCache(STUCK)
      }
    }
  }

  #transact<T>(begin: 'BEGIN' | 'BEGIN IMMEDIATE', body: () => T): T {
    this.#db.exec(begin)
    try {
      const result = body()
      this.#db.exec('COMMIT')
      return result
    } catch (error) {
      try {
        this.#db.exec('ROLLBACK')
      } catch {
        // SQLite has rolled back by itself; the first error says why.
      }
      throw error
    }
  }
}

const STUCK = 'its tables and its size do not agree'

function prepareStatements(db: DatabaseSync) {
  return {
    page: db.prepare('SELECT id, used, sum, bytes FROM page WHERE file = ? AND pgno = ?'),
    blob: db.prepare('SELECT sum, bytes FROM blob WHERE name = ?'),
    clock: db.prepare('SELECT ifnull(max(id), 0) AS n FROM page'),
    stamp: db.prepare('UPDATE page SET used = ? WHERE id = ?'),
    // OR REPLACE: what is there is the same page, or damaged.
    putPage: db.prepare('INSERT OR REPLACE INTO page (file, pgno, used, sum, bytes) VALUES (?, ?, ?, ?, ?)'),
    putBlob: db.prepare('INSERT OR REPLACE INTO blob (name, sum, bytes) VALUES (?, ?, ?)'),
    dropBlob: db.prepare('DELETE FROM blob WHERE name = ?'),
    blobBytes: db.prepare('SELECT ifnull(sum(length(bytes)), 0) AS n FROM blob'),
    evictPages: db.prepare('DELETE FROM page WHERE id IN (SELECT id FROM page ORDER BY used, id LIMIT ?)'),
    evictBlob: db.prepare('DELETE FROM blob WHERE id = (SELECT min(id) FROM blob)'),
    pageCount: db.prepare('SELECT page_count AS n FROM pragma_page_count'),
    freeCount: db.prepare('SELECT freelist_count AS n FROM pragma_freelist_count'),
  }
}

function count(statement: StatementSync): number {
  return Number(statement.get()?.n)
}
