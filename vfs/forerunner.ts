import type { Foresight } from '../replica/index.ts'
import type { BridgeKind } from './bridge.ts'
import type { PageSource } from './page-source.ts'
import type { Scout, ScoutedQuery } from './scout.ts'
import { nextTurn } from './turns.ts'

/** A look-up waits for a page or two on its way down a tree; whoever waits more often is worth running ahead of. */
const WAITS_BEFORE = 3
/** Runs ahead may take this share of the time that waiting costs, or would cost without them, and a little more; */
const SHARE_OF_WAITING = 1 / 4
/** where each wait means to run again from the beginning, as much as was lost. */
const SHARE_OF_RUNNING = 1
const FREE_MS = 10
/** Runs in a row that did not even find the page that is being waited for, before it is given up. */
const MAX_FAILURES = 3

/** Decides when a query that waits for pages is run ahead of, and how far. */
export class Forerunner {
  readonly #scout: Scout
  readonly #source: PageSource
  readonly #query: ScoutedQuery
  /** Made when there is something to foresee: most queries wait for nothing. */
  #known: Foresight | undefined
  readonly #share: number
  #waits = 0
  #spentMs = 0
  #failures = 0
  /** The last run found nothing: what is on its way has to come first. */
  #exhausted = false
  #running = false
  #ended = false

  /** @param bridge on which the query runs */
  constructor(scout: Scout, source: PageSource, query: ScoutedQuery, bridge: BridgeKind) {
    this.#scout = scout
    this.#source = source
    this.#query = query
    this.#share = bridge === 'fault' ? SHARE_OF_RUNNING : SHARE_OF_WAITING
    source.onWait = this.#onWait
  }

  /** The query is done. */
  end(): void {
    this.#ended = true
    if (this.#source.onWait === this.#onWait) this.#source.onWait = undefined // not when another query has begun
  }

  readonly #onWait = (pgnos: readonly number[]): Promise<void> | undefined => {
    if (++this.#waits < WAITS_BEFORE || this.#running || this.#failures >= MAX_FAILURES) return undefined
    const foreseen = pgnos.every((pgno) => this.#foresight.has(pgno))
    if (foreseen && (this.#exhausted || !this.#foresight.low)) return undefined
    const ms = this.#allowedMs - this.#spentMs
    if (ms < 1 || !this.#foresight.begin()) return undefined
    this.#running = true
    return this.#run(ms, foreseen)
  }

  get #foresight(): Foresight {
    this.#known ??= this.#source.foresight()
    return this.#known
  }

  /** What was lost, and what would have been: each page that was foreseen has saved about one wait. */
  get #allowedMs(): number {
    const { lostMs } = this.#source
    return FREE_MS + this.#share * lostMs * (1 + this.#foresight.useful / this.#waits)
  }

  /** While the query waits: the request for the page that it waits for is sent first. */
  async #run(ms: number, foreseen: boolean): Promise<void> {
    await nextTurn()
    if (!this.#ended) {
      const begun = performance.now()
      const found = await this.#scout.run(this.#query, this.#foresight, ms)
      this.#spentMs += performance.now() - begun
      this.#exhausted = found === 0
      if (found > 0) this.#failures = 0
      else if (!foreseen) this.#failures++
    }
    this.#running = false
  }
}
