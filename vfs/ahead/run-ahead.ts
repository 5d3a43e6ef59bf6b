import type { PageSource } from '../connection/page-source.ts'
import type { BridgeKind } from '../engine/bridge.ts'
import type { EngineModules } from '../engine/engine.ts'
import type { Speculation } from './speculation.ts'
import type { SpeculatedQuery, SpeculativeRunner } from './speculative-runner.ts'

/** A look-up waits for a page or two on its way down a tree; whoever waits more often is worth running ahead of. */
const WAITS_BEFORE = 3

/** Where the one speculator of a pool is. */
export interface SpeculatorHome {
  speculator(make: (modules: EngineModules) => SpeculativeRunner): SpeculativeRunner
}

/** Counts a query's waits, and has it run ahead of when they are many. */
export class RunAhead {
  readonly #home: SpeculatorHome
  readonly #source: PageSource
  readonly #query: SpeculatedQuery
  readonly #bridge: BridgeKind
  #speculation: Speculation | undefined
  #waits = 0
  #ended = false

  /** @param bridge on which the query runs */
  constructor(home: SpeculatorHome, source: PageSource, query: SpeculatedQuery, bridge: BridgeKind) {
    this.#home = home
    this.#source = source
    this.#query = query
    this.#bridge = bridge
    source.onWait = this.#onWait
  }

  /** The query is done. */
  end(): void {
    this.#ended = true
    this.#speculation?.end()
    if (this.#source.onWait === this.#onWait) this.#source.onWait = undefined // not when another query has begun
  }

  readonly #onWait = (pgnos: readonly number[]): Promise<void> | undefined => {
    const waits = ++this.#waits
    if (this.#speculation) return this.#speculation.wait(pgnos, waits)
    return waits === WAITS_BEFORE ? this.#begin(pgnos) : undefined
  }

  async #begin(pgnos: readonly number[]): Promise<void> {
    try {
      const [predictor, { Speculation }, { SpeculativeRunner }] = await Promise.all([
        this.#source.predictor(),
        import('./speculation.ts'),
        import('./speculative-runner.ts'),
      ])
      if (this.#ended) return
      const speculator = this.#home.speculator((modules) => new SpeculativeRunner(modules))
      this.#speculation = new Speculation(speculator, { source: this.#source, predictor }, this.#query, this.#bridge)
      await this.#speculation.wait(pgnos, this.#waits)
    } catch {
      // The query only takes longer.
    }
  }
}
