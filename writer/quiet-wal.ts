import { type FileIdentity, type FileState, fileState, sameFile, sameState } from './file-identity.ts'
import { sameSalts } from './wal.ts'
import { WalFile } from './wal-file.ts'
import { scanWal, type WalPosition } from './wal-scan.ts'

/** File times may stand still for so long: what was written later than this has another one. Generous: kernels tick every 10 ms. */
const FILE_TIME_STEP_MS = 1000

/**
 * A database nobody holds open here, and its WAL, as they were when all of it was copied. Tells whether that is still
 * so, by a look that reads nothing and opens nothing of the database.
 *
 * A file written to within the same step of its clock looks unchanged from outside. So, until its time is old enough,
 * a look reads what stands behind the last frame copied.
 */
export class QuietWal {
  readonly #databasePath: string
  readonly #database: FileIdentity
  readonly #position: WalPosition
  #state: FileState
  #settled = false

  /** @param state of the WAL, taken before it was last read to its end */
  constructor(databasePath: string, database: FileIdentity, position: WalPosition, state: FileState) {
    this.#databasePath = databasePath
    this.#database = database
    this.#position = position
    this.#state = state
  }

  /** Still the same database file? */
  isSameDatabase(database: FileIdentity): boolean {
    return sameFile(database, this.#database)
  }

  /** False as soon as anything may have been committed, the WAL was replaced, or the database was. */
  isUnchanged(nowMs: number): boolean {
    const state = fileState(`${this.#databasePath}-wal`)
    if (!sameState(state, this.#state)) return false
    if (!this.#settled && !this.#settle(state!, nowMs)) return false
    return sameFile(fileState(this.#databasePath), this.#database)
  }

  #settle(state: FileState, nowMs: number): boolean {
    if (!endsAt(`${this.#databasePath}-wal`, this.#position)) return false
    this.#state = state
    this.#settled = nowMs - state.mtimeMs > FILE_TIME_STEP_MS
    return true
  }
}

/** Whether nothing is committed behind a position of the WAL, and it was not restarted. */
export function endsAt(walPath: string, position: WalPosition): boolean {
  const wal = WalFile.open(walPath)
  if (!wal) return false
  try {
    const header = wal.header()
    return header !== undefined && sameSalts(header, position) && scanWal(wal, header, position, {}).commit === 0
  } finally {
    wal.close()
  }
}
