import type { DatabaseState, PinnedPages, Predictor } from '../../replica/index.ts'
import { VfsError } from '../engine/errors.ts'

/** What a query that runs again and again may keep, in bytes: all that it reads. */
const MAX_HELD_BYTES = 512 * 1024 * 1024

/** Where SQLite's reads come from. */
export interface PageReader {
  /** Its TXID tells SQLite whether what it keeps in its own cache is still right. */
  readonly state: DatabaseState
  readonly signal: AbortSignal | undefined
  /** SQLite's clock: milliseconds since the Unix epoch. */
  readonly now: number
  /** The page if it is at hand: bytes that others share. */
  get(pgno: number): Uint8Array | undefined
  /** Fetch pages that were missed and keep them. */
  hold(pgnos: readonly number[]): Promise<void>
  /** Wait for pages that will be asked for next, no longer than `maxMs`: what the run took that has to be repeated. */
  settle(maxMs: number): Promise<void>
  /** Let go of the pages that were kept. */
  release(): void
}

/** The pages that one query reads, of one state, and the signal that ends the query. */
export class PageSource implements PageReader {
  readonly state: DatabaseState
  readonly signal: AbortSignal | undefined
  /** The clock stands still during a query: running it again finds the same time. */
  readonly now: number
  /** Milliseconds that were lost by waiting for pages, and by running again. */
  lostMs = 0
  /** Told of the pages that are being waited for. */
  onWait: ((pgnos: readonly number[]) => Promise<void> | undefined) | undefined
  readonly #pages: PinnedPages
  /**
   * Pages that were waited for, until `release`; and where a statement runs again from its beginning after each miss, all
   * that it has read: whatever the cache drops meanwhile, the next run gets further.
   */
  readonly #held = new Map<number, Uint8Array>()
  readonly #keepsAll: boolean

  /**
   * @param options.now milliseconds since the Unix epoch
   * @param options.keepsAll statements run again after each miss
   */
  constructor(
    pages: PinnedPages,
    { now, keepsAll, signal }: { now: number; keepsAll: boolean; signal: AbortSignal | undefined },
  ) {
    this.#pages = pages
    this.#keepsAll = keepsAll
    this.state = pages.state
    this.signal = signal
    this.now = now
  }

  /** For a run ahead of the query. */
  predictor(): Promise<Predictor> {
    return this.#pages.predictor()
  }

  get(pgno: number): Uint8Array | undefined {
    if (this.#held.size > 0) {
      const held = this.#held.get(pgno)
      if (held) return held
    }
    const page = this.#pages.get(pgno)
    if (page && this.#keepsAll) this.#held.set(pgno, page)
    return page
  }

  /** @throws what fetching throws; the signal's reason */
  async hold(pgnos: readonly number[]): Promise<void> {
    this.signal?.throwIfAborted()
    if (this.#held.size * this.state.pageSize > MAX_HELD_BYTES) throw tooMuch()
    const begun = performance.now()
    const fetching = pgnos.map((pgno) => this.#pages.fetch(pgno, this.signal))
    const predicting = this.onWait?.(pgnos)
    const results = await Promise.allSettled(fetching)
    if (this.#keepsAll) await predicting // to run again without what it finds would be in vain
    this.lostMs += performance.now() - begun
    this.signal?.throwIfAborted()
    for (const [i, result] of results.entries()) {
      if (result.status === 'rejected') throw result.reason
      this.#held.set(pgnos[i]!, result.value)
    }
  }

  async settle(maxMs: number): Promise<void> {
    this.lostMs += maxMs
    await this.#pages.settle(maxMs)
    this.signal?.throwIfAborted()
  }

  release(): void {
    this.#held.clear()
  }
}

function tooMuch(): VfsError {
  return new VfsError(
    'VFS_NO_MEMORY',
    `Cannot run the query: it reads more than ${MAX_HELD_BYTES / 2 ** 20} MiB of pages, and has to be run again whenever one ` +
      'is missing. A runtime with JSPI (Node 24 and newer) needs no memory for that; so does an index',
  )
}
