/** A flag that one waiter at a time can wait for. */
export class Signal {
  #raised = false
  #wake: (() => void) | undefined

  raise(): void {
    this.#raised = true
    this.#wake?.()
  }

  lower(): void {
    this.#raised = false
  }

  /**
   * Resolves when the flag is up, after `ms` (may be Infinity), or when `stop` aborts; leaves nothing behind.
   * @returns whether the flag is up
   */
  wait(ms: number, stop: AbortSignal): Promise<boolean> {
    if (this.#raised || stop.aborted) return Promise.resolve(this.#raised)
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        stop.removeEventListener('abort', done)
        this.#wake = undefined
        resolve(this.#raised)
      }
      const timer = Number.isFinite(ms) ? setTimeout(done, ms) : undefined
      this.#wake = done
      stop.addEventListener('abort', done)
    })
  }
}
