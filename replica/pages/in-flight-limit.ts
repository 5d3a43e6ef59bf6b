/** Of the requests under way so many must be served at once for more to be sent, or for as many to be sent on. */
const ENOUGH = 0.6
const TOO_FEW = 0.4
/** More than a browser's six connections seem to serve, even when all requests were sent in one moment. */
const MULTIPLEXED = 16
const GROWTH = 1.5
const SHRINKING = 0.75
/** So few under way do not have to wait for one another: what they take is what the line takes. */
const ALONE = 4
/** The line may have become slower: so much of the difference counts with each request that had not to wait. */
const LEARNING = 1 / 8

/**
 * How many requests are sent at once. A browser gives a server six connections by HTTP/1.1, or a hundred requests by
 * HTTP/2, and says to no other site which. What is sent beyond that waits in an order that cannot be changed any more; so
 * the limit grows only while what is sent together is served together: while answers take about as long as the fastest one.
 */
export class InFlightLimit {
  readonly #min: number
  readonly #max: number
  #value: number
  #fastestMs = Number.POSITIVE_INFINITY
  #answers = 0
  #totalMs = 0

  constructor(min: number, max: number) {
    this.#min = Math.min(min, max)
    this.#max = max
    this.#value = this.#min
  }

  get value(): number {
    return this.#value
  }

  /**
   * The first bytes of an answer have come.
   * @param ms since its request was sent
   * @param inFlight how many were under way then, itself included
   */
  answered(ms: number, inFlight: number): void {
    if (this.#min === this.#max) return
    if (ms < this.#fastestMs) this.#fastestMs = ms
    else if (inFlight <= ALONE) this.#fastestMs += LEARNING * (ms - this.#fastestMs)
    if (inFlight < this.#value) return // it says nothing about more
    this.#answers++
    this.#totalMs += ms
    if (this.#answers >= this.#value) this.#endRound()
  }

  #endRound(): void {
    const served = (this.#value * this.#fastestMs * this.#answers) / this.#totalMs
    if (served >= ENOUGH * this.#value || served >= MULTIPLEXED) {
      this.#value = Math.min(this.#max, Math.ceil(this.#value * GROWTH))
    } else if (served < TOO_FEW * this.#value) {
      this.#value = Math.max(this.#min, Math.floor(this.#value * SHRINKING))
    }
    this.#answers = 0
    this.#totalMs = 0
  }
}
