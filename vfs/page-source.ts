import type { DatabaseState, PinnedPages } from '../replica/index.ts'

/** The pages that one query reads, of one state, and the signal that ends the query. */
export class PageSource {
  readonly state: DatabaseState
  readonly signal: AbortSignal | undefined
  /** SQLite's clock, which stands still during a query: running it again finds the same time. */
  readonly now: number
  readonly #pages: PinnedPages
  /** Pages that were waited for, until `release`: whatever the cache drops meanwhile, the query goes on. */
  readonly #held = new Map<number, Uint8Array>()

  /** @param now milliseconds since the Unix epoch */
  constructor(pages: PinnedPages, now: number, signal: AbortSignal | undefined) {
    this.#pages = pages
    this.state = pages.state
    this.signal = signal
    this.now = now
  }

  /** The page if it is at hand: bytes that others share. */
  get(pgno: number): Uint8Array | undefined {
    if (this.#held.size > 0) {
      const held = this.#held.get(pgno)
      if (held) return held
    }
    return this.#pages.get(pgno)
  }

  /** Fetch pages that were missed and keep them. @throws what fetching throws; the signal's reason */
  async hold(pgnos: readonly number[]): Promise<void> {
    this.signal?.throwIfAborted()
    const results = await Promise.allSettled(pgnos.map((pgno) => this.#pages.fetch(pgno, this.signal)))
    this.signal?.throwIfAborted()
    for (const [i, result] of results.entries()) {
      if (result.status === 'rejected') throw result.reason
      this.#held.set(pgnos[i]!, result.value)
    }
  }

  /** Let go of the pages that were kept. */
  release(): void {
    this.#held.clear()
  }
}
