import { setTimeout as delay } from 'node:timers/promises'
import { isStorageError, type Lease } from '../storage/index.ts'
import type { Log } from './log.ts'

export interface LeaseKeeperOptions {
  readonly log: Log
  /** Milliseconds since the Unix epoch, by the clock that the lease goes by. */
  readonly now: () => number
}

/**
 * Holds a lease for as long as replication runs: renewed at a third of its time, so that two renewals may fail.
 *
 * @see facts 8.1
 */
export class LeaseKeeper {
  readonly #lease: Lease
  readonly #options: LeaseKeeperOptions

  constructor(lease: Lease, options: LeaseKeeperOptions) {
    this.#lease = lease
    this.#options = options
  }

  /** @throws StorageError STORAGE_LEASE_EXISTS, naming its holder and its end */
  async acquire(): Promise<void> {
    const { generation, expiresAt } = await this.#lease.acquire()
    this.#options.log.info('holding the lease', { generation, until: new Date(expiresAt).toISOString() })
  }

  /**
   * Renew until `stop` aborts.
   * @throws StorageError STORAGE_LEASE_NOT_HELD when somebody else has it, or it ran out before it could be renewed
   */
  async keep(stop: AbortSignal): Promise<void> {
    const { log, now } = this.#options
    while (!stop.aborted) {
      const { expiresAt } = this.#lease.held!
      const pauseMs = Math.max(10, (expiresAt - now()) / 3)
      await delay(pauseMs, undefined, { signal: stop }).catch(() => {})
      if (stop.aborted) return
      try {
        await this.#lease.renew(stop)
      } catch (error) {
        if (stop.aborted) return
        if (!isStorageError(error) || !error.retryable || now() >= expiresAt) throw error
        log.warn('cannot renew the lease, trying on', { error: error.message })
      }
    }
  }

  /** Give the lease back, if it is held. Failing to is no harm: it runs out. */
  async release(): Promise<void> {
    if (!this.#lease.held) return
    await this.#lease.release().catch((error: Error) => {
      this.#options.log.warn('cannot give the lease back', { error: error.message })
    })
  }
}
