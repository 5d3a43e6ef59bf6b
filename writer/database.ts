import { fstatSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import type { FileOwner } from './durable-file.ts'
import { WriterError } from './errors.ts'
import { type FileIdentity, fileState, sameFile } from './file-identity.ts'
import { type HeldFile, holdFile } from './held-files.ts'
import { databaseError, isBusy, retryBusy, type Sleep } from './retry-busy.ts'

export type CheckpointMode = 'PASSIVE' | 'FULL' | 'RESTART' | 'TRUNCATE'

export interface CheckpointResult {
  /** True when a lock kept SQLite from finishing. */
  readonly busy: boolean
  /** Frames in the WAL, and how many of them are in the database file now; -1 when SQLite did not say. */
  readonly logFrames: number
  readonly checkpointedFrames: number
}

export interface DatabaseOptions {
  /** How long to wait for another process's lock. */
  readonly busyTimeoutMs: number
  readonly sleep: Sleep
  /** Nothing else in this process opens the database. @see holdFile */
  readonly ours?: boolean
}

/**
 * The primary database as the writer holds it: three SQLite connections and one descriptor on the file.
 *
 * - `reader` pins a snapshot, so that nobody else's checkpoint can take frames out of the WAL before they are copied;
 * - `barrier` takes the write lock, so that the WAL stands still while we checkpoint;
 * - `worker` writes the control tables and runs checkpoints.
 *
 * The reader is a read-only connection and is closed last: SQLite would otherwise checkpoint and remove the WAL when
 * the last connection goes, and with it the proof that a restart may go on where this run ended.
 */
export class PrimaryDatabase {
  readonly path: string
  readonly pageSize: number
  /** Read-only, for the pages that are not in the WAL. */
  readonly fd: number
  readonly #options: DatabaseOptions
  readonly #file: HeldFile
  readonly #reader: DatabaseSync
  #writing: WritingConnections | undefined
  #pinned = false

  private constructor(path: string, options: DatabaseOptions, connections: Connections) {
    this.path = path
    this.#options = options
    this.fd = connections.file.fd
    this.#file = connections.file
    this.#reader = connections.reader
    this.#writing = connections.writing
    this.pageSize = connections.pageSize
  }

  /**
   * Open the database, switch it to WAL mode, create the control tables, and pin a snapshot.
   *
   * @throws WriterError WRITER_NO_DATABASE, WRITER_NOT_A_DATABASE, WRITER_DATABASE, WRITER_IO
   * @see facts 3.3
   */
  static async open(path: string, options: DatabaseOptions): Promise<PrimaryDatabase> {
    let connections: Connections | undefined
    try {
      connections = await openConnections(path, options)
      const database = new PrimaryDatabase(path, options, connections)
      await database.pin()
      return database
    } catch (error) {
      if (connections) closeAll(connections)
      throw databaseError(error, path)
    }
  }

  get isPinned(): boolean {
    return this.#pinned
  }

  /** Hold the present state of the database: no later frame is checkpointed until `unpin`. */
  async pin(): Promise<void> {
    if (this.#pinned) return
    await this.#retry(() => {
      this.#reader.exec('BEGIN')
      try {
        this.#reader.prepare('SELECT COUNT(1) FROM _litestream_seq').get()
      } catch (error) {
        this.#reader.exec('ROLLBACK')
        throw error
      }
    })
    this.#pinned = true
  }

  unpin(): void {
    if (!this.#pinned) return
    this.#pinned = false
    this.#reader.exec('ROLLBACK')
  }

  /** Commit one small change, so that the WAL exists, or restarts when all of it was checkpointed. */
  async bump(): Promise<void> {
    await this.#retry(() =>
      this.#connected().worker.exec(
        'INSERT INTO _litestream_seq (id, seq) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET seq = seq + 1',
      ),
    )
  }

  /**
   * Run `fn` while no one can write.
   * @returns undefined, without running it, when somebody else writes longer than the busy timeout
   */
  async withoutWriters<T>(fn: () => Promise<T>): Promise<T | undefined> {
    try {
      await this.#retry(() => this.#connected().barrier.exec('BEGIN IMMEDIATE'))
    } catch (error) {
      if (error instanceof WriterError && isBusy(error.cause)) return undefined
      throw error
    }
    try {
      return await fn()
    } finally {
      this.#connected().barrier.exec('ROLLBACK')
    }
  }

  /** One attempt, without waiting for anybody. */
  checkpoint(mode: CheckpointMode): CheckpointResult {
    try {
      const row = this.#connected().worker.prepare(`PRAGMA wal_checkpoint(${mode})`).get() as
        | { busy: number; log: number; checkpointed: number }
        | undefined
      return {
        busy: row?.busy !== 0,
        logFrames: row?.log ?? -1,
        checkpointedFrames: row?.checkpointed ?? -1,
      }
    } catch (error) {
      if (isBusy(error)) return { busy: true, logFrames: -1, checkpointedFrames: -1 }
      throw databaseError(error, this.path)
    }
  }

  /** Pages in the database file (not in the WAL). */
  filePages(): number {
    return Math.floor(fstatSync(this.fd).size / this.pageSize)
  }

  /** When the database file was last written, in ms since the epoch: its last checkpoint. */
  modifiedMs(): number {
    return fstatSync(this.fd).mtimeMs
  }

  /** Permission bits and, as far as this process may give files away, owner of the database file, for files beside it. */
  owner(): FileOwner {
    const { mode, uid, gid } = fstatSync(this.fd)
    return { mode: mode & 0o777, ...(process.getuid?.() === 0 && { uid, gid }) }
  }

  /** What tells this file from another one that may stand at the path later. */
  identity(): FileIdentity {
    const { dev, ino, birthtimeMs } = fstatSync(this.fd)
    return { dev, ino, birthtimeMs }
  }

  /** False when another file, or none, stands at the path by now. */
  isInPlace(): boolean {
    return sameFile(fileState(this.path), fstatSync(this.fd))
  }

  /** Close all but the reader and its pin, which cost the most, until `resume`. */
  suspend(): void {
    if (this.#writing) closeWriting(this.#writing)
    this.#writing = undefined
  }

  async resume(): Promise<void> {
    if (!this.#writing) await this.#retry(() => (this.#writing = openWriting(this.path)))
  }

  close(): void {
    closeAll({ reader: this.#reader, writing: this.#writing, file: this.#file })
  }

  #connected(): WritingConnections {
    if (!this.#writing) throw new TypeError('The database rests')
    return this.#writing
  }

  async #retry<T>(fn: () => T): Promise<T> {
    try {
      return await retryBusy(fn, { timeoutMs: this.#options.busyTimeoutMs, sleep: this.#options.sleep })
    } catch (error) {
      throw databaseError(error, this.path)
    }
  }
}

interface WritingConnections {
  readonly barrier: DatabaseSync
  readonly worker: DatabaseSync
}

interface Connections {
  readonly reader: DatabaseSync
  readonly writing: WritingConnections
  readonly pageSize: number
  readonly file: HeldFile
}

async function openConnections(path: string, options: DatabaseOptions): Promise<Connections> {
  const file = holdFile(path, options.ours ?? false)
  const opened: DatabaseSync[] = []
  try {
    const worker = connect(path, false)
    opened.push(worker)
    await retryBusy(() => prepareDatabase(worker, path), { timeoutMs: options.busyTimeoutMs, sleep: options.sleep })
    const barrier = connect(path, false)
    opened.push(barrier)
    barrier.exec('PRAGMA wal_autocheckpoint = 0')
    const reader = connect(path, true)
    opened.push(reader)
    const { page_size } = reader.prepare('PRAGMA page_size').get() as { page_size: number }
    return { reader, writing: { barrier, worker }, pageSize: page_size, file }
  } catch (error) {
    for (const connection of opened) connection.close()
    file.release()
    throw error
  }
}

function openWriting(path: string): WritingConnections {
  const worker = connect(path, false)
  try {
    worker.exec('PRAGMA wal_autocheckpoint = 0')
    const barrier = connect(path, false)
    barrier.exec('PRAGMA wal_autocheckpoint = 0')
    return { barrier, worker }
  } catch (error) {
    worker.close()
    throw error
  }
}

/** Never creates a database that is not there. */
function connect(path: string, readOnly: boolean): DatabaseSync {
  const url = pathToFileURL(path)
  url.search = readOnly ? '?mode=ro' : '?mode=rw'
  return new DatabaseSync(url, { readOnly })
}

function prepareDatabase(worker: DatabaseSync, path: string): void {
  worker.exec('PRAGMA wal_autocheckpoint = 0')
  const { journal_mode } = worker.prepare('PRAGMA journal_mode = wal').get() as { journal_mode: string }
  if (journal_mode !== 'wal') {
    throw new WriterError('WRITER_DATABASE', `Cannot switch ${path} to WAL mode: it stays in mode ${journal_mode}`, {
      at: { path },
      hint: 'Close programs that use the database in another journal mode, and check that its folder is writable.',
    })
  }
  worker.exec('CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)')
  worker.exec('CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER)')
}

function closeWriting({ worker, barrier }: WritingConnections): void {
  worker.close()
  barrier.close()
}

/** The read-only reader goes last: it cannot checkpoint, so the WAL stays. Then nothing holds a lock on the file. */
function closeAll(connections: {
  readonly reader: DatabaseSync
  readonly writing: WritingConnections | undefined
  readonly file: HeldFile
}): void {
  if (connections.writing) closeWriting(connections.writing)
  connections.reader.close()
  connections.file.release()
}
