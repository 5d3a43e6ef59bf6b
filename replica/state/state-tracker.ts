import { formatTXID, type TXID } from '../../ltx/index.ts'
import { InFlight } from '../../pagecache/index.ts'
import type { ReplicaClient } from '../../storage/index.ts'
import { eitherSignal } from '../core/either-signal.ts'
import { ReplicaError } from '../core/errors.ts'
import { orAborted } from '../core/or-aborted.ts'
import { pause } from '../core/pause.ts'
import type { Lag, RefreshOptions } from '../core/types.ts'
import { Announcements } from './announcements.ts'
import type { Follower } from './follower.ts'
import type { History, Snapshot } from './snapshot.ts'

export interface StateTrackerOptions {
  readonly client: ReplicaClient
  /** Made at the first check. */
  readonly follower: () => Promise<Follower>
  readonly now: () => number
  readonly checkIntervalMs: number
  /** Check all the time, not only when somebody asks. */
  readonly follow: boolean
  /** Told of the first failure of several checks in a row. */
  readonly onProblem?: ((error: unknown) => void) | undefined
  /** Ends every wait and every check. */
  readonly signal: AbortSignal
}

/**
 * What became of a candidate: the newest state went on to it, or to the other history that the place has now, or stayed
 * what it was.
 */
export type Move = 'moved' | 'begun anew' | 'kept'

/** Who waits for a transaction looks again after so long, then after twice as long, up to the usual interval. */
const FIRST_WAIT_MS = 25
/** `setTimeout` takes no more. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/**
 * Owns the newest state that is known. Checks and replans find candidates; whether one of them becomes the newest state is
 * decided here alone (`offer`).
 */
export class StateTracker {
  readonly #options: StateTrackerOptions
  readonly #announcements: Announcements
  readonly #timer: ReturnType<typeof setInterval> | undefined
  /** A check under way serves all who want one; so does a replan. */
  readonly #works = new InFlight<'check' | 'replan', Snapshot>()
  #newest: Snapshot
  #checkedAt: number
  /** Why checks have failed since the last one that did not. */
  #failing: { readonly error: unknown } | undefined
  /** Histories that were met while the place had the one it has now; others have ended, or nothing proves otherwise. */
  #present = new WeakSet<History>()
  /** Resolved at the next announcement or move. */
  #news = Promise.withResolvers<void>()

  constructor(opened: { readonly state: Snapshot; readonly checkedAt: number }, options: StateTrackerOptions) {
    const { client, follow, checkIntervalMs } = options
    this.#options = options
    this.#newest = opened.state
    this.#present.add(opened.state.history)
    this.#checkedAt = opened.checkedAt
    this.#announcements = new Announcements(client, () => this.#hear())
    if (follow) {
      this.#timer = setInterval(() => this.#follow(), checkIntervalMs)
      // Node: following alone keeps no process alive.
      if (typeof this.#timer === 'object') this.#timer.unref()
    }
  }

  get newest(): Snapshot {
    return this.#newest
  }

  /**
   * Take a candidate, or not: the newest state goes on in its own history only, or to another one that has taken its place.
   *
   * @param base the newest state when it was looked for: what was proved of it says nothing of what came since
   * @param gone a state whose files are no longer there: the same state in other files takes its place
   */
  offer(found: Snapshot, base: Snapshot, gone?: Snapshot): Move {
    const current = this.#newest
    if (found === current) return 'kept'
    if (found.history !== current.history) {
      if (base !== current) return 'kept'
      this.#present = new WeakSet([found.history])
      return this.#move(found, 'begun anew')
    }
    const onward = found.txid > current.txid || (found.txid === current.txid && gone === current)
    return onward ? this.#move(found, 'moved') : 'kept'
  }

  /**
   * Open an older state.
   * @throws what `open` throws
   */
  async open(open: () => Promise<Snapshot>): Promise<Snapshot> {
    const present = this.#present
    const state = await open()
    present.add(state.history)
    return state
  }

  /** True when files of a state may be no longer what they were: the place has been begun anew since it was opened. */
  doubts(state: Snapshot): boolean {
    return !this.#present.has(state.history)
  }

  /** The newest state where `refresh` would not look for one: it was looked for a moment ago. */
  get fresh(): Snapshot | undefined {
    return this.#isFresh(this.#options.checkIntervalMs) ? this.#newest : undefined
  }

  /** Look for a newer state, unless that was done a moment ago. @throws what checking throws; the signal's reason */
  async refresh({ maxAgeMs, signal }: RefreshOptions = {}): Promise<Snapshot> {
    const { checkIntervalMs, signal: closing } = this.#options
    closing.throwIfAborted()
    signal?.throwIfAborted()
    if (!this.#isFresh(maxAgeMs ?? checkIntervalMs)) {
      await this.#works.share('check', (left) => this.#check(AbortSignal.any([left, closing])), signal)
    }
    return this.#newest
  }

  #isFresh(maxAgeMs: number): boolean {
    if (this.#announcements.pending) return false
    return this.#options.now() - this.#checkedAt < maxAgeMs || (maxAgeMs > 0 && this.#announcements.upToDate)
  }

  /**
   * Files of a state are gone: find its pages in those there are now.
   * @returns in the history of `gone` only if that is proved
   * @throws StorageError, ReplicaError; the signal's reason
   */
  async replan(gone: Snapshot, own?: AbortSignal): Promise<Snapshot> {
    const { signal: closing } = this.#options
    const found = await this.#works.share(
      'replan',
      (left) => this.#planAnew(gone, AbortSignal.any([left, closing])),
      own,
    )
    if (found.history === gone.history || gone.txid > found.txid) return found
    // A state that was opened by itself, or another history.
    const follower = await this.#options.follower()
    const signal = eitherSignal(own, closing)
    const standing = await orAborted(follower.standing(gone, signal), signal)
    return standing === 'there' ? found.inHistoryOf(gone) : found
  }

