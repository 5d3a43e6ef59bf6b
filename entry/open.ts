import { objectOf, pick, type Shape, someText, wholeNumber } from '../arguments/index.ts'
import type { PageStore } from '../pagecache/index.ts'
import { OPEN_REPLICA_OPTIONS, type OpenReplicaOptions, openReplica } from '../storage/node.ts'
import type { Database } from '../vfs/index.ts'
import { loadEngineModules } from '../vfs/load-node.ts'
import { callContext } from './call-context.ts'
import {
  COMMON_OPEN_OPTIONS,
  type CommonOpenOptions,
  checkOpening,
  MEMORY_BYTES,
  openDatabase,
  type Source,
} from './open-database.ts'

export interface OpenOptions extends OpenReplicaOptions, Omit<CommonOpenOptions, 'cache'> {
  readonly cache?: CommonOpenOptions['cache'] & {
    /** A folder in which pages are kept for the next time; several processes may share it. Default: none. */
    readonly path?: string
    /** What that folder may hold. Default 1 GiB. */
    readonly maxBytes?: number
  }
}

/** Below it the tables of the cache themselves would be most of it. */
const LEAST_CACHE_BYTES = 1024 * 1024

const OPTIONS: Shape<OpenOptions> = {
  ...COMMON_OPEN_OPTIONS,
  ...OPEN_REPLICA_OPTIONS,
  cache: objectOf({ memoryBytes: MEMORY_BYTES, path: someText, maxBytes: wholeNumber(LEAST_CACHE_BYTES) }),
}

/**
 * Open a replica as a SQLite database, in place: nothing is copied, pages come when a query reads them.
 *
 *     const db = await open('s3://bucket/app')
 *     await db.get('SELECT * FROM users WHERE id = ?', [42])
 *
 * @param source the replica's URL, or its client, which then is the database's: closed with it
 * @throws ReplicaError REPLICA_EMPTY when nothing has been replicated there; StorageError; VfsError VFS_ENGINE,
 *   VFS_USAGE; the signal's reason
 */
export async function open(source: Source, options: OpenOptions = {}): Promise<Database> {
  checkOpening(source, options, OPTIONS)
  const { cache: { path } = {} } = options
  return await openDatabase(source, options, {
    engine: loadEngineModules,
    client: (url) => openReplica(url, pick(options, OPEN_REPLICA_OPTIONS)),
    store: async () => (path === undefined ? undefined : await openStore(path, options)),
    context: callContext(),
  })
}

/** Loaded only when it is wanted: it is Node's own SQLite. */
async function openStore(path: string, { cache, onProblem }: OpenOptions): Promise<PageStore> {
  const { DiskCache } = await import('../pagecache/disk/index.ts')
  const { maxBytes } = cache ?? {}
  return await DiskCache.open({ path, ...(maxBytes !== undefined && { maxBytes }), ...(onProblem && { onProblem }) })
}
