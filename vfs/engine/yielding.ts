/** How long work goes on before the event loop has its turn. */
const TURN_MS = 12
/**
 * And how often that is looked at: a Worker's clock stands still while it computes. During a query a look comes every 0.3 ms
 * or so; a query that finds all it needs takes some 10 us.
 */
const TURN_LOOKS = 1000
const LOOKS_IN_QUERY = 10

/**
 * When the event loop goes on. A query whose pages are all at hand never waits for anything but promises that are settled
 * already, and those alone let no timer, signal or socket have its turn: neither during a long query, nor when one short
 * query follows the other.
 */
export class Yielding {
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

  /** Whether the event loop should go on now. */
  isDue(): boolean {
    return this.#looked(LOOKS_IN_QUERY)
  }

  /** The same between two queries: a caller that awaited something else in between has let it go on. */
  isDueBetween(): boolean {
    if (this.#watching) return this.#looked(1)
    this.#watching = true
    this.#had()
    inTurn(() => {
      this.#watching = false
    })
    return false
  }

  /** Let everything else that is due run. */
  async yield(): Promise<void> {
    await new Promise<void>(inTurn)
    this.#had()
  }

  /** The same, if it is due. */
  async yieldIfDue(): Promise<void> {
    if (this.isDue()) await this.yield()
  }

  #looked(looks: number): boolean {
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
