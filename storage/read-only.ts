import { StorageError } from './errors.ts'

/** What clients that only read have in common: they can be closed, and refuse to write. */
export abstract class ReadOnlyReplica {
  readonly type: string
  readonly url: string
  readonly readsOnly = true
  readonly createsExclusively = false
  readonly #ending = new AbortController()

  constructor(type: string, url: string) {
    this.type = type
    this.url = url
  }

  write(): Promise<never> {
    return this.#refuse()
  }

  delete(): Promise<never> {
    return this.#refuse()
  }

  deleteAll(): Promise<never> {
    return this.#refuse()
  }

  async close(): Promise<void> {
    this.#ending.abort(new StorageError('STORAGE_CLOSED', `${this.url} has been closed`))
  }

  /** Aborted when it is closed, with STORAGE_CLOSED. */
  protected get ended(): AbortSignal {
    return this.#ending.signal
  }

  /** @throws StorageError STORAGE_CLOSED; the signal's reason */
  protected check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted()
    this.ended.throwIfAborted()
  }

  async #refuse(): Promise<never> {
    throw new StorageError('STORAGE_REFUSED', `Cannot write to ${this.url}: this client only reads`)
  }
}
