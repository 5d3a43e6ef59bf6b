import { isStorageError, type StorageError } from './errors.ts'
import { Patience } from './patience.ts'
import { pause } from './within.ts'

export interface RetryOptions {
  /** Attempts in a row without any progress, the first included. Default 4, as upstream's three retries (facts 2.12). */
  readonly attempts?: number
  /** Longest wait before the first retry; doubles with each. Default 250. */
  readonly baseMs?: number
  /** Longest wait at all. Default 10 000. */
  readonly maxMs?: number
  /**
   * No attempt to read begins once so many ms have been waited, 1 ms more for each byte that came (`Patience`): so a call ends
   * at the latest so long after its start plus what one attempt may take. Default 120 000. Writes have no such limit.
   */
  readonly totalMs?: number
  /** Waits; must reject when the signal aborts. */
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>
  /** In [0, 1). */
  readonly random?: () => number
  /** Ms, never going back. Default: `performance.now`. */
  readonly now?: () => number
  /** Ends all waiting and retrying. */
  readonly signal?: AbortSignal
  /** Told before each wait. */
  readonly onRetry?: (error: StorageError, attempt: number, waitMs: number) => void
}

/**
 * Make one call, again and again where its error says that it may help.
 * @param call gets the signal that ends it
 * @throws the last call's error; the signal's reason
 */
export function retried<T>(
  options: RetryOptions,
  signal: AbortSignal | undefined,
  call: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const backoff = new Backoff(options, signal)
  return attempt(backoff, () => call(backoff.signal))
}

/** Make one call until it succeeds, or `backoff` has had enough. */
export async function attempt<T>(backoff: Backoff, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await backoff.patience.count(call())
    } catch (error) {
      await backoff.wait(error)
    }
  }
}

/** Counts failures in a row and decides whether, and how long, to wait for the next attempt. */
export class Backoff {
  readonly signal: AbortSignal | undefined
  readonly #options: RetryOptions
  /** Counts what is waited for. */
  readonly patience: Patience
  #failures = 0

  constructor(options: RetryOptions, signal: AbortSignal | undefined) {
    const { totalMs = Number.POSITIVE_INFINITY, now } = options
    this.#options = options
    this.patience = new Patience({ idleMs: totalMs, now })
    this.signal = signal && options.signal ? AbortSignal.any([signal, options.signal]) : (signal ?? options.signal)
  }

  /** So many bytes have come. */
  progress(bytes: number): void {
    this.#failures = 0
    this.patience.heard(bytes)
  }

  /** Returns when it is time to try again; throws the error when it is not to be. */
  async wait(error: unknown): Promise<void> {
    const { attempts = 4, baseMs = 250, maxMs = 10_000, random = Math.random, sleep = pause } = this.#options
    this.signal?.throwIfAborted()
    this.#failures += 1
    if (!isStorageError(error) || !error.retryable || this.#failures >= attempts || this.patience.left <= 0) throw error
    const longest = Math.min(maxMs, baseMs * 2 ** (this.#failures - 1))
    const ms = Math.ceil(longest * (0.5 + random() / 2)) // at least half: enough to spread, never at once
    this.#options.onRetry?.(error, this.#failures, ms)
    await this.patience.count(sleep(ms, this.signal))
  }
}

/** The signal as an option that is left out without one. */
export function signalOf(backoff: Backoff): { signal?: AbortSignal } {
  return backoff.signal ? { signal: backoff.signal } : {}
}
