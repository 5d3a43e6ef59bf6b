import type { PrimaryDatabase } from './database.ts'
import type { Sleep } from './retry-busy.ts'

/**
 * Checkpoint without losing sight of a frame: while nobody can write, copy the rest, let go of the pinned snapshot,
 * checkpoint, and pin again. When that moved everything into the database file, one small commit restarts the WAL.
 *
 * Not done while somebody else writes for longer than the busy timeout.
 *
 * @param copy copies all that is committed; called while nobody else writes
 * @see facts 3.9
 */
export async function checkpointPassive(database: PrimaryDatabase, copy: () => Promise<void>): Promise<void> {
  const result = await database.withoutWriters(async () => {
    await copy()
    database.unpin()
    try {
      return database.checkpoint('PASSIVE')
    } finally {
      await database.pin()
    }
  })
  // While a reader of the application holds frames back, a commit could not restart the WAL, only lengthen it.
  if (result && !result.busy && result.logFrames === result.checkpointedFrames) await database.bump()
}

/**
 * The emergency: wait for readers and writers of the application, and cut the WAL to nothing.
 *
 * The pinned snapshot is let go meanwhile and others may write, so what is copied next must be decided afresh: if the
 * WAL did not restart nothing is lost, and if it did, the next file is a full image (read under the new pin, without
 * holding up writers).
 */
export async function checkpointTruncate(
  database: PrimaryDatabase,
  options: { readonly busyTimeoutMs: number; readonly sleep: Sleep },
): Promise<void> {
  database.unpin()
  try {
    for (let waitedMs = 0, delayMs = 5; ; delayMs = Math.min(delayMs * 2, 100)) {
      if (!database.checkpoint('TRUNCATE').busy || waitedMs >= options.busyTimeoutMs) return
      await options.sleep(delayMs)
      waitedMs += delayMs
    }
  } finally {
    await database.pin()
  }
}
