import {
  type CompactionLevel,
  DEFAULT_COMPACTION_LEVELS,
  DEFAULT_L0_RETENTION_CHECK_INTERVAL_MS,
  DEFAULT_L0_RETENTION_MS,
  DEFAULT_SNAPSHOT_INTERVAL_MS,
  DEFAULT_SNAPSHOT_RETENTION_MS,
} from './levels.ts'

/** How the primary is followed. Meanings and defaults are Litestream's (facts 3.1). */
export interface PrimarySettings {
  /** How long to wait for another process's lock, in ms. */
  readonly busyTimeoutMs: number
  /** Checkpoint when something was copied and the last checkpoint is older than this; 0: not by time. */
  readonly checkpointIntervalMs: number
  /** Checkpoint (PASSIVE) when the WAL holds so many pages. */
  readonly minCheckpointPages: number
  /** Checkpoint with TRUNCATE when the WAL holds so many pages all the same; 0 or less: never. */
  readonly truncatePages: number
  /** Bytes of WAL that go into one L0 file, about; 0: no limit. */
  readonly maxSyncWalBytes: number
}

export const PRIMARY_DEFAULTS: PrimarySettings = {
  busyTimeoutMs: 1000,
  checkpointIntervalMs: 60_000,
  minCheckpointPages: 1000,
  truncatePages: 121_359,
  maxSyncWalBytes: 64 * 1024 * 1024,
}

/** How one database is replicated. Meanings and defaults are Litestream's (facts 3.1, 4, 5.1) unless said otherwise. */
export interface ReplicatorSettings extends PrimarySettings {
  /** Look for commits at least so often; the WAL being written to is noticed at once besides. */
  readonly monitorIntervalMs: number
  /** Mean distance of L0 files while commits keep coming, so that they cost a bounded number of requests. Ours alone. */
  readonly minSyncIntervalMs: number
  /** The first pause after a failed upload. */
  readonly syncIntervalMs: number
  readonly shutdownSyncTimeoutMs: number
  readonly shutdownSyncIntervalMs: number
  readonly levels: readonly CompactionLevel[]
  readonly snapshotIntervalMs: number
  readonly snapshotRetentionMs: number
  /** 0: L0 files are kept for ever. */
  readonly l0RetentionMs: number
  readonly l0RetentionCheckIntervalMs: number
  /** False: nothing is deleted from the replica. */
  readonly retentionEnabled: boolean
  /** L0 files uploaded before other work gets a turn; 0: all there are. */
  readonly maxSyncLtxFiles: number
  /** Begin local state anew when it is missing or damaged, instead of standing still (facts 3.13). */
  readonly autoRecover: boolean
  /** After each compaction, list the level and warn of gaps. */
  readonly verifyCompaction: boolean
}

export const REPLICATOR_DEFAULTS: ReplicatorSettings = {
  ...PRIMARY_DEFAULTS,
  monitorIntervalMs: 1000,
  minSyncIntervalMs: 100,
  syncIntervalMs: 1000,
  shutdownSyncTimeoutMs: 30_000,
  shutdownSyncIntervalMs: 500,
  levels: DEFAULT_COMPACTION_LEVELS,
  snapshotIntervalMs: DEFAULT_SNAPSHOT_INTERVAL_MS,
  snapshotRetentionMs: DEFAULT_SNAPSHOT_RETENTION_MS,
  l0RetentionMs: DEFAULT_L0_RETENTION_MS,
  l0RetentionCheckIntervalMs: DEFAULT_L0_RETENTION_CHECK_INTERVAL_MS,
  retentionEnabled: true,
  maxSyncLtxFiles: 256,
  autoRecover: false,
  verifyCompaction: false,
}
