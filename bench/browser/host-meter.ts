import { setTimeout as sleep } from 'node:timers/promises'
import type { Exchange, Metered } from '../support/http-meter.ts'

/** What counts the requests of a page. */
export interface Meter {
  onExchange: ((exchange: Exchange) => void) | undefined
  /** Count from zero again. */
  reset(): void
  read(): Metered
  /** Wait until nothing is under way any more, for at most so long. */
  settle(mostMs: number): Promise<void>
}

const NOTHING: Metered = {
  get: 0,
  list: 0,
  head: 0,
  put: 0,
  other: 0,
  requests: 0,
  bytes: 0,
  connections: 0,
  rounds: 0,
  maxInFlight: 0,
}

/** Counts where the requests arrive, behind the line: how many, and bytes of their bodies. It cannot see rounds. */
export class HostMeter implements Meter {
  onExchange: ((exchange: Exchange) => void) | undefined
  #counted: Metered = NOTHING
  #inFlight = 0

  reset(): void {
    this.#counted = NOTHING
  }

  read(): Metered {
    return this.#counted
  }

  async settle(mostMs: number): Promise<void> {
    for (let waited = 0; this.#inFlight > 0 && waited < mostMs; waited += 10) await sleep(10)
  }

  begin({ method, path, range }: { method: string; path: string; range: string | undefined }): (bytes: number) => void {
    const verb = method === 'HEAD' ? 'head' : 'get'
    const { requests } = this.#counted
    const beganAt = performance.now()
    this.#inFlight += 1
    this.#counted = {
      ...this.#counted,
      [verb]: this.#counted[verb] + 1,
      requests: requests + 1,
      maxInFlight: Math.max(this.#counted.maxInFlight, this.#inFlight),
    }
    return (bytes) => {
      const endedAt = performance.now()
      this.#inFlight -= 1
      this.#counted = { ...this.#counted, bytes: this.#counted.bytes + bytes }
      this.onExchange?.({ method, path, range, connection: 0, round: 0, beganAt, answeredAt: endedAt, endedAt, bytes })
    }
  }
}
