import { PageCache, type PageStore } from '../pagecache/index.ts'
import { Replica, type ReplicaOptions } from '../replica/index.ts'
import { type ReplicaClient, RetryingReader } from '../storage/index.ts'
import { ConnectionPool, Database, type DatabaseOptions, type EngineModules, type PoolOptions } from '../vfs/index.ts'

/** What all runtimes have in common when a replica is opened. */
export interface CommonOpenOptions
  extends DatabaseOptions,
    PoolOptions,
    Omit<ReplicaOptions, 'cache' | 'store' | 'now'> {
  readonly cache?: {
    /** Pages in memory. Default 64 MiB, in Workers 32 MiB. */
    readonly memoryBytes?: number
  }
}

/** What differs between runtimes: where SQLite, replicas and a cache that lasts come from. */
export interface Platform {
  engine(): Promise<EngineModules>
  client(url: string): Promise<ReplicaClient>
  /** Undefined: no page outlives this database. */
  store(): Promise<PageStore | undefined>
}

/** Open a replica with what the runtime's entry supplies. @throws as `open` of the entry */
export async function openDatabase(
  source: string | ReplicaClient,
  options: CommonOpenOptions,
  platform: Platform,
): Promise<Database> {
  // Each takes from the rest what is its own.
  const { cache = {}, ...rest } = options
  const client = typeof source === 'string' ? new RetryingReader(await platform.client(source)) : source
  const store = await platform.store()
  try {
    const memory = new PageCache(cache.memoryBytes === undefined ? {} : { maxBytes: cache.memoryBytes })
    const [replica, pool] = await Promise.all([
      Replica.open(client, { ...rest, cache: memory, ...(store && { store }) }),
      platform.engine().then((modules) => ConnectionPool.start(modules, rest)),
    ])
    return Database.open(replica, pool, rest)
  } catch (error) {
    await store?.close()
    if (typeof source === 'string') await client.close()
    throw error
  }
}
