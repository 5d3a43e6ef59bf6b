import { existsSync } from 'node:fs'
import type { ReplicaClient } from '../storage/index.ts'
import { isWriterError, type Log, type RestoreProgress, restore } from '../writer/index.ts'

/**
 * Restore a database that is not there; a replica without a backup is a first start, not a failure (facts 6.4).
 * @throws WriterError, StorageError
 */
export async function restoreIfMissing(
  path: string,
  client: ReplicaClient,
  { log, signal, onProgress }: { log: Log; signal: AbortSignal; onProgress?: (done: RestoreProgress) => void },
): Promise<void> {
  if (existsSync(path)) return log.info('database exists, skipping restore', { path })
  log.info('attempting restore before replication', { path })
  try {
    await restore(client, path, {
      onWarning: (message) => log.warn(message),
      signal,
      ...(onProgress && { onProgress }),
    })
  } catch (error) {
    if (!isWriterError(error, 'WRITER_NO_BACKUP', 'WRITER_TX_NOT_AVAILABLE')) throw error
    return log.info('no backup found, starting fresh', { path })
  }
  log.info('restore completed', { path })
}
