import type { Pgno } from '../../ltx/index.ts'
import type { DatabaseState } from '../../replica/index.ts'
import type { Heap } from './heap.ts'
import { patchPageOne } from './page-one.ts'
import type { PageReader } from './page-reader.ts'
import { SQLITE, SQLITE_IOERR_SHORT_READ } from './sqlite-codes.ts'

/** `readNow` for a page that is not at hand. */
export const MISS = -1

/** The name of the only file there is. */
export const DATABASE_NAME = 'replica.db'

/**
 * The one file that SQLite sees: the pages of whichever query is running. The border guards its methods: whatever goes
 * wrong with a page, SQLite is told SQLITE_INTERRUPT, because every other code would end a transaction, or keep half of a
 * statement's rows (bridges 4).
 */
export class DatabaseFile {
  /** How often a read was waited for, ever. */
  waits = 0
  /** Told of each page that is read, while it is set. */
  onRead: ((pgno: Pgno) => void) | undefined
  #source: PageReader | undefined
  #missing = 0
  #pageOne: { readonly state: DatabaseState; readonly page: Uint8Array } | undefined
  /** How many states SQLite has been shown: the change counter that it sees. */
  #generation = 0
  #isOpen = false
  readonly #heap: Heap

  constructor(heap: Heap) {
    this.#heap = heap
  }

  /** From now on read from this source. */
  begin(source: PageReader): void {
    if (this.#source?.state !== source.state) this.#generation += 1
    this.#source = source
  }

  /** One file, once: ATTACH finds nothing else. @param name address of the file's name. @returns a result code */
  open(name: number): number {
    if (this.#isOpen || this.#heap.cString(name) !== DATABASE_NAME) return SQLITE.CANTOPEN
    this.#isOpen = true
    return SQLITE.OK
  }

  close(): void {
    this.#isOpen = false
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Bytes. */
  size(): number {
    const state = this.#source?.state
    return state ? state.commit * state.pageSize : 0
  }

  /** Milliseconds since the Unix epoch: the time of the query. */
  now(): number {
    return this.#source?.now ?? 0
  }

  /** @throws the reason when the query was aborted: it is to stop then */
  throwIfStopped(): void {
    this.#source?.signal?.throwIfAborted()
  }

  /** Copy bytes to `target` in SQLite's memory. @returns a result code, or MISS */
  readNow(target: number, length: number, offset: number): number {
    const source = this.#source
    if (!source) return SQLITE.INTERRUPT
    const { pageSize, commit } = source.state
    let done = 0
    while (done < length) {
      const pgno = Math.floor((offset + done) / pageSize) + 1
      if (pgno > commit) {
        this.#heap.bytes.fill(0, target + done, target + length)
        return SQLITE_IOERR_SHORT_READ
      }
      const page = this.#page(source, pgno)
      if (!page) {
        this.#missing = pgno
        return MISS
      }
      const from = offset + done - (pgno - 1) * pageSize
      const part = Math.min(length - done, pageSize - from)
      this.#heap.bytes.set(part === pageSize ? page : page.subarray(from, from + part), target + done)
      done += part
    }
    return SQLITE.OK
  }

  /** Fetch what `readNow` misses, and read. @returns a result code. @throws what fetching throws */
  async readLater(target: number, length: number, offset: number): Promise<number> {
    const source = this.#source
    this.waits += 1
    try {
      for (;;) {
        const result = this.readNow(target, length, offset)
        if (result !== MISS || !source) return result
        await source.hold([this.#missing])
      }
    } finally {
      source?.release()
    }
  }

  #page(source: PageReader, pgno: Pgno): Uint8Array | undefined {
    this.onRead?.(pgno)
    if (pgno > 1) return source.get(pgno)
    if (this.#pageOne?.state === source.state) return this.#pageOne.page
    const page = source.get(1)
    if (!page) return undefined
    this.#pageOne = { state: source.state, page: patchPageOne(page, source.state, this.#generation) }
    return this.#pageOne.page
  }
}
