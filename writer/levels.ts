import { SNAPSHOT_LEVEL } from '../ltx/index.ts'
import { WriterError } from './errors.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** One compacted level: `level - 1` is merged into it at most once per interval. */
export interface CompactionLevel {
  /** 1 to 8. */
  readonly level: number
  readonly intervalMs: number
}

/** What Litestream compacts when nobody configures it (facts 5.1). */
export const DEFAULT_COMPACTION_LEVELS: readonly CompactionLevel[] = [
  { level: 1, intervalMs: 30 * SECOND },
  { level: 2, intervalMs: 5 * MINUTE },
  { level: 3, intervalMs: HOUR },
]

export const DEFAULT_SNAPSHOT_INTERVAL_MS = 24 * HOUR
export const DEFAULT_SNAPSHOT_RETENTION_MS = 24 * HOUR
export const DEFAULT_L0_RETENTION_MS = 5 * MINUTE
export const DEFAULT_L0_RETENTION_CHECK_INTERVAL_MS = 15 * SECOND

/** Go's zero time, 0001-01-01T00:00:00Z, in milliseconds since the Unix epoch: boundaries count from here (facts 5.2). */
export const GO_ZERO_TIME_MS = -62_135_596_800_000

/**
 * Levels from their intervals, as a configuration lists them: the first is L1.
 *
 * @throws WriterError WRITER_USAGE for more than eight levels or an interval that is not positive
 */
export function compactionLevels(intervalsMs: readonly number[]): CompactionLevel[] {
  if (intervalsMs.length >= SNAPSHOT_LEVEL) {
    throw new WriterError(
      'WRITER_USAGE',
      `Cannot configure ${intervalsMs.length} compaction levels: there are ${SNAPSHOT_LEVEL - 1} at most`,
    )
  }
  return intervalsMs.map((intervalMs, index) => {
    if (Number.isFinite(intervalMs) && intervalMs > 0) return { level: index + 1, intervalMs }
    throw new WriterError('WRITER_USAGE', `Cannot configure level ${index + 1}: its interval must be above zero`)
  })
}

/** The last multiple of the interval since Go's zero time that is not after `now` (Go's `Time.Truncate`). */
export function previousBoundary(now: number, intervalMs: number): number {
  return now - ((now - GO_ZERO_TIME_MS) % intervalMs)
}

/** The first multiple of the interval after `now`: when the level is compacted next (24 h means UTC midnight). */
export function nextBoundary(now: number, intervalMs: number): number {
  return previousBoundary(now, intervalMs) + intervalMs
}

/**
 * Whether a level may be compacted (or a snapshot made) now: once per interval (facts 5.3).
 *
 * @param newestCreatedAt of the level's newest file; undefined for an empty level
 */
export function isCompactionDue(newestCreatedAt: number | undefined, now: number, intervalMs: number): boolean {
  return newestCreatedAt === undefined || newestCreatedAt <= previousBoundary(now, intervalMs)
}
