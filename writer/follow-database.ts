import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileError } from './durable-file.ts'
import { WriterError } from './errors.ts'
import { type JournalInfo, playJournal } from './follow-journal.ts'
import { databaseError, isBusy, type Sleep } from './retry-busy.ts'

/**
 * One descriptor per followed file, for the life of the process. Closing any descriptor of a file drops all POSIX
 * locks this process has on it, SQLite's too, whoever took them.
 */
const descriptors = new Map<string, number>()

/** How long SQLite's own busy handler may hold up the event loop in one attempt to get the lock. */
const BUSY_STEPS_MS = [0, 0, 10, 25, 50, 100, 250]
const BETWEEN_ATTEMPTS_MS = 20

export interface LockOptions {
  readonly sleep: Sleep
  readonly signal?: AbortSignal | undefined
  /** Hears, after every attempt that failed, for how long readers have kept the lock. */
  readonly onBusy?: (waitedMs: number) => void
}

/** What page 1 says about a follower. */
export interface FollowerHeader {
  readonly pageSize: number
  /** Database size in pages, from the file's size. */
  readonly commit: number
  readonly changeCounter: number
  /** Who wrote page 1 last: a follower of ours, some SQLite in rollback mode, or (upstream, restore) anybody else. */
  readonly writtenBy: 'follower' | 'sqlite' | 'other'
}

/**
 * The database file a follower writes. SQLite readers see one state or the next, never a mix: changes are made
 * under SQLite's own EXCLUSIVE lock, with a hot journal in place that completes them after a crash
 * (docs/decisions/0003-follow-apply.md).
 */
export class FollowDatabase {
  readonly path: string
  /** What `header().writtenBy` was when the database was opened. */
  foundWrittenBy: FollowerHeader['writtenBy'] = 'other'
  readonly #connection: DatabaseSync
  readonly #fd: number

  private constructor(path: string, connection: DatabaseSync, fd: number) {
    this.path = path
    this.#connection = connection
    this.#fd = fd
  }

  /**
   * Open a restored database: finish what a crash interrupted, and turn WAL mode off for good.
   *
   * @throws WriterError WRITER_NO_DATABASE, WRITER_NOT_A_DATABASE, WRITER_DATABASE (in use in WAL mode)
   */
  static async open(path: string, options: LockOptions): Promise<FollowDatabase> {
    const fd = descriptorOf(path)
    rmSync(`${path}-journal.tmp`, { force: true })
    const connection = new DatabaseSync(path, { timeout: 0 })
    try {
      // The first read plays a journal that was left behind.
      await retry(connection, options, () => connection.prepare('SELECT count(*) FROM sqlite_schema').get())
      const database = new FollowDatabase(path, connection, fd)
      // Leaving WAL mode also moves into the file what the WAL holds; it changes page 1, so remember that first.
      database.foundWrittenBy = database.header().writtenBy
      await retry(connection, options, () => connection.prepare('PRAGMA journal_mode = DELETE').get())
      return database
    } catch (error) {
      connection.close()
      throw databaseError(error, path)
    }
  }

  /** The first 100 bytes, as SQLite's readers see them. */
  header(): FollowerHeader {
    const bytes = this.readPageOne(100)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const pageSize = view.getUint16(16) === 1 ? 65536 : view.getUint16(16)
    return {
      pageSize,
      commit: fstatSync(this.#fd).size / pageSize,
      changeCounter: view.getUint32(24),
      writtenBy:
        view.getUint16(18) !== 0x0101 || view.getUint32(24) !== view.getUint32(92)
          ? 'other'
          : view.getUint32(96) === 0
            ? 'follower'
            : 'sqlite',
    }
  }

  /** The first `size` bytes of page 1: fresh. */
  readPageOne(size: number): Uint8Array {
    const bytes = new Uint8Array(size)
    if (readSync(this.#fd, bytes, 0, size, 0) !== size) {
      throw new WriterError('WRITER_NOT_A_DATABASE', `Cannot read ${this.path}: it is too short`, {
        at: { path: this.path },
      })
    }
    return bytes
  }

  /**
   * Apply a finished journal file: all of it, or after a crash, all of it as soon as anybody opens the database.
   * Waits for readers; everything under the lock is synchronous, so that a reader on this very thread
   * cannot stand in the way of the one that must finish.
   *
   * @param journal path of the file, in the database's directory; it is used up
   * @param expectedCounter the change counter that the database must still have
   * @throws WriterError WRITER_FOLLOWER_MODIFIED or WRITER_DATABASE_REPLACED when somebody else wrote to it
   */
  async apply(journal: string, info: JournalInfo & { expectedCounter: number }, options: LockOptions): Promise<void> {
    try {
      await retry(this.#connection, options, () => this.#connection.exec('BEGIN EXCLUSIVE'))
    } catch (error) {
      throw databaseError(error, this.path)
    }
    try {
      this.#check(info.expectedCounter)
      const hot = `${this.path}-journal`
      renameSync(journal, hot)
      syncDirSync(dirname(this.path)) // from here on the new state is what anybody who opens the database gets
      playJournal(hot, this.#fd, info)
      ftruncateSync(this.#fd, info.commit * info.pageSize)
      fsyncSync(this.#fd)
      unlinkSync(hot)
      syncDirSync(dirname(this.path))
    } catch (error) {
      throw fileError(error, 'apply changes to', this.path)
    } finally {
      this.#connection.exec('ROLLBACK') // nothing was written through this connection: it only gives back the lock
    }
  }

  /** Close the connection; the descriptor stays (see above). */
  close(): void {
    this.#connection.close()
  }

  #check(expectedCounter: number): void {
    const at = { path: this.path }
    const { dev, ino } = fstatSync(this.#fd)
    const now = statSync(this.path)
    if (now.dev !== dev || now.ino !== ino) {
      throw new WriterError(
        'WRITER_DATABASE_REPLACED',
        `Cannot follow into ${this.path}: another file took its place`,
        {
          at,
          hint: 'Start following again.',
        },
      )
    }
    if (this.header().changeCounter !== expectedCounter) throw this.modified()
  }

  /** The error for a database that somebody else wrote to. */
  modified(): WriterError {
    return new WriterError('WRITER_FOLLOWER_MODIFIED', `Cannot follow into ${this.path}: somebody else wrote to it`, {
      at: { path: this.path },
      hint: 'Open a followed database for reading only; delete it and its -txid file to restore it anew.',
    })
  }
}

async function retry<T>(connection: DatabaseSync, options: LockOptions, action: () => T): Promise<T> {
  for (let attempt = 0, waitedMs = 0; ; attempt++) {
    options.signal?.throwIfAborted()
    const busyMs = BUSY_STEPS_MS[Math.min(attempt, BUSY_STEPS_MS.length - 1)]!
    try {
      connection.exec(`PRAGMA busy_timeout = ${busyMs}`)
      return action()
    } catch (error) {
      if (!isBusy(error)) throw error
    }
    await options.sleep(BETWEEN_ATTEMPTS_MS, options.signal)
    waitedMs += busyMs + BETWEEN_ATTEMPTS_MS
    options.onBusy?.(waitedMs)
  }
}

function descriptorOf(path: string): number {
  try {
    const { dev, ino } = statSync(path)
    const known = descriptors.get(`${dev}:${ino}`)
    if (known !== undefined) return known
    const fd = openSync(path, 'r+')
    descriptors.set(`${dev}:${ino}`, fd)
    return fd
  } catch (error) {
    throw fileError(error, 'open', path)
  }
}

function syncDirSync(path: string): void {
  if (process.platform === 'win32') return
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
