/** How long work goes on before others have a turn. */
const TURN_MS = 12

/**
 * Turns of the event loop. A query whose pages are all at hand never waits for anything but promises that are settled
 * already, and those alone let no timer, signal or socket have its turn.
 */
export class Turns {
  #last = performance.now()

  /** It is time for one. */
  get due(): boolean {
    return performance.now() - this.#last > TURN_MS
  }

  /** Let everything else that is due run. */
  async take(): Promise<void> {
    await nextTurn()
    this.#last = performance.now()
  }

  /** The same, if it is time for it. */
  async takeIfDue(): Promise<void> {
    if (this.due) await this.take()
  }
}

/** After everything else that is due. */
export async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0))
}
