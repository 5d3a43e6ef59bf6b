import { type FrameForm, formatTXID, SNAPSHOT_LEVEL, type TXID } from '../ltx/index.ts'
import { highestTXID, isReplicaError, listLevel, listLevels, planRestore } from '../replica/index.ts'
import type { ByteStream, LtxFileInfo, LtxFileName, ReplicaClient } from '../storage/index.ts'
import { compactLevel } from './compaction.ts'
import type { Figures } from './figures.ts'
import { isCompactionDue, nextBoundary } from './levels.ts'
import type { LocalLtx } from './local-ltx.ts'
import type { Log } from './log.ts'
import { enforceL0Retention, enforceSnapshotRetention } from './retention.ts'
import type { Scheduled, Scheduler } from './scheduler.ts'
import type { ReplicatorSettings } from './settings.ts'
import { findLevelProblems } from './validate-level.ts'

/** What maintenance needs of the primary. */
export interface SnapshotSource {
  readonly local: LocalLtx
  readonly figures: Figures
  /** @see Primary.snapshot */
  snapshot<T>(use: (txid: TXID, stream: ByteStream) => Promise<T>): Promise<T>
}

export interface MaintenanceOptions {
  readonly client: ReplicaClient
  readonly primary: SnapshotSource
  /** The last TXID that is durable in the replica's level 0; 0 or undefined before the first. */
  readonly durableTXID: () => TXID | undefined
  readonly settings: ReplicatorSettings
  readonly form?: FrameForm
  readonly log: Log
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number
}

const RETRY_MS = 30_000

/**
 * Keeps the replica in shape: merges each level into the next, makes snapshots, and deletes what retention no longer
 * wants, each at Litestream's times. Where nothing was uploaded since the last round, a round makes no request.
 *
 * @see facts 5
 */
export class Maintenance {
  readonly #options: MaintenanceOptions
  readonly #now: () => number
  /** Highest TXID of each level, as far as known: nobody else writes there. */
  readonly #reached = new Map<number, TXID>()
  /** The end of level 1 as listed last, whose newest file is never deleted; undefined before that. */
  #endOfOne: TXID | undefined
  #rounds: Round[] = []
  /** What was durable when rounds were last woken. */
  #seen: TXID = 0n

