/** Everything that can be wrong with a cache on disk. None of it fails a read. */
export type DiskCacheProblemCode =
  | 'DISK_CACHE_UNAVAILABLE' // it cannot be opened: nothing is kept on disk until the next open
  | 'DISK_CACHE_DAMAGED' // what was damaged is lost; if the file itself was, it has been begun anew
  | 'DISK_CACHE_BUSY' // others kept it locked for too long: some writes were dropped
  | 'DISK_CACHE_FULL' // the disk is full: some writes were dropped
  | 'DISK_CACHE_IO' // the system refused a read or a write: a miss, or some writes dropped

const BRAND = Symbol.for('litetap.DiskCacheProblem')

/** What `onProblem` is told. `path` is the cache's folder; `cause` is SQLite's or the system's own error. */
export class DiskCacheProblem extends Error {
  override readonly name = 'DiskCacheProblem'
  readonly code: DiskCacheProblemCode
  readonly path: string
  readonly [BRAND] = true

  constructor(code: DiskCacheProblemCode, path: string, cause: unknown) {
    super(`${WHAT[code]} ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.code = code
    this.path = path
  }
}

const WHAT: Record<DiskCacheProblemCode, string> = {
  DISK_CACHE_UNAVAILABLE: 'Cannot use the page cache',
  DISK_CACHE_DAMAGED: 'Lost damaged pages of the page cache',
  DISK_CACHE_BUSY: 'Cannot write to the page cache',
  DISK_CACHE_FULL: 'Cannot write to the page cache',
  DISK_CACHE_IO: 'Cannot reach the page cache',
}

/** What an open database is not, though SQLite did not say so. */
export class DamagedCache extends Error {
  override readonly name = 'DamagedCache'
}

/** A database that is whole, but of another format or far above the limit: it is begun anew, and that is no problem. */
export class UnfitCache extends Error {
  override readonly name = 'UnfitCache'
}

/**
 * What kind of trouble an error of `node:sqlite` is. All that SQLite does not put down to its surroundings is damage:
 * the statements are fixed and fit the schema, so "no such table" or a number beyond 2^53 can only be wrong bytes.
 */
export function problemCode(error: unknown): Exclude<DiskCacheProblemCode, 'DISK_CACHE_UNAVAILABLE'> {
  const { errcode, syscall } = (error ?? {}) as { errcode?: unknown; syscall?: unknown }
  if (typeof errcode !== 'number') return syscall === undefined ? 'DISK_CACHE_DAMAGED' : 'DISK_CACHE_IO'
  switch (errcode & 0xff) {
    case 5: // SQLITE_BUSY
    case 6: // SQLITE_LOCKED
      return 'DISK_CACHE_BUSY'
    case 13: // SQLITE_FULL
      return 'DISK_CACHE_FULL'
    case 3: // SQLITE_PERM
    case 7: // SQLITE_NOMEM
    case 8: // SQLITE_READONLY
    case 10: // SQLITE_IOERR
    case 14: // SQLITE_CANTOPEN
    case 15: // SQLITE_PROTOCOL
    case 22: // SQLITE_NOLFS
    case 23: // SQLITE_AUTH
      return 'DISK_CACHE_IO'
    default: // SQLITE_CORRUPT, SQLITE_NOTADB, and what follows from them
      return 'DISK_CACHE_DAMAGED'
  }
}
