import type { Pgno } from '../../ltx/index.ts'
import type { DatabaseState, PinnedPages, Predictor } from '../../replica/index.ts'
import type { PageReader } from '../engine/page-reader.ts'

/** The pages that one query reads, of one state, and the signal that ends the query. */
export class PageSource implements PageReader {
  readonly state: DatabaseState
  readonly signal: AbortSignal | undefined
  /** The clock stands still during a query. */
  readonly now: number
  /** Milliseconds spent waiting for pages. */
  lostMs = 0
  /** Told of the pages that are being waited for. */
  onWait: ((pgnos: readonly Pgno[]) => void) | undefined
  readonly #pages: PinnedPages
  /** Pages that were waited for, until `release`: the cache may have dropped them again. */
  readonly #held = new Map<number, Uint8Array>()

  /** @param options.now milliseconds since the Unix epoch */
  constructor(pages: PinnedPages, { now, signal }: { now: number; signal: AbortSignal | undefined }) {
    this.#pages = pages
    this.state = pages.state
    this.signal = signal
    this.now = now
  }

  /** For a run ahead of the query. */
  predictor(): Promise<Predictor> {
    return this.#pages.predictor()
  }

  get(pgno: Pgno): Uint8Array | undefined {
    if (this.#held.size > 0) {
      const held = this.#held.get(pgno)
      if (held) return held
    }
    return this.#pages.get(pgno)
  }

  identity(pgno: Pgno): string | undefined {
    return this.#pages.identity(pgno)
  }

  /** @throws what fetching throws; the signal's reason */
  async hold(pgnos: readonly Pgno[]): Promise<void> {
    this.signal?.throwIfAborted()
    const begun = performance.now()
    const fetching = pgnos.map((pgno) => this.#pages.fetch(pgno, this.signal))
    this.onWait?.(pgnos)
    const results = await Promise.allSettled(fetching)
    this.lostMs += performance.now() - begun
    this.signal?.throwIfAborted()
    for (const [i, result] of results.entries()) {
      if (result.status === 'rejected') throw result.reason
      this.#held.set(pgnos[i]!, result.value)
    }
  }

  release(): void {
    if (this.#held.size > 0) this.#held.clear()
  }
}
