interface Shared<V> {
  readonly promise: Promise<V>
  readonly controller: AbortController
  /** Who still waits. One that came without a signal never leaves. */
  callers: number
}

/**
 * Work that is under way, by key: whoever asks for the same key meanwhile gets the same result.
 *
 * Nothing outlives the work: a result is forgotten as soon as it is there (a cache may keep it), and a failure at once,
 * so the next caller tries anew. A caller's abort ends its own wait only; the work is aborted when all have left.
 *
 * Reads of several pages at once nest: every page is shared under its own key, and its work shares the range read under
 * the range's key. So a range goes on while anybody waits for one of its pages.
 *
 * Where a promise must not be shared between requests (Workers), use one per request.
 */
export class InFlight<K, V> {
  readonly #shared = new Map<K, Shared<V>>()

  /** Keys under way. */
  get size(): number {
    return this.#shared.size
  }

  /** Whether the key is under way. */
  has(key: K): boolean {
    return this.#shared.has(key)
  }

  /**
   * Join what is under way for `key`, or begin it.
   *
   * @param work called at once and only when nothing is under way; its signal aborts when nobody waits any more
   * @param signal this caller's own
   * @returns what the work gives; everybody gets the same object
   * @throws what the work throws; the signal's reason when it aborts first
   */
  share(key: K, work: (signal: AbortSignal) => Promise<V>, signal?: AbortSignal): Promise<V> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    return this.#wait(key, this.#shared.get(key) ?? this.#begin(key, work), signal)
  }

  /** Join what is under way for `key`; undefined when nothing is. Throws as `share` does. */
  join(key: K, signal?: AbortSignal): Promise<V> | undefined {
    const shared = this.#shared.get(key)
    if (shared === undefined) return undefined
    return signal?.aborted ? Promise.reject(signal.reason) : this.#wait(key, shared, signal)
  }

  #begin(key: K, work: (signal: AbortSignal) => Promise<V>): Shared<V> {
    const controller = new AbortController()
    // In an executor, work that throws instead of rejecting is a rejection too.
    const promise = new Promise<V>((resolve) => resolve(work(controller.signal)))
    const shared: Shared<V> = { promise, controller, callers: 0 }
    this.#shared.set(key, shared)
    // Before any caller's own handler, so that who sees the failure finds it forgotten. Nobody left to see it is fine.
    const forget = (): void => this.#forget(key, shared)
    promise.then(forget, forget)
    return shared
  }

  #wait(key: K, shared: Shared<V>, signal: AbortSignal | undefined): Promise<V> {
    shared.callers++
    if (signal === undefined) return shared.promise
    return new Promise<V>((resolve, reject) => {
      const leave = (): void => {
        reject(signal.reason)
        if (--shared.callers > 0) return
        this.#forget(key, shared) // first: nobody may join what is being aborted
        shared.controller.abort(signal.reason)
      }
      const stay = (): void => signal.removeEventListener('abort', leave)
      signal.addEventListener('abort', leave, { once: true })
      shared.promise.then(stay, stay)
      shared.promise.then(resolve, reject)
    })
  }

  #forget(key: K, shared: Shared<V>): void {
    if (this.#shared.get(key) === shared) this.#shared.delete(key)
  }
}
