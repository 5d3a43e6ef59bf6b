import type { RestoreTarget } from '../../replica/index.ts'
import { isWriterError } from '../../writer/index.ts'

/**
 * Whether a failed restore means that there is no backup, which may be no failure (`-if-replica-exists`).
 * Upstream takes a TXID that does not exist for "no backup", but not a time.
 *
 * @see facts 6.1, 6.4
 */
export function meansNoBackup(error: unknown, target: RestoreTarget): boolean {
  if (isWriterError(error, 'WRITER_NO_BACKUP')) return true
  return isWriterError(error, 'WRITER_TX_NOT_AVAILABLE') && target.timestamp === undefined
}
