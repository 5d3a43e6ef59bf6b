/** Bytes come in bursts: a shorter time says little. */
const SPAN_MS = 100
/** With fewer requests under way the line may have waited for us. */
const BUSY = 4
/** A slower span may have had little to carry: so much of the difference counts. */
const LEARNING = 1 / 8

/** How fast bytes come while several requests are under way: what line, server and reader are good for together. */
export class LineRate {
  #bytesPerMs = 0
  #since = 0
  #last = Number.NEGATIVE_INFINITY
  #bytes = 0

  /** Bytes a millisecond; 0 until enough has been seen. */
  get bytesPerMs(): number {
    return this.#bytesPerMs
  }

  /**
   * Some bytes of an answer have come.
   * @param now milliseconds of a clock that only goes on
   * @param inFlight how many requests are under way, this one included
   */
  received(bytes: number, now: number, inFlight: number): void {
    const busy = inFlight >= BUSY && now - this.#last < SPAN_MS
    const ms = now - this.#since
    this.#last = now
    this.#bytes += bytes
    if (busy && ms < SPAN_MS) return
    if (busy) {
      const rate = this.#bytes / ms
      this.#bytesPerMs = Math.max(rate, this.#bytesPerMs + LEARNING * (rate - this.#bytesPerMs))
    }
    this.#since = now
    this.#bytes = 0
  }
}
