import type { ReplicaClient, Watch } from '../../storage/index.ts'

/** What a store announces by itself: where it does, nothing is asked until then. */
export class Announcements {
  readonly #watch: Watch | undefined
  #pending = false

  /** @param onNews called at each announcement */
  constructor(client: ReplicaClient, onNews: () => void) {
    this.#watch = client.watch?.(() => {
      this.#pending = true
      onNews()
    })
  }

  /** Something new was announced that no check has taken in. */
  get pending(): boolean {
    return this.#pending
  }

  /** Nothing newer was announced, and it would have been. */
  get upToDate(): boolean {
    return this.#watch?.live === true && !this.#pending
  }

  /** A check begins, which takes in what was announced. */
  take(): void {
    this.#pending = false
  }

  /** It did not. */
  putBack(): void {
    this.#pending ||= this.#watch !== undefined
  }

  close(): void {
    this.#watch?.close()
  }
}