  constructor(options: MaintenanceOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /**
   * Begin: each round runs once as soon as anything is durable, then at its times for as long as there is something to
   * do, and sleeps otherwise. Failures are logged, and tried again.
   *
   * @param options.backend what tells one store from another: rounds of the same one take turns
   */
  start(scheduler: Scheduler, options: { signal: AbortSignal; backend: string }): void {
    const { settings } = this.#options
    const levels = settings.levels.map(({ level, intervalMs }) => ({
      kind: 'compact' as const,
      level,
      intervalMs,
      what: `compaction to level ${level}`,
      work: (signal: AbortSignal) => this.#compactIfDue(level, signal),
    }))
    const others = [
      {
        kind: 'snapshot' as const,
        level: SNAPSHOT_LEVEL,
        intervalMs: settings.snapshotIntervalMs,
        what: 'snapshot',
        work: (signal: AbortSignal) => this.#snapshotIfDue(signal),
      },
      {
        kind: 'compact' as const,
        level: 0,
        intervalMs: settings.l0RetentionCheckIntervalMs,
        what: 'retention of level 0',
        work: (signal: AbortSignal) => this.#clearL0(signal),
      },
    ]
    this.#rounds = [...levels, ...others].map((plan) => {
      const run = () => this.#run(plan, options.signal)
      return {
        ...plan,
        task: scheduler.add({ kind: `${plan.kind}@${options.backend}`, run }, Number.POSITIVE_INFINITY),
      }
    })
  }

  /** More may be durable than before. */
  uploaded(): void {
    const durable = this.#options.durableTXID() ?? 0n
    if (durable <= this.#seen) return
    if (this.#seen === 0n) for (const { task } of this.#rounds) task.wake()
    this.#seen = durable
    for (const round of this.#rounds) {
      if (round.level <= 1 || round.level === SNAPSHOT_LEVEL) this.#wake(round)
    }
  }

  /** Resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    await Promise.all(this.#rounds.map(({ task }) => task.stop()))
  }

  /** Write a snapshot of the database as it is now. @returns its TXID */
  async snapshot(signal?: AbortSignal): Promise<TXID> {
    const { client, primary, log } = this.#options
    return primary.snapshot(async (txid, stream) => {
      const name = { level: SNAPSHOT_LEVEL, minTXID: 1n, maxTXID: txid }
      const info = await client.write(name, stream, signalOf(signal))
      this.#reached.set(SNAPSHOT_LEVEL, txid)
      log.info('snapshot', { txid: formatTXID(txid), size: info.size })
      return txid
    })
  }

  /** Delete snapshots that are too old, and what only they needed. */
  async enforceRetention(signal?: AbortSignal): Promise<void> {
    const { client, settings, log } = this.#options
    const { deleted } = await enforceSnapshotRetention(client, {
      now: this.#now(),
      retentionMs: settings.snapshotRetentionMs,
      levels: settings.levels.map(({ level }) => level),
      remoteDeletes: settings.retentionEnabled,
      ...signalOf(signal),
    })
    if (deleted.length > 0) log.info('retention', { deleted: deleted.length })
  }

  /** @returns when to come again; Infinity when there is nothing to do before anything is uploaded */
  async #compactIfDue(level: number, signal: AbortSignal): Promise<number> {
    const { client, settings } = this.#options
    const intervalMs = settings.levels.find((entry) => entry.level === level)!.intervalMs
    const known = this.#reached.get(level)
    if (known === undefined) {
      const newest = (await listLevel(client, level, { signal })).at(-1)
      this.#reached.set(level, newest?.maxTXID ?? 0n)
      if (!isCompactionDue(newest?.createdAt, this.#now(), intervalMs)) return this.#now()
    }
    const below = level === 1 ? this.#options.durableTXID() : this.#reached.get(level - 1)
    if (known !== undefined && (below ?? 0n) <= known) return Number.POSITIVE_INFINITY
    await this.#compact(level, signal)
    return Number.POSITIVE_INFINITY
  }

  async #compact(level: number, signal: AbortSignal): Promise<void> {
    const { client, log, form, settings } = this.#options
    for (let more = true; more; ) {
      const result = await compactLevel(client, level, {
        reached: this.#reached.get(level) ?? 0n,
        openLocal: (file) => this.#openLocal(file),
        signal,
        ...(form && { form }),
      })
      more = result.more
      if (result.written) {
        const { minTXID, maxTXID, size } = result.written
        this.#reached.set(level, maxTXID)
        for (const round of this.#rounds) if (round.level === level + 1 || round.level === 0) this.#wake(round)
        if (settings.verifyCompaction) await this.#verify(level, signal)
        log.debug('compaction', { level, min: formatTXID(minTXID), max: formatTXID(maxTXID), size })
      }
      if (!result.gap) continue
      log.warn('files are missing from the replica, writing a snapshot instead', {
        level: level - 1,
        after: formatTXID(result.gap.after),
        before: formatTXID(result.gap.before),
      })
      await this.snapshot(signal)
    }
  }

  async #openLocal({ maxTXID }: LtxFileName): Promise<ByteStream | undefined> {
    const { local } = this.#options.primary
    return (await local.size(maxTXID)) === undefined ? undefined : local.stream(maxTXID)
  }

  /** @returns as `#compactIfDue` */
  async #snapshotIfDue(signal: AbortSignal): Promise<number> {
    const { client, settings } = this.#options
    const snapshots = await listLevel(client, SNAPSHOT_LEVEL, { signal })
    const newest = snapshots.at(-1)
    const durable = this.#options.durableTXID() ?? 0n
    const due = isCompactionDue(newest?.createdAt, this.#now(), settings.snapshotIntervalMs)
    const made = due && highestTXID(snapshots) < durable
    if (made) await this.snapshot(signal)
    await this.enforceRetention(signal)
    // Snapshots grow old, and what is not in one yet comes into the next: both bring us back.
    const settled = (made || highestTXID(snapshots) >= durable) && snapshots.length + (made ? 1 : 0) <= 1
    return settled ? Number.POSITIVE_INFINITY : this.#now()
  }

  /** @returns as `#compactIfDue` */
  async #clearL0(signal: AbortSignal): Promise<number> {
    const { client, primary, settings } = this.#options
    const { deleteLocal, nextAt, seen, levelOne } = await enforceL0Retention(client, {
      now: this.#now(),
      retentionMs: settings.l0RetentionMs,
      remoteDeletes: settings.retentionEnabled,
      signal,
    })
    primary.figures.l0 = seen
    const end = this.#endOfOne
    this.#endOfOne = highestTXID(levelOne)
    const isThere = end === 0n || levelOne.some(({ maxTXID }) => maxTXID === end)
    if (!isThere) await this.#makeRestorable(signal)
    await primary.local.delete(deleteLocal.map((file: LtxFileInfo) => file.maxTXID))
    return nextAt
  }

  /** Somebody has emptied the place, or a part of it: what comes since is worth nothing without a snapshot. */
  async #makeRestorable(signal: AbortSignal): Promise<void> {
    const { client, log } = this.#options
    const levels = await listLevels(client, { signal })
    try {
      planRestore(levels)
    } catch (error) {
      if (!isReplicaError(error, 'REPLICA_TX_NOT_AVAILABLE', 'REPLICA_NON_CONTIGUOUS')) throw error
      log.warn('the replica cannot be restored: its older files are gone; writing a snapshot', { error: error.message })
      this.#reached.clear() // and what was known of its levels
      await this.snapshot(signal)
    }
  }

  async #verify(level: number, signal: AbortSignal): Promise<void> {
    const { client, log, primary } = this.#options
    const problems = findLevelProblems(await listLevel(client, level, { signal }))
    for (const problem of problems) {
      log.warn('a level is not whole after compaction', { level, ...problem })
      primary.figures.compactionVerifyErrors += 1
    }
  }

  /** At the next time of its interval, unless it comes earlier already. */
  #wake({ task, intervalMs }: Round): void {
    const nowMs = this.#now()
    task.wake(nextBoundary(nowMs, intervalMs) - nowMs)
  }

  async #run(plan: RoundPlan, signal: AbortSignal): Promise<number> {
    if (signal.aborted) return Number.POSITIVE_INFINITY
    let notBefore: number
    let mostMs = Number.POSITIVE_INFINITY
    try {
      notBefore = await plan.work(signal)
    } catch (error) {
      if (signal.aborted) return Number.POSITIVE_INFINITY
      this.#options.log.error(`${plan.what} failed`, { error: (error as Error).message })
      notBefore = this.#now()
      mostMs = RETRY_MS
    }
    if (notBefore === Number.POSITIVE_INFINITY) return notBefore
    const nowMs = this.#now()
    return Math.min(mostMs, nextBoundary(Math.max(nowMs, notBefore), plan.intervalMs) - nowMs)
  }
}

interface RoundPlan {
  readonly kind: 'compact' | 'snapshot'
  /** What it fills; 0: it clears level 0. */
  readonly level: number
  readonly intervalMs: number
  readonly what: string
  /** @returns not to come again before this time; Infinity: until something is uploaded */
  work(signal: AbortSignal): Promise<number>
}

interface Round extends RoundPlan {
  readonly task: Scheduled
}

function signalOf(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {}
}
