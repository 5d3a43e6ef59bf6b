import type { Pgno } from '../../ltx/index.ts'
import type { Predictor } from '../../replica/index.ts'
import type { AheadQuery } from '../connection/lease.ts'
import type { PageSource } from '../connection/page-source.ts'
import { nextTurn } from '../engine/yielding.ts'
import type { SpeculativeRunner } from './speculative-runner.ts'

/** Runs ahead may take this share of the time that waiting costs, or would cost without them, and a little more. */
const SHARE_OF_WAITING = 1 / 4
const FREE_MS = 10
/** Runs in a row that did not even find the page that is being waited for, before it is given up. */
const MAX_FAILURES = 3

/** Decides, when a query waits for pages, whether it is run ahead of, and how far. */
export class Speculation {
  readonly #speculator: SpeculativeRunner
  readonly #source: PageSource
  readonly #query: AheadQuery
  readonly #predictor: Predictor
  #spentMs = 0
  #failures = 0
  /** The last run found nothing: what is on its way has to come first. */
  #exhausted = false
  #running = false
  #ended = false

  constructor(
    speculator: SpeculativeRunner,
    pages: { readonly source: PageSource; readonly predictor: Predictor },
    query: AheadQuery,
  ) {
    this.#speculator = speculator
    this.#source = pages.source
    this.#predictor = pages.predictor
    this.#query = query
  }

  /** The query is done. */
  end(): void {
    this.#ended = true
  }

  /**
   * The query waits for pages.
   * @param waits how often it has, with this one
   */
  wait(pgnos: readonly Pgno[], waits: number): Promise<void> | undefined {
    if (this.#running || this.#failures >= MAX_FAILURES) return undefined
    const predicted = pgnos.every((pgno) => this.#predictor.has(pgno))
    if (predicted && (this.#exhausted || !this.#predictor.low)) return undefined
    const ms = this.#allowedMs(waits) - this.#spentMs
    if (ms < 1 || !this.#predictor.begin()) return undefined
    this.#running = true
    return this.#run(ms, predicted)
  }

  /** What was lost, and what would have been: each page that was predicted has saved about one wait. */
  #allowedMs(waits: number): number {
    const { lostMs } = this.#source
    return FREE_MS + SHARE_OF_WAITING * lostMs * (1 + this.#predictor.useful / waits)
  }

  /** While the query waits: the request for the page that it waits for is sent first. */
  async #run(ms: number, predicted: boolean): Promise<void> {
    try {
      await nextTurn()
      if (this.#ended) return
      const begun = performance.now()
      const found = await this.#speculator.run(this.#query, this.#predictor, ms)
      this.#spentMs += performance.now() - begun
      this.#exhausted = found === 0
      if (found > 0) this.#failures = 0
      else if (!predicted) this.#failures++
    } finally {
      this.#running = false
    }
  }
}
