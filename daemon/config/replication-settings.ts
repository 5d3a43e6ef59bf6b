import { type CompactionLevel, compactionLevels, REPLICATOR_DEFAULTS } from '../../writer/index.ts'
import type { ReplicationSettings } from './config.ts'
import type { CONFIG_KEYS, DATABASE_KEYS } from './keys.ts'
import type { Given, Values } from './read-map.ts'
import type { ReplicaDefaults } from './replica-values.ts'

export type ConfigValues = Values<typeof CONFIG_KEYS>
export type DatabaseValues = Values<typeof DATABASE_KEYS>
/** When snapshots are made, and how long they are kept; ms. */
export type SnapshotTimes = Pick<ReplicationSettings, 'snapshotIntervalMs' | 'snapshotRetentionMs'>

/** What upload takes at once when nobody says otherwise (facts 4). */
const MAX_SYNC_LTX_FILES = 256

/** How databases are replicated that say nothing themselves. @see facts 3.1, 4, 5.1 */
export function defaultSettings(values: ConfigValues, snapshot: SnapshotTimes): ReplicationSettings {
  return {
    ...REPLICATOR_DEFAULTS,
    ...snapshot,
    ...replicaOwn(values),
    levels: levels(values),
    l0RetentionMs: values['l0-retention']?.value ?? REPLICATOR_DEFAULTS.l0RetentionMs,
    l0RetentionCheckIntervalMs:
      values['l0-retention-check-interval']?.value ?? REPLICATOR_DEFAULTS.l0RetentionCheckIntervalMs,
    shutdownSyncTimeoutMs: values['shutdown-sync-timeout']?.value ?? REPLICATOR_DEFAULTS.shutdownSyncTimeoutMs,
    shutdownSyncIntervalMs: values['shutdown-sync-interval']?.value ?? REPLICATOR_DEFAULTS.shutdownSyncIntervalMs,
    retentionEnabled: values.retention?.value.enabled?.value ?? true,
    verifyCompaction: values['verify-compaction']?.value ?? false,
  }
}

/** How one database is replicated. */
export function databaseSettings(
  defaults: ReplicationSettings,
  values: DatabaseValues,
  replica: ReplicaDefaults,
): ReplicationSettings {
  const truncate = values['truncate-page-n']?.value ?? 0
  return {
    ...defaults,
    ...replicaOwn(replica),
    monitorIntervalMs: values['monitor-interval']?.value ?? defaults.monitorIntervalMs,
    checkpointIntervalMs: values['checkpoint-interval']?.value ?? defaults.checkpointIntervalMs,
    busyTimeoutMs: values['busy-timeout']?.value ?? defaults.busyTimeoutMs,
    minCheckpointPages: values['min-checkpoint-page-count']?.value ?? defaults.minCheckpointPages,
    // In a file 0 is the default and what is below is never; to the writer 0 is never.
    truncatePages: truncate === 0 ? defaults.truncatePages : Math.max(truncate, 0),
    maxSyncWalBytes: values['max-sync-wal-bytes']?.value ?? defaults.maxSyncWalBytes,
  }
}

function replicaOwn(
  values: ReplicaDefaults,
): Pick<ReplicationSettings, 'syncIntervalMs' | 'maxSyncLtxFiles' | 'autoRecover'> {
  return {
    syncIntervalMs: values['sync-interval']?.value ?? REPLICATOR_DEFAULTS.syncIntervalMs,
    maxSyncLtxFiles: values['max-sync-ltx-files']?.value ?? MAX_SYNC_LTX_FILES,
    autoRecover: values['auto-recover']?.value ?? false,
  }
}

function levels({ levels }: ConfigValues): readonly CompactionLevel[] {
  if (!levels) return REPLICATOR_DEFAULTS.levels
  const intervals = levels.value.map(({ value }) => value.interval?.value)
  // With one missing there is a mistake, and nobody gets these settings.
  return intervals.length > 8 || intervals.includes(undefined) ? [] : compactionLevels(intervals as number[])
}

type SnapshotKey = 'interval' | 'retention'

/**
 * Snapshot times are the same for all databases: those at the top of the file, else those of the databases that have
 * some, which must agree (facts 8.6).
 *
 * @param conflict is told of two that do not
 * @param unused is told of one that does not count
 */
export function snapshotTimes(
  values: ConfigValues,
  databases: readonly DatabaseValues[],
  hear: {
    conflict(a: Given<number>, b: Given<number>, key: SnapshotKey): void
    unused(given: Given<number>, key: SnapshotKey): void
  },
): SnapshotTimes {
  const time = (key: SnapshotKey, initial: number): number => {
    const top = values.snapshot?.value[key]
    const own = databases.flatMap((database) => database.snapshot?.value[key] ?? [])
    const other = own.find(({ value }) => value !== own[0]!.value)
    if (other) hear.conflict(own[0]!, other, key)
    else if (top && own[0] && own[0].value !== top.value) hear.unused(own[0], key)
    return (top ?? own[0])?.value ?? initial
  }
  return {
    snapshotIntervalMs: time('interval', REPLICATOR_DEFAULTS.snapshotIntervalMs),
    snapshotRetentionMs: time('retention', REPLICATOR_DEFAULTS.snapshotRetentionMs),
  }
}
