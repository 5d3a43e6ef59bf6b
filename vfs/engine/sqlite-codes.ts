import type { VfsErrorCode } from './errors.ts'

/** SQLite's primary result codes. @see https://sqlite.org/rescode.html */
export const SQLITE = {
  OK: 0,
  ERROR: 1,
  INTERNAL: 2,
  PERM: 3,
  ABORT: 4,
  BUSY: 5,
  LOCKED: 6,
  NOMEM: 7,
  READONLY: 8,
  INTERRUPT: 9,
  IOERR: 10,
  CORRUPT: 11,
  NOTFOUND: 12,
  FULL: 13,
  CANTOPEN: 14,
  PROTOCOL: 15,
  EMPTY: 16,
  SCHEMA: 17,
  TOOBIG: 18,
  CONSTRAINT: 19,
  MISMATCH: 20,
  MISUSE: 21,
  NOLFS: 22,
  AUTH: 23,
  FORMAT: 24,
  RANGE: 25,
  NOTADB: 26,
  NOTICE: 27,
  WARNING: 28,
  ROW: 100,
  DONE: 101,
} as const

/** A read that reaches past the end of the database: SQLite takes the rest for zeros. */
export const SQLITE_IOERR_SHORT_READ = 522

type PrimaryName = keyof typeof SQLITE
type PrimaryCode = (typeof SQLITE)[PrimaryName]

const NAMES = new Map<number, PrimaryName>(
  (Object.keys(SQLITE) as PrimaryName[]).map((name) => [SQLITE[name], name] as const),
)

/** `SQLITE_READONLY` for 8 and for every extended code of it. */
export function sqliteCodeName(code: number): string {
  const name = NAMES.get(code & 0xff)
  return name === undefined ? `SQLite code ${code}` : `SQLITE_${name}`
}

/**
 * The error that a failed SQLite call is to its caller.
 *
 * @param code a primary or an extended result code; an unknown one is internal
 */
export function errorCodeOf(code: number): VfsErrorCode {
  const primary = (code & 0xff) as PrimaryCode
  if (!NAMES.has(primary)) return 'VFS_INTERNAL'
  switch (primary) {
    // the statement asks for what cannot be
    case SQLITE.ERROR:
    case SQLITE.SCHEMA:
    case SQLITE.TOOBIG:
    case SQLITE.CONSTRAINT:
    case SQLITE.MISMATCH:
    case SQLITE.AUTH:
    case SQLITE.RANGE:
      return 'VFS_SQL'
    case SQLITE.READONLY:
      return 'VFS_READONLY'
    case SQLITE.CORRUPT:
    case SQLITE.FORMAT:
    case SQLITE.NOTADB:
      return 'VFS_CORRUPT'
    case SQLITE.NOMEM:
    case SQLITE.FULL:
      return 'VFS_NO_MEMORY'
    case SQLITE.CANTOPEN:
      return 'VFS_CANNOT_OPEN'
    case SQLITE.ABORT:
    case SQLITE.INTERRUPT:
      return 'VFS_INTERRUPTED'
    // a pinned state has no locks, no other users, and a border that answers reads with 0, 9 or 522 only
    case SQLITE.INTERNAL:
    case SQLITE.PERM:
    case SQLITE.BUSY:
    case SQLITE.LOCKED:
    case SQLITE.IOERR:
    case SQLITE.NOTFOUND:
    case SQLITE.PROTOCOL:
    case SQLITE.EMPTY:
    case SQLITE.MISUSE:
    case SQLITE.NOLFS:
    case SQLITE.NOTICE:
    case SQLITE.WARNING:
    // these three are no failures
    case SQLITE.OK:
    case SQLITE.ROW:
    case SQLITE.DONE:
      return 'VFS_INTERNAL'
    default:
      return unreachable(primary)
  }
}

function unreachable(code: never): never {
  throw new TypeError(`BUG: unmapped SQLite code ${code}`)
}
