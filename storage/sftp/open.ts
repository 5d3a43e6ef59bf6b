import type { SftpSettings } from '../replica-settings.ts'
import { SftpReplica } from './sftp-replica.ts'

export interface OpenSftpOptions {
  /** Nothing of it is used: Litestream takes nothing for sftp from it either. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Told once that the server is not verified. Default: Node's process warning. */
  readonly warn?: (message: string) => void
}

/**
 * The replica that settings name. Nothing is sent yet.
 * @throws StorageError STORAGE_BAD_OPTION
 */
export async function openSftp(settings: SftpSettings, { warn }: OpenSftpOptions = {}): Promise<SftpReplica> {
  const { type: _, ...options } = settings
  return new SftpReplica({ ...options, ...(warn && { warn }) })
}
