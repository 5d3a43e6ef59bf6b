import type { PageStore } from '../pagecache/index.ts'
import { type OpenReplicaOptions, openReplica, type ReplicaClient } from '../storage/node.ts'
import type { Database } from '../vfs/index.ts'
import { loadEngineModules } from '../vfs/load-node.ts'
import { type CommonOpenOptions, openDatabase } from './open-database.ts'

export interface OpenOptions extends OpenReplicaOptions, Omit<CommonOpenOptions, 'cache'> {
  readonly cache?: CommonOpenOptions['cache'] & {
    /** A folder in which pages are kept for the next time; several processes may share it. Default: none. */
    readonly path?: string
    /** What that folder may hold. Default 1 GiB. */
    readonly maxBytes?: number
  }
}

/**
 * Open a replica as a SQLite database, in place: nothing is copied, pages come when a query reads them.
 *
 *     const db = await open('s3://bucket/app')
 *     await db.get('SELECT * FROM users WHERE id = ?', [42])
 *
 * @param source the replica's URL, or its client, which then is the database's: closed with it
 * @throws ReplicaError REPLICA_EMPTY when nothing has been replicated there; StorageError; VfsError VFS_ENGINE
 */
export async function open(source: string | ReplicaClient, options: OpenOptions = {}): Promise<Database> {
  const { path, maxBytes } = options.cache ?? {}
  return await openDatabase(source, options, {
    engine: loadEngineModules,
    client: (url) => openReplica(url, options),
    store: async () => (path === undefined ? undefined : await openStore(path, maxBytes)),
  })
}

/** Loaded only when it is wanted: it is Node's own SQLite. */
async function openStore(path: string, maxBytes: number | undefined): Promise<PageStore> {
  const { DiskCache } = await import('../pagecache/disk/index.ts')
  return await DiskCache.open({ path, ...(maxBytes !== undefined && { maxBytes }) })
}
