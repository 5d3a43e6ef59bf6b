import type { PrimarySettings } from './settings.ts'
import { walSizeOf } from './wal.ts'

export interface CheckpointFacts {
  readonly pageSize: number
  /** Logical bytes in the WAL: its header and the frames copied so far. */
  readonly walBytes: number
  /** WAL bytes after the last checkpoint that could not restart the WAL; 0 when the last one did. */
  readonly walBytesAtFailure: number
  /** Anything copied since the last checkpoint? */
  readonly copiedSinceCheckpoint: boolean
  readonly nowMs: number
  /** When a checkpoint was last tried or the database file last written, whichever is later. */
  readonly lastCheckpointMs: number
}

/**
 * Decide whether to checkpoint after a sync.
 *
 * While readers of the application keep the WAL from restarting, the next attempt waits until it has grown by as much
 * again as started the first one: upstream tries, and writes a small L0 file, at every tick.
 *
 * @returns the strongest mode called for (`TRUNCATE` starts with a PASSIVE attempt), or undefined for none
 * @see facts 3.8
 */
export function planCheckpoint(
  facts: CheckpointFacts,
  settings: Pick<PrimarySettings, 'minCheckpointPages' | 'truncatePages' | 'checkpointIntervalMs'>,
): 'PASSIVE' | 'TRUNCATE' | undefined {
  const { pageSize, walBytes, walBytesAtFailure } = facts
  const step = walSizeOf(settings.minCheckpointPages, pageSize)
  const due = walBytesAtFailure === 0 ? walBytes >= step : walBytes >= walBytesAtFailure + step
  const emergency = settings.truncatePages > 0 && walBytes >= walSizeOf(settings.truncatePages, pageSize)
  if (due) return emergency ? 'TRUNCATE' : 'PASSIVE'
  return nextCheckpointMs(facts, settings) < 0 ? (emergency ? 'TRUNCATE' : 'PASSIVE') : undefined
}

/** How long until a checkpoint is due by time, in ms: below 0 when it is, Infinity when it will not be. */
export function nextCheckpointMs(
  facts: Omit<CheckpointFacts, 'walBytesAtFailure'>,
  settings: Pick<PrimarySettings, 'checkpointIntervalMs'>,
): number {
  const { checkpointIntervalMs: interval } = settings
  const some = facts.copiedSinceCheckpoint && facts.walBytes > walSizeOf(1, facts.pageSize)
  return interval > 0 && some ? facts.lastCheckpointMs + interval - facts.nowMs : Number.POSITIVE_INFINITY
}
