// litetap in browsers: query a bucket in Litestream's format in place.

import type { ReplicaClient } from '../storage/index.ts'
import type { Database } from '../vfs/index.ts'
import { loadEngineModules, type WasmSource } from '../vfs/load-web.ts'
import { openOnWeb, type WebOpenOptions } from './open-web.ts'

export * from './reading.ts'

export interface OpenOptions extends WebOpenOptions {
  /** SQLite for runtimes with JSPI. Default: `sqlite3.wasm` beside this file. */
  readonly sqlite?: WasmSource
  /** SQLite for runtimes without JSPI, and loaded only there. Default: `sqlite3-asyncify.wasm` beside this file. */
  readonly sqliteAsyncify?: WasmSource
}

/**
 * Open a replica as a SQLite database, in place: nothing is copied, pages come when a query reads them.
 *
 *     const db = await open('https://bucket.example/app')
 *     await db.get('SELECT * FROM users WHERE id = ?', [42])
 *
 * @param source the replica's URL, or its client, which then is the database's: closed with it
 * @throws ReplicaError REPLICA_EMPTY when nothing has been replicated there; StorageError; VfsError VFS_ENGINE
 */
export async function open(source: string | ReplicaClient, options: OpenOptions = {}): Promise<Database> {
  // In this form bundlers find the files, and copy them.
  const sqlite = options.sqlite ?? new URL('./sqlite3.wasm', import.meta.url)
  const sqliteAsyncify = options.sqliteAsyncify ?? new URL('./sqlite3-asyncify.wasm', import.meta.url)
  return await openOnWeb(source, options, () => loadEngineModules(sqlite, sqliteAsyncify))
}
