import { sameSalts, WAL_FRAME_HEADER_SIZE, type WalSalts, walFrameSize } from './wal.ts'
import { readFully, type WalFile } from './wal-file.ts'

const BATCH_BYTES = 256 * 1024

/** The memory of one reader at a time: a batch of pages, and of WAL frames. */
export class PageBuffers {
  readonly pageSize: number
  /** How many pages a batch has. */
  readonly pages: number
  readonly batch: Uint8Array
  readonly scratch: Uint8Array

  /** @param wanted how many pages are to be read; a batch needs no more, and has no more than 256 KiB */
  constructor(pageSize: number, wanted: number) {
    const pages = PageBuffers.#batchPages(pageSize, wanted)
    this.pageSize = pageSize
    this.pages = pages
    this.batch = new Uint8Array(pages * pageSize)
    this.scratch = new Uint8Array(pages * walFrameSize(pageSize))
  }

  /** Whether they are as good as new ones for reading so many pages. */
  suffice(wanted: number): boolean {
    return this.pages >= PageBuffers.#batchPages(this.pageSize, wanted)
  }

  static #batchPages(pageSize: number, wanted: number): number {
    return Math.max(1, Math.min(2 ** Math.ceil(Math.log2(wanted)), Math.floor(BATCH_BYTES / pageSize)))
  }
}

export interface PageReaderOptions {
  readonly buffers: PageBuffers
  /** A descriptor on the database file, kept open by its owner. */
  readonly databaseFd: number
  readonly wal: WalFile
  readonly salts: WalSalts
  /** Byte offset in the WAL of each page's newest frame; every other page is in the database file. */
  readonly frames: ReadonlyMap<number, number>
}

export interface DatabasePage {
  readonly pgno: number
  /** A view that is valid until the next page is asked for. */
  readonly data: Uint8Array
}

/**
 * The pages of one state of a live database, from its WAL and its file, read in batches.
 *
 * Must run under the pinned read transaction. What that guarantees: no frame behind the pin is checkpointed, so pages
 * that are not in `frames` do not change in the file. One thing can still happen, when everything was checkpointed
 * before the pin: the WAL restarts and overwrites our frames, once. SQLite rewrites the WAL header before the first
 * frame, so an unchanged header behind a batch proves the batch, and a changed one sends it to the database file,
 * which then holds all old frames and cannot receive new ones.
 */
export class PageReader {
  readonly #options: PageReaderOptions
  #walRestarted = false

  constructor(options: PageReaderOptions) {
    this.#options = options
  }

  /** @param pgnos ascending. A page beyond the end of the file reads as zeros, as SQLite itself would read it. */
  *pages(pgnos: Iterable<number>): Generator<DatabasePage> {
    const { pages: limit } = this.#options.buffers
    let batch: number[] = []
    for (const pgno of pgnos) {
      batch.push(pgno)
      if (batch.length < limit) continue
      yield* this.#read(batch)
      batch = []
    }
    yield* this.#read(batch)
  }

  *#read(pgnos: readonly number[]): Generator<DatabasePage> {
    if (pgnos.length === 0) return
    const { wal, salts, buffers } = this.#options
    const { pageSize, batch } = buffers
    this.#fill(pgnos)
    if (!this.#walRestarted && pgnos.some((pgno) => this.#frameOffset(pgno) !== undefined)) {
      const header = wal.header()
      if (!header || !sameSalts(header, salts)) {
        this.#walRestarted = true
        this.#fill(pgnos)
      }
    }
    for (let i = 0; i < pgnos.length; i++) {
      yield { pgno: pgnos[i]!, data: batch.subarray(i * pageSize, (i + 1) * pageSize) }
    }
  }

  #frameOffset(pgno: number): number | undefined {
    return this.#walRestarted ? undefined : this.#options.frames.get(pgno)
  }

  /** Read the pages into the batch, neighbours in one system call. */
  #fill(pgnos: readonly number[]): void {
    for (let start = 0; start < pgnos.length; ) {
      const inWal = this.#frameOffset(pgnos[start]!) !== undefined
      let end = start + 1
      while (end < pgnos.length && (inWal ? this.#adjacentFrames(pgnos, end) : this.#adjacentPages(pgnos, end))) end++
      if (inWal) this.#fillFromWal(pgnos, start, end)
      else this.#fillFromFile(pgnos, start, end)
      start = end
    }
  }

  #adjacentFrames(pgnos: readonly number[], i: number): boolean {
    const offset = this.#frameOffset(pgnos[i]!)
    return (
      offset !== undefined &&
      offset === this.#frameOffset(pgnos[i - 1]!)! + walFrameSize(this.#options.buffers.pageSize)
    )
  }

  #adjacentPages(pgnos: readonly number[], i: number): boolean {
    return this.#frameOffset(pgnos[i]!) === undefined && pgnos[i] === pgnos[i - 1]! + 1
  }

  #fillFromWal(pgnos: readonly number[], start: number, end: number): void {
    const { pageSize, batch, scratch: memory } = this.#options.buffers
    const frameSize = walFrameSize(pageSize)
    const scratch = memory.subarray(0, (end - start) * frameSize)
    this.#options.wal.read(scratch, this.#frameOffset(pgnos[start]!)!)
    for (let i = start; i < end; i++) {
      const at = (i - start) * frameSize + WAL_FRAME_HEADER_SIZE
      batch.set(scratch.subarray(at, at + pageSize), i * pageSize)
    }
  }

  #fillFromFile(pgnos: readonly number[], start: number, end: number): void {
    const { pageSize, batch } = this.#options.buffers
    const into = batch.subarray(start * pageSize, end * pageSize)
    const read = readFully(this.#options.databaseFd, into, (pgnos[start]! - 1) * pageSize)
    into.fill(0, read)
  }
}
