import type { DatabaseState } from '../../replica/index.ts'
import type { PageReader } from '../connection/page-source.ts'
import type { Heap } from './heap.ts'
import { patchPageOne } from './page-one.ts'
import { SQLITE, SQLITE_IOERR_SHORT_READ } from './sqlite-codes.ts'

/** `readNow` for a page that is not at hand. */
const MISS = -1

/**
 * The one file that SQLite sees: the pages of whichever query is running.
 *
 * Whatever goes wrong with a page, SQLite is told SQLITE_INTERRUPT: every other code would end a transaction, or keep
 * half of a statement's rows (bridges.md 4). The failure itself waits in `failure` for the caller of the query.
 */
export class DatabaseFile {
  /** Pages that a read missed and did not wait for, since `begin`. With any of them, the call is void. */
  readonly missed = new Set<number>()
  /** Why a page could not be had, since `begin`. With it, the call is void. */
  failure: { readonly error: unknown } | undefined
  /** How often a read was waited for, ever. */
  waits = 0
  #source: PageReader | undefined
  #missing = 0
  #pageOne: { readonly state: DatabaseState; readonly page: Uint8Array } | undefined
  readonly #heap: Heap

  constructor(heap: Heap) {
    this.#heap = heap
  }

  /** From now on read from this source, with nothing missed and nothing failed. */
  begin(source: PageReader): void {
    this.#source = source
    this.missed.clear()
    this.failure = undefined
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

  /** Not 0 when whoever asked has had enough: the query is to stop then. */
  stopped(): number {
    const signal = this.#source?.signal
    if (!signal?.aborted) return 0
    this.failure ??= { error: signal.reason }
    return 1
  }

  /** Copy bytes to `target` in SQLite's memory. Never throws. @returns a result code, or -1 for a miss */
  readNow(target: number, length: number, offset: number): number {
    try {
      return this.#read(target, length, offset)
    } catch (error) {
      this.failure ??= { error } // an exception would unwind SQLite's frames, and leave its state half done
      return SQLITE.INTERRUPT
    }
  }

  #read(target: number, length: number, offset: number): number {
    const source = this.#source
    if (!source || this.failure) return SQLITE.INTERRUPT
    const { pageSize, commit } = source.state
    let done = 0
    while (done < length) {
      const pgno = Math.floor((offset + done) / pageSize) + 1
      const bytes = this.#heap.bytes
      if (pgno > commit) {
        bytes.fill(0, target + done, target + length)
        return SQLITE_IOERR_SHORT_READ
      }
      const page = this.#page(source, pgno)
      if (!page) {
        this.#missing = pgno
        return MISS
      }
      const from = offset + done - (pgno - 1) * pageSize
      const part = Math.min(length - done, pageSize - from)
      bytes.set(part === pageSize ? page : page.subarray(from, from + part), target + done)
      done += part
    }
    return SQLITE.OK
  }

  #page(source: PageReader, pgno: number): Uint8Array | undefined {
    if (pgno > 1) return source.get(pgno)
    if (this.#pageOne?.state.txid === source.state.txid && this.#pageOne.state.commit === source.state.commit) {
      return this.#pageOne.page
    }
    const page = source.get(1)
    if (!page) return undefined
    this.#pageOne = { state: source.state, page: patchPageOne(page, source.state) }
    return this.#pageOne.page
  }

  /** Bridge `fault`: note the miss that `readNow` just met. @returns a result code */
  noteMiss(): number {
    this.missed.add(this.#missing)
    return SQLITE.INTERRUPT
  }

  /** Bridge `jspi`: fetch what `readNow` misses, and read. Never rejects. @returns a result code */
  async readLater(target: number, length: number, offset: number): Promise<number> {
    const source = this.#source
    this.waits += 1
    try {
      for (;;) {
        const result = this.readNow(target, length, offset)
        if (result !== MISS || !source) return result
        await source.hold([this.#missing])
      }
    } catch (error) {
      this.failure ??= { error }
      return SQLITE.INTERRUPT
    } finally {
      source?.release()
    }
  }
}
