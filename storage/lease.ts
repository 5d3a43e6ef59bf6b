import { isStorageError, StorageError } from './errors.ts'
import { formatTimestamp, parseTimestamp } from './timestamp.ts'
import type { LeaseStore } from './types.ts'

/** A lease as it stands in the store. */
export interface LeaseState {
  /** Counts acquisitions, from 1. */
  readonly generation: number
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
  /** Who holds it, `host:pid`; empty if unknown. */
  readonly owner: string
}

export interface LeaseOptions {
  /** `host:pid`; left out of the object if empty. */
  readonly owner?: string
  /** Default 30 000. */
  readonly ttlMs?: number
  /** The clock that decides expiry: this machine's. */
  readonly now: () => number
}

const DEFAULT_TTL_MS = 30_000

/**
 * The right to write to a replica, as Litestream's leaser keeps it in `lock.json` (facts 8.1).
 *
 * Nothing enforces it: whoever writes must hold it, renew it well before it expires, and stop when renewing fails.
 * Acquiring and renewing are conditional writes, so of several contenders at most one succeeds.
 */
export class Lease {
  readonly #store: LeaseStore
  readonly #owner: string
  readonly #ttlMs: number
  readonly #now: () => number
  #held: { readonly state: LeaseState; readonly version: string } | undefined

  constructor(store: LeaseStore, options: LeaseOptions) {
    this.#store = store
    this.#owner = options.owner ?? ''
    this.#ttlMs = options.ttlMs ?? DEFAULT_TTL_MS
    this.#now = options.now
  }

  /** What this object holds, expired or not; undefined before `acquire` and after `release`. */
  get held(): LeaseState | undefined {
    return this.#held?.state
  }

  /**
   * Take the lease if nobody has it or it has expired.
   * @throws StorageError STORAGE_LEASE_EXISTS with `at.owner` and `at.expiresAt`
   */
  async acquire(signal?: AbortSignal): Promise<LeaseState> {
    const existing = await this.#store.get(signal)
    const last = existing && decodeLease(existing.body)
    if (last && this.#now() <= last.expiresAt) throw leaseExists(last)
    try {
      return await this.#write((last?.generation ?? 0) + 1, existing?.version, signal)
    } catch (error) {
      if (!isStorageError(error, 'STORAGE_PRECONDITION_FAILED')) throw error
      const winner = await this.#store.get(signal)
      throw leaseExists(winner && decodeLease(winner.body), error)
    }
  }

  /**
   * Put the expiry off; the generation stays.
   * @throws StorageError STORAGE_LEASE_NOT_HELD if somebody else has it by now, or it was never acquired
   */
  async renew(signal?: AbortSignal): Promise<LeaseState> {
    const held = this.#held
    if (!held) throw notHeld('renew')
    try {
      return await this.#write(held.state.generation, held.version, signal)
    } catch (error) {
      throw this.#lost('renew', error)
    }
  }

  /**
   * Give the lease back; one that is gone already is fine.
   * @throws StorageError STORAGE_LEASE_NOT_HELD if somebody else has it by now, or it was never acquired
   */
  async release(signal?: AbortSignal): Promise<void> {
    const held = this.#held
    if (!held) throw notHeld('release')
    try {
      await this.#store.delete(held.version, signal)
      this.#held = undefined
    } catch (error) {
      throw this.#lost('release', error)
    }
  }

  async #write(generation: number, version: string | undefined, signal: AbortSignal | undefined): Promise<LeaseState> {
    const state = { generation, expiresAt: this.#now() + this.#ttlMs, owner: this.#owner }
    this.#held = { state, version: await this.#store.put(encodeLease(state), version, signal) }
    return state
  }

  #lost(verb: string, error: unknown): unknown {
    if (!isStorageError(error, 'STORAGE_PRECONDITION_FAILED')) return error
    this.#held = undefined
    return notHeld(verb, error)
  }
}

/** The lease object's bytes: JSON as Litestream writes it. */
export function encodeLease(state: LeaseState): Uint8Array {
  const owner = state.owner === '' ? {} : { owner: state.owner }
  const json = { generation: state.generation, expires_at: formatTimestamp(state.expiresAt), ...owner }
  return new TextEncoder().encode(JSON.stringify(json))
}

/** @throws StorageError STORAGE_BAD_LEASE: it is never taken for expired */
export function decodeLease(bytes: Uint8Array): LeaseState {
  try {
    const json = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>
    const { generation, expires_at: expires, owner = '' } = json
    const expiresAt = typeof expires === 'string' ? parseTimestamp(expires) : undefined
    if (!Number.isSafeInteger(generation) || expiresAt === undefined || typeof owner !== 'string') {
      throw new TypeError('generation, expires_at or owner is missing or of the wrong form')
    }
    return { generation: generation as number, expiresAt, owner }
  } catch (cause) {
    const message = 'Cannot read the lease: lock.json is damaged; delete it if nobody writes to this replica'
    throw new StorageError('STORAGE_BAD_LEASE', message, { cause })
  }
}

function leaseExists(state: LeaseState | undefined, cause?: unknown): StorageError {
  const until = state ? ` until ${formatTimestamp(state.expiresAt)}` : ''
  const message = `The lease is held by ${state?.owner || 'another process'}${until}`
  return new StorageError('STORAGE_LEASE_EXISTS', message, {
    at: state ? { owner: state.owner, expiresAt: state.expiresAt } : {},
    cause,
  })
}

function notHeld(verb: string, cause?: unknown): StorageError {
  const message = `Cannot ${verb} the lease: this process does not hold it (any more)`
  return new StorageError('STORAGE_LEASE_NOT_HELD', message, { cause })
}
