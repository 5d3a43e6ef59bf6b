import type { Foresight } from '../replica/index.ts'
import type { PageSource } from './page-source.ts'
import type { Scout, ScoutedQuery } from './scout.ts'
import { nextTurn } from './turns.ts'

/** A look-up waits for a page or two on its way down a tree; whoever waits more often is worth running ahead of. */
const WAITS_BEFORE = 3
/** Runs ahead may take this share of the time that was spent in waiting, and a little more. */
const SHARE_OF_WAITING = 1 / 4
const FREE_MS = 10
/** Runs in a row that did not even find the page that is being waited for, before it is given up. */
const MAX_FAILURES = 3

/** Decides when a query that waits for pages is run ahead of, and how far. */
export class Forerunner {
  readonly #scout: Scout
  readonly #source: PageSource
  readonly #query: ScoutedQuery
  readonly #foresight: Foresight
  #waits = 0
  #spentMs = 0
  #failures = 0
  /** The last run found nothing: what is on its way has to come first. */
  #exhausted = false
  #running = false
  #ended = false

  constructor(scout: Scout, source: PageSource, query: ScoutedQuery) {
    this.#scout = scout
    this.#source = source
    this.#query = query
    this.#foresight = source.foresight()
    source.onWait = (pgnos) => this.#onWait(pgnos)
  }

  /** The query is done. */
  end(): void {
    this.#source.onWait = undefined
    this.#ended = true
  }

  #onWait(pgnos: readonly number[]): void {
    if (process.env.LOG)
      console.log('WAIT', performance.now().toFixed(0), pgnos[0], this.#foresight.has(pgnos[0]!), this.#foresight.low)
    if (++this.#waits < WAITS_BEFORE || this.#running || this.#failures >= MAX_FAILURES) return
    const foreseen = pgnos.every((pgno) => this.#foresight.has(pgno))
    if (foreseen && (this.#exhausted || !this.#foresight.low)) return
    const ms = FREE_MS + this.#source.waitedMs * SHARE_OF_WAITING - this.#spentMs
    if (ms < 1 || !this.#foresight.begin()) return
    this.#running = true
    void this.#run(ms, foreseen)
  }

  /** While the query waits: the request for the page that it waits for is sent first. */
  async #run(ms: number, foreseen: boolean): Promise<void> {
    await nextTurn()
    if (!this.#ended) {
      const begun = performance.now()
      const found = await this.#scout.run(this.#query, this.#foresight, ms)
      this.#spentMs += performance.now() - begun
      if (process.env.LOG)
        console.log(
          'SCOUT',
          performance.now().toFixed(0),
          'found',
          found,
          'ms',
          (performance.now() - begun).toFixed(1),
          'of',
          ms.toFixed(1),
          'fail',
          this.#failures,
        )
      this.#exhausted = found === 0
      if (found > 0) this.#failures = 0
      else if (!foreseen) this.#failures++
    }
    this.#running = false
  }
}
