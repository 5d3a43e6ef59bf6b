import { PageCache, type PageStore } from './pagecache/index.ts'
import { Replica, type ReplicaOptions } from './replica/index.ts'
import { type OpenReplicaOptions, openReplica, type ReplicaClient, withRetry } from './storage/index.ts'
import { ConnectionPool, Database, type DatabaseOptions, type PoolOptions } from './vfs/index.ts'
import { loadEngineModules } from './vfs/load-node.ts'

export interface OpenOptions
  extends OpenReplicaOptions,
    DatabaseOptions,
    PoolOptions,
    Omit<ReplicaOptions, 'cache' | 'store' | 'now'> {
  readonly cache?: {
    /** Pages in memory. Default 64 MiB. */
    readonly memoryBytes?: number
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
 * @throws ReplicaError REPLICA_EMPTY when nothing has been replicated there; StorageError
 */
export async function open(source: string | ReplicaClient, options: OpenOptions = {}): Promise<Database> {
  const { cache = {}, poolSize, bridge, sqliteCacheBytes, now, ...rest } = options
  const client = typeof source === 'string' ? withRetry(await openReplica(source, rest)) : source
  const store = cache.path === undefined ? undefined : await openStore(cache.path, cache.maxBytes)
  try {
    const memory = new PageCache(cache.memoryBytes === undefined ? {} : { maxBytes: cache.memoryBytes })
    const opening = { ...rest, cache: memory, ...(store && { store }), ...(now && { now }) }
    const [replica, pool] = await Promise.all([
      Replica.open(client, opening),
      startPool({
        ...(poolSize !== undefined && { poolSize }),
        ...(bridge && { bridge }),
        ...(sqliteCacheBytes !== undefined && { sqliteCacheBytes }),
      }),
    ])
    return Database.open(replica, pool, now ? { now } : {})
  } catch (error) {
    await store?.close()
    if (typeof source === 'string') await client.close()
    throw error
  }
}

async function startPool(options: PoolOptions): Promise<ConnectionPool> {
  return await ConnectionPool.start(await loadEngineModules(), options)
}

/** Loaded only when it is wanted: it is Node's own SQLite. */
async function openStore(path: string, maxBytes: number | undefined): Promise<PageStore> {
  const { DiskCache } = await import('./pagecache/disk/index.ts')
  return await DiskCache.open({ path, ...(maxBytes !== undefined && { maxBytes }) })
}
