// litetap in browsers: query a bucket in Litestream's format in place.

import { type Check, type Shape, shown } from '../arguments/index.ts'
import type { Database } from '../vfs/index.ts'
import { loadEngineModules, type WasmSource } from '../vfs/load-web.ts'
import { checkOpening, type Source } from './open-database.ts'
import { openOnWeb, WEB_OPEN_OPTIONS, type WebOpenOptions } from './open-web.ts'

export * from './reading.ts'

export interface OpenOptions extends WebOpenOptions {
  /** SQLite for runtimes with JSPI. Default: `sqlite3.wasm` beside this file. */
  readonly sqlite?: WasmSource
  /** SQLite for runtimes without JSPI, and loaded only there. Default: `sqlite3-asyncify.wasm` beside this file. */
  readonly sqliteAsyncify?: WasmSource
}

const wasmSource: Check = (value, name) => {
  const fits = typeof value === 'string' || (typeof value === 'object' && value !== null)
  return fits ? undefined : `${name} must be a URL, bytes or a module, but is ${shown(value)}`
}

const OPTIONS: Shape<OpenOptions> = { ...WEB_OPEN_OPTIONS, sqlite: wasmSource, sqliteAsyncify: wasmSource }

/**
 * Open a replica as a SQLite database, in place: nothing is copied, pages come when a query reads them.
 *
 *     const db = await open('https://bucket.example/app')
 *     await db.get('SELECT * FROM users WHERE id = ?', [42])
 *
 * @param source the replica's URL, or its client, which then is the database's: closed with it
 * @throws ReplicaError REPLICA_EMPTY when nothing has been replicated there; StorageError; VfsError VFS_ENGINE,
 *   VFS_USAGE; the signal's reason
 */
export async function open(source: Source, options: OpenOptions = {}): Promise<Database> {
  checkOpening(source, options, OPTIONS)
  const {
    // In this form bundlers find the files and copy them.
    sqlite = new URL('./sqlite3.wasm', import.meta.url),
    sqliteAsyncify = new URL('./sqlite3-asyncify.wasm', import.meta.url),
    ...rest
  } = options
  return await openOnWeb(source, rest, () => loadEngineModules(sqlite, sqliteAsyncify))
}
