import { type FSWatcher, watch } from 'node:fs'
import { Signal } from './signal.ts'

/**
 * Tells when a WAL is written to, once per arming: while a burst of commits runs, only the first write costs anything.
 * Where the file system cannot tell, it never does, and the caller's interval does the work.
 */
export class WalWatcher {
  readonly #path: string
  readonly #written = new Signal()
  #watcher: FSWatcher | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** From now on, the next write ends `wait`. Arm before looking at the file, so that nothing slips between. */
  arm(): void {
    this.disarm()
    this.#written.lower()
    try {
      this.#watcher = watch(this.#path, { persistent: false }, () => {
        this.disarm()
        this.#written.raise()
      })
      this.#watcher.on('error', () => this.disarm())
    } catch {
      // No such file yet, or no watching here: the interval remains.
    }
  }

  /** Resolves at the first write since `arm`, after `ms`, or when `stop` aborts. @returns whether it was written to */
  wait(ms: number, stop: AbortSignal): Promise<boolean> {
    return this.#written.wait(ms, stop)
  }

  disarm(): void {
    this.#watcher?.close()
    this.#watcher = undefined
  }
}
