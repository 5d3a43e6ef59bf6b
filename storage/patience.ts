/** A line slower than this counts as silent: bytes per ms. */
const SLOWEST = 1

export interface PatienceOptions {
  /** Longest wait for a server that sends nothing. */
  readonly idleMs: number
  /** Longest wait in all, whatever it sends. Default: for ever. */
  readonly totalMs?: number | undefined
  /** Ms, never going back. Default: `performance.now`. */
  readonly now?: (() => number) | undefined
}

/**
 * How long to wait for a server: `idleMs`, and 1 ms more for each byte that it sends. So one that sends nothing and one
 * that lets it drip are given up, and one that sends so many bytes keeps its reader for a known time. Only the time that
 * is waited counts: whoever reads may pause for as long as it likes.
 */
export class Patience {
  readonly #idleMs: number
  readonly #now: () => number
  #left: number
  #totalLeft: number

  constructor({ idleMs, totalMs = Number.POSITIVE_INFINITY, now = () => performance.now() }: PatienceOptions) {
    this.#idleMs = idleMs
    this.#now = now
    this.#left = idleMs
    this.#totalLeft = totalMs
  }

  /** Ms that may be waited from now on; none or less when it is over. */
  get left(): number {
    return Math.min(this.#left, this.#totalLeft)
  }

  /** Count the time until something comes. It does not end by itself: that is `within`'s. */
  async count<T>(work: Promise<T>): Promise<T> {
    const startedAt = this.#now()
    try {
      return await work
    } finally {
      const ms = this.#now() - startedAt
      this.#left -= ms
      this.#totalLeft -= ms
    }
  }

  /** So many bytes have come. */
  heard(bytes: number): void {
    this.#left = Math.min(this.#idleMs, this.#left + bytes / SLOWEST)
  }
}
