import { isStorageError, type StorageError } from './errors.ts'

export interface RetryOptions {
  /** Attempts in a row without any progress, the first included. Default 4, as upstream's three retries (facts 2.12). */
  readonly attempts?: number
  /** Longest wait before the first retry; doubles with each. Default 250. */
  readonly baseMs?: number
  /** Longest wait at all. Default 10 000. */
  readonly maxMs?: number
  /** Waits; must reject when the signal aborts. */
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>
  /** In [0, 1). */
  readonly random?: () => number
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
      return await call()
    } catch (error) {
      await backoff.wait(error)
    }
  }
}

/** Counts failures in a row and decides whether, and how long, to wait for the next attempt. */
export class Backoff {
  readonly signal: AbortSignal | undefined
  readonly #options: RetryOptions
  #failures = 0

  constructor(options: RetryOptions, signal: AbortSignal | undefined) {
    this.#options = options
    this.signal = signal && options.signal ? AbortSignal.any([signal, options.signal]) : (signal ?? options.signal)
  }

  progress(): void {
    this.#failures = 0
  }

  /** Returns when it is time to try again; throws the error when it is not to be. */
  async wait(error: unknown): Promise<void> {
    const { attempts = 4, baseMs = 250, maxMs = 10_000, random = Math.random, sleep = sleepFor } = this.#options
    this.signal?.throwIfAborted()
    this.#failures += 1
    if (!isStorageError(error) || !error.retryable || this.#failures >= attempts) throw error
    const longest = Math.min(maxMs, baseMs * 2 ** (this.#failures - 1))
    const ms = Math.ceil(longest * (0.5 + random() / 2)) // at least half: enough to spread, never at once
    this.#options.onRetry?.(error, this.#failures, ms)
    await sleep(ms, this.signal)
  }
}

/** The signal as an option that is left out without one. */
export function signalOf(backoff: Backoff): { signal?: AbortSignal } {
  return backoff.signal ? { signal: backoff.signal } : {}
}

function sleepFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const abort = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', abort, { once: true })
  })
}
