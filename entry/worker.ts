// litetap in Cloudflare Workers, where WebAssembly comes as modules of the script: query a bucket in place.

import { setCodecModule } from '../ltx/index.ts'
import { type Database, type EngineModules, VfsError } from '../vfs/index.ts'
import codec from './codec.wasm'
import { checkOpening, type Source } from './open-database.ts'
import { openOnWeb, WEB_OPEN_OPTIONS, type WebOpenOptions } from './open-web.ts'
import sqlite from './sqlite3.wasm'
import trampoline from './trampoline.wasm'

export { type R2BucketLike, r2Replica } from '../storage/r2/index.ts'
export * from './reading.ts'

export type OpenOptions = WebOpenOptions

/** A Worker has 128 MB in all, for all of its requests. */
const MEMORY_BYTES = 32 * 1024 * 1024
/** Each query that runs beside another has an instance of its own, with a cache of its own. */
const POOL_SIZE = 4

/** Every workerd has JSPI; a second build of SQLite would only make the script larger. */
const MODULES: EngineModules = {
  trampoline,
  async sqlite(bridge) {
    if (bridge === 'jspi') return sqlite
    throw new VfsError('VFS_ENGINE', "Cannot use the bridge 'asyncify' in a Worker: leave the option `bridge` out")
  },
}

setCodecModule(codec)

/**
 * Open a replica as a SQLite database, in place: nothing is copied, pages come when a query reads them.
 *
 * A Worker may not wait in one request for what another one has asked for: open a database in the request that uses it.
 *
 * @param source the replica's URL, or its client (`r2Replica(env.BUCKET, 'app')`), which then is the database's
 * @throws ReplicaError REPLICA_EMPTY when nothing has been replicated there; StorageError; VfsError VFS_ENGINE,
 *   VFS_USAGE; the signal's reason
 */
export async function open(source: Source, options: OpenOptions = {}): Promise<Database> {
  checkOpening(source, options, WEB_OPEN_OPTIONS)
  const bounded = { poolSize: POOL_SIZE, ...options, cache: { memoryBytes: MEMORY_BYTES, ...options.cache } }
  return await openOnWeb(source, bounded, async () => MODULES)
}
