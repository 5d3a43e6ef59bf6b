import type { Log } from './log.ts'

const BACKOFF_MAX_MS = 5 * 60_000
const ERROR_LOG_INTERVAL_MS = 30_000

/** Why something does not get on at present. */
export interface Trouble {
  readonly error: Error
  /** Milliseconds since the Unix epoch. */
  readonly sinceMs: number
}

/** Doubles the pause with every failure, and reports no more than one failure per half minute. */
export class Backoff {
  readonly #baseMs: number
  readonly #log: Log
  readonly #message: string
  #delayMs = 0
  #loggedAtMs = Number.NEGATIVE_INFINITY
  #trouble: Trouble | undefined

  constructor(baseMs: number, log: Log, message: string) {
    this.#baseMs = baseMs
    this.#log = log
    this.#message = message
  }

  /** The last failure, since the first one in a row. */
  get trouble(): Trouble | undefined {
    return this.#trouble
  }

  succeeded(): void {
    this.#delayMs = 0
    this.#trouble = undefined
  }

  /** @returns how long to wait before the next attempt, in ms */
  failed(error: unknown): number {
    this.#delayMs = Math.min(Math.max(this.#baseMs, this.#delayMs * 2), BACKOFF_MAX_MS)
    this.#trouble = { error: error as Error, sinceMs: this.#trouble?.sinceMs ?? Date.now() }
    const nowMs = performance.now()
    if (nowMs - this.#loggedAtMs >= ERROR_LOG_INTERVAL_MS) {
      this.#loggedAtMs = nowMs
      const hint = (error as { hint?: string }).hint
      this.#log.error(this.#message, { error: (error as Error).message, ...(hint && { hint }) })
    }
    return this.#delayMs
  }
}
