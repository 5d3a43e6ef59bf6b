/** How long work goes on before others have a turn. */
const TURN_MS = 12
/** And how often that is looked at: a Worker's clock stands still while it computes. A look comes every 0.3 ms or so. */
const TURN_LOOKS = 100

/**
 * Turns of the event loop. A query whose pages are all at hand never waits for anything but promises that are settled
 * already, and those alone let no timer, signal or socket have its turn.
 */
export class Turns {
  readonly #now: () => number
  #last: number
  #looks = 0

  /** @param now milliseconds since whenever */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#last = now()
  }

  /** Look whether it is time for one. */
  look(): boolean {
    return ++this.#looks > TURN_LOOKS || this.#now() - this.#last > TURN_MS
  }

  /** Let everything else that is due run. */
  async take(): Promise<void> {
    await nextTurn()
    this.#last = this.#now()
    this.#looks = 0
  }

  /** The same, if it is time for it. */
  async takeIfDue(): Promise<void> {
    if (this.look()) await this.take()
  }
}

/** After everything else that is due. */
export async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0))
}
