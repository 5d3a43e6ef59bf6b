import { fstatSync, openSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { errnoCode, type FileOwner, fileError } from './durable-file.ts'
import { WriterError } from './errors.ts'
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
  /** Read-only, for the pages that are not in the WAL. Never closed: see `keptDescriptor`. */
  readonly fd: number
  readonly #options: DatabaseOptions
  readonly #reader: DatabaseSync
  readonly #barrier: DatabaseSync
  readonly #worker: DatabaseSync
  #pinned = false

  private constructor(path: string, options: DatabaseOptions, connections: Connections) {
    this.path = path
    this.#options = options
    this.fd = connections.fd
    this.#reader = connections.reader
    this.#barrier = connections.barrier
    this.#worker = connections.worker
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
      if (connections) closeConnections(connections)
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
      this.#worker.exec(
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
      await this.#retry(() => this.#barrier.exec('BEGIN IMMEDIATE'))
    } catch (error) {
      if (error instanceof WriterError && isBusy(error.cause)) return undefined
      throw error
    }
    try {
      return await fn()
    } finally {
      this.#barrier.exec('ROLLBACK')
    }
  }

  /** One attempt, without waiting for anybody. */
  checkpoint(mode: CheckpointMode): CheckpointResult {
    try {
      const row = this.#worker.prepare(`PRAGMA wal_checkpoint(${mode})`).get() as
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

  /** False when another file, or none, stands at the path by now. */
  isInPlace(): boolean {
    const there = statSync(this.path, { throwIfNoEntry: false })
    if (!there) return false
    const ours = fstatSync(this.fd)
    return there.ino === ours.ino && there.dev === ours.dev
  }

  close(): void {
    closeConnections({ reader: this.#reader, barrier: this.#barrier, worker: this.#worker })
  }

  async #retry<T>(fn: () => T): Promise<T> {
    try {
      return await retryBusy(fn, { timeoutMs: this.#options.busyTimeoutMs, sleep: this.#options.sleep })
    } catch (error) {
      throw databaseError(error, this.path)
    }
  }
}

interface Connections {
  readonly reader: DatabaseSync
  readonly barrier: DatabaseSync
  readonly worker: DatabaseSync
  readonly pageSize: number
  readonly fd: number
}

async function openConnections(path: string, options: DatabaseOptions): Promise<Connections> {
  const fd = keptDescriptor(path)
  const opened: DatabaseSync[] = []
  const connect = (readOnly: boolean) => {
    const url = pathToFileURL(path)
    url.search = readOnly ? '?mode=ro' : '?mode=rw' // never create a database that is not there
    const connection = new DatabaseSync(url, { readOnly })
    opened.push(connection)
    return connection
  }
  try {
    const worker = connect(false)
    await retryBusy(() => prepareDatabase(worker, path), { timeoutMs: options.busyTimeoutMs, sleep: options.sleep })
    const barrier = connect(false)
    barrier.exec('PRAGMA wal_autocheckpoint = 0')
    const reader = connect(true)
    const { page_size } = reader.prepare('PRAGMA page_size').get() as { page_size: number }
    return { reader, barrier, worker, pageSize: page_size, fd }
  } catch (error) {
    for (const connection of opened) connection.close()
    throw error
  }
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

/** The read-only reader goes last: it cannot checkpoint, so the WAL stays. */
function closeConnections(connections: Pick<Connections, 'reader' | 'barrier' | 'worker'>): void {
  connections.worker.close()
  connections.barrier.close()
  connections.reader.close()
}

const kept = new Map<string, number>()

/**
 * A read-only descriptor on a database file, opened once per process and file and never closed: closing any
 * descriptor of a file drops every POSIX lock that the process holds on it, SQLite's own included.
 */
function keptDescriptor(path: string): number {
  try {
    const stat = statSync(path)
    const identity = `${stat.dev}:${stat.ino}`
    const known = kept.get(identity)
    if (known !== undefined) return known // an open file's inode is not given away
    if (!stat.isFile()) {
      throw new WriterError('WRITER_NOT_A_DATABASE', `Cannot open ${path}: it is not a regular file`, { at: { path } })
    }
    const fd = openSync(path, 'r')
    kept.set(identity, fd)
    return fd
  } catch (error) {
    if (errnoCode(error) !== 'ENOENT') throw fileError(error, 'open', path)
    throw new WriterError('WRITER_NO_DATABASE', `Cannot open ${path}: no such database`, {
      at: { path },
      cause: error,
      hint: 'Check the path, or create the database first.',
    })
  }
}
