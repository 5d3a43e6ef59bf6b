/** How long work goes on before others have a turn. */
const TURN_MS = 12
/**
 * And how often that is looked at: a Worker's clock stands still while it computes. During a query a look comes every 0.3 ms
 * or so; a query that finds all it needs takes some 10 us.
 */
const TURN_LOOKS = 1000
const LOOKS_IN_QUERY = 10

/**
 * Turns of the event loop. A query whose pages are all at hand never waits for anything but promises that are settled
 * already, and those alone let no timer, signal or socket have its turn: neither during a long query, nor when one short
 * query follows the other.
 */
export class Turns {
  readonly #now: () => number
  #last: number
  #looks = 0
  /** It will be noticed when the event loop goes on by itself. */
  #watching = false

  /** @param now milliseconds since whenever */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#last = now()
  }

  /** Look whether it is time for one. */
  look(): boolean {
    return this.#isDue(LOOKS_IN_QUERY)
  }

  /** Look between two queries: whoever waited for something else in between has had a turn. */
  lookBetween(): boolean {
    if (this.#watching) return this.#isDue(1)
    this.#watching = true
    this.#had()
    inTurn(() => {
      this.#watching = false
    })
    return false
  }

  /** Let everything else that is due run. */
  async take(): Promise<void> {
    await new Promise<void>(inTurn)
    this.#had()
  }

  /** The same, if it is time for it. */
  async takeIfDue(): Promise<void> {
    if (this.look()) await this.take()
  }

  #isDue(looks: number): boolean {
    this.#looks += looks
    return this.#looks > TURN_LOOKS || this.#now() - this.#last > TURN_MS
  }

  #had(): void {
    this.#last = this.#now()
    this.#looks = 0
  }
}

/** After everything else that is due, and what that asks for at once. */
export async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0))
}

/** Call in the event loop's next turn: a timer waits for a millisecond at least, or for four. */
function inTurn(call: () => void): void {
  if (typeof setImmediate === 'function') setImmediate(call)
  else setTimeout(call, 0)
}
