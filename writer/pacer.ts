/** A stream of large transactions may take one part in so many of the time: bundled, they cost less. */
const WORK_FACTOR = 10

/**
 * Spaces events so that they stay under a rate in the long run, and lets up to a second's worth of them pass at once:
 * commits that come now and then are never held up, a stream of them is bundled.
 */
export class Pacer {
  readonly #intervalMs: number
  readonly #maxMs: number
  readonly #burst: number
  /** When the bucket would be full again, in ms. */
  #fullAtMs = Number.NEGATIVE_INFINITY

  /**
   * @param intervalMs mean distance between events; 0: any
   * @param maxMs no event waits longer, however long the last one took
   */
  constructor(intervalMs: number, maxMs: number) {
    this.#intervalMs = intervalMs
    this.#maxMs = Math.max(intervalMs, maxMs)
    this.#burst = intervalMs > 0 ? Math.max(1, Math.floor(1000 / intervalMs)) : 0
  }

  /**
   * Note one event.
   * @param workMs how long it took: the more there is to do at once, the less often
   */
  take(nowMs: number, workMs: number): void {
    const distanceMs =
      this.#intervalMs === 0 ? 0 : Math.min(Math.max(this.#intervalMs, workMs * WORK_FACTOR), this.#maxMs)
    this.#fullAtMs = Math.max(this.#fullAtMs, nowMs) + distanceMs
  }

  /** How long the next event has to wait, in ms; 0 when it may happen now. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#fullAtMs - (this.#burst - 1) * this.#intervalMs - nowMs)
  }
}
