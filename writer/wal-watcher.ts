import { type FSWatcher, watch } from 'node:fs'

/**
 * Tells when a WAL is written to, once per arming: while a burst of commits runs, only the first write costs anything.
 * Where the file system cannot tell, it never does, and the caller's interval does the work.
 */
export class WalWatcher {
  readonly #path: string
  readonly #onWrite: () => void
  #watcher: FSWatcher | undefined

  constructor(path: string, onWrite: () => void) {
    this.#path = path
    this.#onWrite = onWrite
  }

  /**
   * From now on, the next write is told. Arm before looking at the file, so that nothing slips between.
   * @returns false when there is no such file yet, or nothing more can be watched here
   */
  arm(): boolean {
    this.disarm()
    try {
      this.#watcher = watch(this.#path, { persistent: false }, () => {
        this.disarm()
        this.#onWrite()
      })
      this.#watcher.on('error', () => this.disarm())
      return true
    } catch {
      return false
    }
  }

  disarm(): void {
    this.#watcher?.close()
    this.#watcher = undefined
  }
}
