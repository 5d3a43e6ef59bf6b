import type { Pgno } from '../../ltx/index.ts'
import type { AheadQuery } from '../connection/lease.ts'
import type { PageSource } from '../connection/page-source.ts'
import type { Speculation } from './speculation.ts'
import type { SpeculativeRunner } from './speculative-runner.ts'

/** A look-up waits for a page or two on its way down a tree; a query that waits more often is worth running ahead of. */
const WAITS_BEFORE = 3

/** Counts a query's waits, and has it run ahead of when they are many. */
export class RunAhead {
  readonly #runner: () => Promise<SpeculativeRunner>
  readonly #source: PageSource
  readonly #query: AheadQuery
  #speculation: Speculation | undefined
  #waits = 0
  #ended = false

  /** @param runner makes the runner that all queries share, the first time */
  constructor(runner: () => Promise<SpeculativeRunner>, source: PageSource, query: AheadQuery) {
    this.#runner = runner
    this.#source = source
    this.#query = query
    source.onWait = this.#onWait
  }

  /** The query is done. */
  end(): void {
    this.#ended = true
    this.#speculation?.end()
    if (this.#source.onWait === this.#onWait) this.#source.onWait = undefined // not when another query has begun
  }

  readonly #onWait = (pgnos: readonly Pgno[]): void => {
    const waits = ++this.#waits
    if (this.#speculation) void this.#speculation.wait(pgnos, waits)
    else if (waits === WAITS_BEFORE) void this.#begin(pgnos)
  }

  async #begin(pgnos: readonly Pgno[]): Promise<void> {
    try {
      const [predictor, { Speculation }, runner] = await Promise.all([
        this.#source.predictor(),
        import('./speculation.ts'),
        this.#runner(),
      ])
      if (this.#ended) return
      this.#speculation = new Speculation(runner, { source: this.#source, predictor }, this.#query)
      await this.#speculation.wait(pgnos, this.#waits)
    } catch {
      // The query only takes longer.
    }
  }
}
