import type { PageSource } from '../connection/page-source.ts'
import type { BridgeKind } from '../engine/bridge.ts'
import type { EngineModules } from '../engine/engine.ts'
import type { Forerunner } from './speculation.ts'
import type { Scout, ScoutedQuery } from './speculative-runner.ts'

/** A look-up waits for a page or two on its way down a tree; whoever waits more often is worth running ahead of. */
const WAITS_BEFORE = 3

/** Where the one scout of a pool is. */
export interface ScoutHome {
  scout(make: (modules: EngineModules) => Scout): Scout
}

/** Counts a query's waits, and has it run ahead of when they are many. */
export class RunAhead {
  readonly #home: ScoutHome
  readonly #source: PageSource
  readonly #query: ScoutedQuery
  readonly #bridge: BridgeKind
  #forerunner: Forerunner | undefined
  #waits = 0
  #ended = false

  /** @param bridge on which the query runs */
  constructor(home: ScoutHome, source: PageSource, query: ScoutedQuery, bridge: BridgeKind) {
    this.#home = home
    this.#source = source
    this.#query = query
    this.#bridge = bridge
    source.onWait = this.#onWait
  }

  /** The query is done. */
  end(): void {
    this.#ended = true
    this.#forerunner?.end()
    if (this.#source.onWait === this.#onWait) this.#source.onWait = undefined // not when another query has begun
  }

  readonly #onWait = (pgnos: readonly number[]): Promise<void> | undefined => {
    const waits = ++this.#waits
    if (this.#forerunner) return this.#forerunner.wait(pgnos, waits)
    return waits === WAITS_BEFORE ? this.#begin(pgnos) : undefined
  }

  async #begin(pgnos: readonly number[]): Promise<void> {
    try {
      const [foresight, { Forerunner }, { Scout }] = await Promise.all([
        this.#source.foresight(),
        import('./speculation.ts'),
        import('./speculative-runner.ts'),
      ])
      if (this.#ended) return
      const scout = this.#home.scout((modules) => new Scout(modules))
      this.#forerunner = new Forerunner(scout, { source: this.#source, foresight }, this.#query, this.#bridge)
      await this.#forerunner.wait(pgnos, this.#waits)
    } catch {
      // The query only takes longer.
    }
  }
}
