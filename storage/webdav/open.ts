import type { WebdavSettings } from '../replica-settings.ts'
import { WebdavReplica } from './webdav-replica.ts'

export interface OpenWebdavOptions {
  /** Nothing of it is used: Litestream takes nothing for webdav from it either. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/**
 * The replica that settings name. Nothing is sent yet.
 * @throws StorageError STORAGE_BAD_OPTION
 */
export async function openWebdav(settings: WebdavSettings, _options: OpenWebdavOptions = {}): Promise<WebdavReplica> {
  const { type: _, ...options } = settings
  return new WebdavReplica(options)
}
