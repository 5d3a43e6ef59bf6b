/** What the primary may be busy with, in Litestream's words (facts 8.3). */
export type ActivityPhase =
  | 'starting'
  | 'write_ltx_from_db'
  | 'write_ltx_from_wal'
  | 'sync_complete'
  | 'checkpoint_exec'

/** What the primary does, or did last. */
export interface Activity {
  readonly operation: 'sync' | 'checkpoint'
  phase: ActivityPhase
  active: boolean
  /** Milliseconds since the Unix epoch, as are the others. */
  readonly startedAt: number
  updatedAt: number
  readonly checkpointMode?: CheckpointKind
  /** It copies, or copied, the whole database. */
  snapshotting?: boolean
  /** Why it failed, in one line. */
  error?: string
}

export type CheckpointKind = 'PASSIVE' | 'TRUNCATE'

export interface CheckpointFigures {
  count: number
  errors: number
  seconds: number
}

/**
 * What one database's replication has come to: plain numbers that the writer counts up, and that whoever gave the
 * record to it reads when it likes. A record outlives the replicator: the next one of that database goes on with it.
 */
export interface Figures {
  /** Bytes, by its last committed page. */
  databaseBytes: number
  /** Logical bytes in the WAL, as far as copied. */
  walBytes: number
  /** Bytes of WAL copied so far. */
  totalWalBytes: number
  syncs: number
  syncErrors: number
  syncSeconds: number
  /** The last sync failed for want of space. */
  diskFull: boolean
  readonly checkpoints: Record<CheckpointKind, CheckpointFigures>
  compactionVerifyErrors: number
  /** Files of level 0 when retention last looked; absent before. */
  l0?: { readonly eligible: number; readonly notCompacted: number; readonly tooRecent: number }
  /** Absent before the first. */
  activity?: Activity
}

/** A record of nothing yet. */
export function newFigures(): Figures {
  const none = () => ({ count: 0, errors: 0, seconds: 0 })
  return {
    databaseBytes: 0,
    walBytes: 0,
    totalWalBytes: 0,
    syncs: 0,
    syncErrors: 0,
    syncSeconds: 0,
    diskFull: false,
    checkpoints: { PASSIVE: none(), TRUNCATE: none() },
    compactionVerifyErrors: 0,
  }
}

/** Count one sync, whatever comes of it. */
export function countSync<T>(figures: Figures, sync: () => Promise<T>): Promise<T> {
  return counted(figures, { operation: 'sync' }, sync, (seconds, error) => {
    figures.syncs += 1
    figures.syncSeconds += seconds
    figures.diskFull = (error as { code?: string } | undefined)?.code === 'WRITER_DISK_FULL'
    if (error !== undefined) figures.syncErrors += 1
  })
}

/** Count one checkpoint, whatever comes of it. */
export function countCheckpoint<T>(
  figures: Figures,
  checkpointMode: CheckpointKind,
  checkpoint: () => Promise<T>,
): Promise<T> {
  return counted(figures, { operation: 'checkpoint', checkpointMode }, checkpoint, (seconds, error) => {
    const entry = figures.checkpoints[checkpointMode]
    entry.count += 1
    entry.seconds += seconds
    if (error !== undefined) entry.errors += 1
  })
}

/** Say what the activity has come to. */
export function enterPhase(figures: Figures, phase: ActivityPhase): void {
  if (!figures.activity?.active) return
  figures.activity.phase = phase
  if (phase === 'write_ltx_from_db') figures.activity.snapshotting = true
  figures.activity.updatedAt = Date.now()
}

async function counted<T>(
  figures: Figures,
  what: Pick<Activity, 'operation' | 'checkpointMode'>,
  work: () => Promise<T>,
  count: (seconds: number, error: unknown) => void,
): Promise<T> {
  const now = Date.now()
  const outer = figures.activity?.active ? figures.activity : undefined
  const activity: Activity = { ...what, phase: 'starting', active: true, startedAt: now, updatedAt: now }
  figures.activity = activity
  const startedMs = performance.now()
  const end = (error?: unknown) => {
    count((performance.now() - startedMs) / 1000, error)
    activity.active = false
    activity.updatedAt = Date.now()
    if (error === undefined) activity.phase = 'sync_complete'
    else activity.error = error instanceof Error ? error.message : String(error)
    // A checkpoint is a part of a sync, which goes on.
    if (outer) figures.activity = outer
  }
  try {
    const result = await work()
    end()
    return result
  } catch (error) {
    end(error ?? 'failed')
    throw error
  }
}
