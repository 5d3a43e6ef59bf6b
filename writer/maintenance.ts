import { setTimeout as delay } from 'node:timers/promises'
import { type FrameForm, formatTXID, SNAPSHOT_LEVEL, type TXID } from '../ltx/index.ts'
import { highestTXID, listLevel } from '../replica/index.ts'
import type { ByteStream, LtxFileInfo, LtxFileName, ReplicaClient } from '../storage/index.ts'
import { compactLevel } from './compaction.ts'
import type { Figures } from './figures.ts'
import { isCompactionDue, nextBoundary } from './levels.ts'
import type { LocalLtx } from './local-ltx.ts'
import type { Log } from './log.ts'
import { enforceL0Retention, enforceSnapshotRetention } from './retention.ts'
import type { ReplicatorSettings } from './settings.ts'

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

const READY_POLL_MS = 1000
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
  /** What was durable when level 0 was last cleared down to its newest file. */
  #clearedAt: TXID | undefined

  constructor(options: MaintenanceOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /** Work until `stop` aborts. Failures are logged, and tried again. */
  async run(stop: AbortSignal): Promise<void> {
    const { settings } = this.#options
    while (!stop.aborted && !this.#options.durableTXID()) await pause(READY_POLL_MS, stop)
    const rounds = settings.levels.map(({ level, intervalMs }) =>
      this.#every(intervalMs, stop, `compaction to level ${level}`, (signal) => this.#compactIfDue(level, signal)),
    )
    rounds.push(
      this.#every(settings.snapshotIntervalMs, stop, 'snapshot', (signal) => this.#snapshotIfDue(signal)),
      this.#every(settings.l0RetentionCheckIntervalMs, stop, 'retention of level 0', (signal) => this.#clearL0(signal)),
    )
    await Promise.all(rounds)
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

  async #compactIfDue(level: number, signal: AbortSignal): Promise<void> {
    const { client, settings } = this.#options
    const intervalMs = settings.levels.find((entry) => entry.level === level)!.intervalMs
    const known = this.#reached.get(level)
    if (known === undefined) {
      const newest = (await listLevel(client, level, { signal })).at(-1)
      this.#reached.set(level, newest?.maxTXID ?? 0n)
      if (!isCompactionDue(newest?.createdAt, this.#now(), intervalMs)) return
    }
    const below = level === 1 ? this.#options.durableTXID() : this.#reached.get(level - 1)
    if (known !== undefined && (below ?? 0n) <= known) return
    await this.#compact(level, signal)
    if (level === 1) await this.#clearL0(signal)
  }

  async #compact(level: number, signal: AbortSignal): Promise<void> {
    const { client, log, form } = this.#options
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

  async #snapshotIfDue(signal: AbortSignal): Promise<void> {
    const { client, settings } = this.#options
    const snapshots = await listLevel(client, SNAPSHOT_LEVEL, { signal })
    const newest = snapshots.at(-1)
    const due = isCompactionDue(newest?.createdAt, this.#now(), settings.snapshotIntervalMs)
    if (due && highestTXID(snapshots) < (this.#options.durableTXID() ?? 0n)) await this.snapshot(signal)
    await this.enforceRetention(signal)
  }

  async #clearL0(signal: AbortSignal): Promise<void> {
    const { client, primary, settings } = this.#options
    const durable = this.#options.durableTXID()
    if (durable === this.#clearedAt) return
    const { deleteLocal, left, seen } = await enforceL0Retention(client, {
      now: this.#now(),
      retentionMs: settings.l0RetentionMs,
      remoteDeletes: settings.retentionEnabled,
      signal,
    })
    primary.figures.l0 = seen
    await primary.local.delete(deleteLocal.map((file: LtxFileInfo) => file.maxTXID))
    if (left <= 1) this.#clearedAt = durable
  }

  /** Run `round` now and at every multiple of the interval. */
  async #every(
    intervalMs: number,
    stop: AbortSignal,
    what: string,
    round: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    while (!stop.aborted) {
      let waitMs = RETRY_MS
      try {
        await round(stop)
        waitMs = Number.POSITIVE_INFINITY
      } catch (error) {
        if (stop.aborted) return
        this.#options.log.error(`${what} failed`, { error: (error as Error).message })
      }
      const nowMs = this.#now()
      await pause(Math.min(waitMs, nextBoundary(nowMs, intervalMs) - nowMs), stop)
    }
  }
}

/** `setTimeout` takes no more than this. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1

/** Sleep; ends early and quietly when `stop` aborts. */
async function pause(ms: number, stop: AbortSignal): Promise<void> {
  await delay(Math.min(ms, TIMEOUT_MAX_MS), undefined, { signal: stop }).catch(() => {})
}

function signalOf(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {}
}
