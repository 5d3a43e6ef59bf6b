import type { Prepared } from './prepared.ts'

/** Statements kept per open database, least recently used ones go first. */
const CAPACITY = 64

/** The compiled statements of one open database, by their text. One in use is not given out again. */
export class StatementCache {
  readonly #idle = new Map<string, Prepared>()
  readonly #busy = new Set<Prepared>()

  /** How many are in use. */
  get busy(): number {
    return this.#busy.size
  }

  /** An idle statement, as it lies there. */
  peek(sql: string): Prepared | undefined {
    return this.#idle.get(sql)
  }

  /** Take a statement out, if there is an idle one. */
  take(sql: string): Prepared | undefined {
    const prepared = this.#idle.get(sql)
    if (!prepared) return undefined
    this.#idle.delete(sql)
    return this.add(prepared)
  }

  /** A new one, in use. */
  add(prepared: Prepared): Prepared {
    this.#busy.add(prepared)
    return prepared
  }

  /** Give one back. @param keep false for one that must be compiled anew each time */
  put(prepared: Prepared, keep: boolean): void {
    if (!this.#busy.delete(prepared)) return // it died with its database
    if (!keep || this.#idle.has(prepared.sql)) {
      prepared.finalize()
      return
    }
    prepared.clear()
    this.#idle.set(prepared.sql, prepared)
    if (this.#idle.size <= CAPACITY) return
    const [oldest] = this.#idle.values()
    if (oldest) {
      this.#idle.delete(oldest.sql)
      oldest.finalize()
    }
  }

  /** Finalize them all, those in use too: their database is about to be closed. */
  clear(): void {
    for (const prepared of [...this.#idle.values(), ...this.#busy]) prepared.finalize()
    this.#idle.clear()
    this.#busy.clear()
  }
}
