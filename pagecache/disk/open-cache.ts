import { CacheDatabase } from './cache-database.ts'
import type { CacheFolder } from './cache-folder.ts'
import { DamagedCache, problemCode, UnfitCache } from './problem.ts'

export type Sqlite = typeof import('node:sqlite')

export interface OpenedCache {
  readonly database: CacheDatabase
  readonly generation: number
  /** Of its file, to see later whether it is still there. */
  readonly identity: string | undefined
}

export interface OpenCacheOptions {
  readonly maxBytes: number
  /** Generations below are known to be damaged. */
  readonly atLeast: number
  /** Told of each row that is not what it should be. */
  readonly onDamagedRow: () => void
  /** Told why a file is given up. */
  readonly onDamagedFile: (error: unknown) => void
}

/** Damaged files in a row after which the folder itself must be at fault. */
const MOST_ATTEMPTS = 8

/**
 * Open the newest generation, or begin the next when it is damaged or not for this version and limit. Earlier ones are
 * removed, and only after there is a newer one, so that nobody creates an old one again.
 *
 * @throws SQLite's and the system's errors, busy among them; DamagedCache when no file can be had
 */
export function openCache(sqlite: Sqlite, folder: CacheFolder, options: OpenCacheOptions): OpenedCache {
  folder.make()
  let generation = Math.max(folder.newest(), options.atLeast)
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    let database: CacheDatabase
    try {
      database = openDatabase(sqlite, folder.fileOf(generation), options)
    } catch (error) {
      if (problemCode(error) !== 'DISK_CACHE_DAMAGED') throw error
      if (!(error instanceof UnfitCache)) options.onDamagedFile(error)
      generation = Math.max(folder.newest(), generation + 1)
      continue
    }
    const newest = folder.newest()
    if (newest === generation) {
      folder.removeBefore(generation)
      return { database, generation, identity: folder.identity(generation) }
    }
    database.close() // somebody else has begun anew meanwhile
    generation = newest
  }
  throw new DamagedCache(`no usable file after ${MOST_ATTEMPTS} attempts`)
}

function openDatabase(sqlite: Sqlite, path: string, options: OpenCacheOptions): CacheDatabase {
  const db = new sqlite.DatabaseSync(path)
  try {
    return new CacheDatabase(db, options.maxBytes, options.onDamagedRow)
  } catch (error) {
    db.close()
    throw error
  }
}