  /** Wait for a transaction. @throws ReplicaError REPLICA_WAIT_TIMEOUT, REPLICA_CLOSED; the signal's reason */
  async waitFor(txid: TXID, { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal }): Promise<Snapshot> {
    const timeout = new AbortController()
    const late = (): void => timeout.abort(waitedInVain(txid, this.#newest.txid, timeoutMs))
    const timer = timeoutMs > MAX_TIMEOUT_MS ? undefined : setTimeout(late, timeoutMs)
    const ended = AbortSignal.any([this.#options.signal, timeout.signal, ...(signal ? [signal] : [])])
    try {
      return await this.#reach(txid, ended)
    } finally {
      clearTimeout(timer)
    }
  }

  lag(): Lag {
    const now = this.#options.now()
    return {
      sinceTransactionMs: now - this.#newest.timestamp,
      sinceCheckMs: this.#announcements.upToDate ? 0 : now - this.#checkedAt,
      ...(this.#failing && { failing: this.#failing.error }),
    }
  }

  close(): void {
    clearInterval(this.#timer)
    this.#announcements.close()
  }

  #move(found: Snapshot, move: Move): Move {
    this.#newest = found
    this.#wake()
    return move
  }

  async #check(signal: AbortSignal): Promise<Snapshot> {
    const startedAt = this.#options.now()
    const base = this.#newest
    this.#announcements.take()
    try {
      const follower = await this.#options.follower()
      // A store that answers nothing ends nobody's wait.
      const found = await orAborted(follower.advance(base, signal), signal)
      signal.throwIfAborted()
      this.offer(found, base)
      this.#checkedAt = startedAt
      this.#failing = undefined
    } catch (error) {
      this.#announcements.putBack()
      if (!signal.aborted) this.#fail(error)
      throw error
    }
    return this.#newest
  }

  async #planAnew(gone: Snapshot, signal: AbortSignal): Promise<Snapshot> {
    const base = this.#newest
    const follower = await this.#options.follower()
    const found = await orAborted(follower.replan(base, signal), signal)
    this.offer(found, base, gone)
    return found
  }

  /** Somebody has seen the transaction: so it is worth looking at once, and soon again. */
  async #reach(txid: TXID, ended: AbortSignal): Promise<Snapshot> {
    for (let waitMs = FIRST_WAIT_MS; ; waitMs *= 2) {
      ended.throwIfAborted()
      if (this.#newest.txid >= txid) return this.#newest
      const news = this.#news.promise
      const state = await this.refresh({ maxAgeMs: 0, signal: ended })
      if (state.txid >= txid) return state
      const pausing = pause(Math.min(waitMs, this.#options.checkIntervalMs), ended)
      await Promise.race([pausing, news])
      pausing.catch(() => {}) // noticed at the next round
    }
  }

  #hear(): void {
    this.#wake()
    if (!this.#options.follow) return
    // A check under way may have looked before what was announced.
    const running = this.#works.join('check') ?? Promise.resolve()
    const follow = (): void => this.#follow()
    running.then(follow, follow)
  }

  #wake(): void {
    this.#news.resolve()
    this.#news = Promise.withResolvers()
  }

  /** Callers of a check hear of a failure themselves; here nobody does. */
  #follow(): void {
    if (!this.#works.has('check') && !this.#options.signal.aborted) void this.refresh().catch(() => {})
  }

  #fail(error: unknown): void {
    const first = this.#failing === undefined
    this.#failing = { error }
    if (!first) return
    try {
      this.#options.onProblem?.(error)
    } catch {
      // Whoever is told cannot make it worse.
    }
  }
}

function waitedInVain(txid: TXID, reached: TXID, timeoutMs: number): ReplicaError {
  const message = `Waited in vain for TXID ${formatTXID(txid)} for ${timeoutMs} ms: the replica is at ${formatTXID(reached)}`
  return new ReplicaError('REPLICA_WAIT_TIMEOUT', message, { at: { txid } })
}
