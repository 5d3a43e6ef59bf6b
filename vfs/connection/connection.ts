import type { DatabaseState } from '../../replica/index.ts'
import { DATABASE_NAME, Engine, type EngineModules, type EngineOptions } from '../engine/engine.ts'
import { VfsError } from '../engine/errors.ts'
import { maxTextBytes } from '../engine/heap.ts'
import { schemaCookie } from '../engine/page-one.ts'
import { errorCodeOf, SQLITE, sqliteCodeName } from '../engine/sqlite-codes.ts'
import type { PageReader } from './page-source.ts'
import { Prepared } from './prepared.ts'
import { SqlFunctions } from './sql-functions.ts'
import type { SurfaceContext } from './sql-surface.ts'
import { skipBlank } from './sql-text.ts'
import { StatementCache } from './statement-cache.ts'

const SQLITE_OPEN_READONLY = 1
const SQLITE_OPEN_READWRITE = 2
/** The statement will be kept. */
const SQLITE_PREPARE_PERSISTENT = 1
/** Statements that leave something behind in the connection, and whose meaning is fixed when they are compiled. */
const LINGERING = new Set(['pragma', 'attach', 'detach'])
/** It makes SQLite load the whole schema, with its statistics. */
const PROBE = 'select 1 from sqlite_schema limit 1'

const REHEARSAL = `CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); CREATE INDEX t_v ON t (v); INSERT INTO t VALUES (1, 'a');
  SELECT t.id, o.v FROM t JOIN t o ON o.id = t.id WHERE t.v = 'a' ORDER BY o.v`

/** Steps of SQLite's machine between two looks at the clock: about a millisecond. */
const PROGRESS_STEPS = 20_000

export interface ConnectionOptions extends EngineOptions {
  /** The most that SQLite's own page cache takes, per instance. Default: SQLite's, 16 MiB. */
  readonly sqliteCacheBytes?: number
}

/**
 * One instance of SQLite and its open database, used by one query or transaction at a time.
 *
 * SQLite keeps its page cache from one lease to the next while the state is the same. The database is opened again when
 * the schema has changed, when a failure may have left the loaded schema incomplete, and when a lease left something
 * behind (temporary tables, pragmas).
 */
export class Connection {
  readonly engine: Engine
  readonly #surface: SqlFunctions
  readonly #options: ConnectionOptions
  readonly #out: number // two pointers that SQLite writes
  #db = 0
  #statements = new StatementCache()
  #openedWith: { readonly cookie: number; readonly pageSize: number } | undefined
  /** The state of the last lease: a database that is open for it needs no look at its schema. */
  #leasedFor: DatabaseState | undefined
  #suspect = false
  #lingering = false
  #tail: Promise<unknown> = Promise.resolve()

  private constructor(engine: Engine, options: ConnectionOptions) {
    this.engine = engine
    this.#options = options
    this.#surface = new SqlFunctions(engine)
    this.#out = engine.sqlite.malloc(8)
  }

  /** @throws VfsError VFS_ENGINE */
  static async start(modules: EngineModules, options: ConnectionOptions = {}): Promise<Connection> {
    return new Connection(await Engine.start(modules, options), options)
  }

  /** Have the code for ordinary queries compiled by the runtime, by running some on a database in memory. */
  rehearse(): void {
    const { sqlite, heap } = this.engine
    const name = this.#allocate(':memory:')
    if (sqlite.sqlite3_open_v2(name, this.#out, SQLITE_OPEN_READWRITE, 0) === SQLITE.OK) {
      this.#db = heap.u32(this.#out)
      this.#exec(REHEARSAL)
    }
    sqlite.free(name)
    this.#close()
  }

  /** One piece of work after the other: everything that calls SQLite goes through here. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work)
    this.#tail = result.catch(() => undefined)
    return result
  }

  /** Use the connection for `source`'s state from now on, until `endLease`. */
  beginLease(source: PageReader): void | Promise<void> {
    if (this.#db === 0 || this.#leasedFor !== source.state) return this.#turnTo(source)
  }

  async #turnTo(source: PageReader): Promise<void> {
    this.#leasedFor = source.state
    if (!source.get(1)) await source.hold([1])
    const cookie = schemaCookie(source.get(1)!)
    const { pageSize } = source.state
    if (this.#openedWith?.cookie !== cookie || this.#openedWith.pageSize !== pageSize) this.#close()
    this.#openedWith = { cookie, pageSize } // also of a database that is opened again while the lease lasts
    if (this.#db === 0) await this.#open(source)
  }

  /** Leave nothing behind for the next lease. */
  endLease(): void {
    this.#surface.context = undefined
    if (this.#suspect || this.#lingering || this.#statements.busy > 0) this.#close()
  }

  /** Let go of the database. The instance itself is the garbage collector's. */
  shutDown(): void {
    this.#close()
  }

  /**
   * Compile a statement, or take it from the cache. Give it back with `release`.
   *
   * @param context answers Litestream's functions and pragmas from now on
   * @throws VfsError VFS_EMPTY_SQL, VFS_MULTIPLE_STATEMENTS, VFS_NUL_IN_SQL, and what SQLite finds wrong
   */
  async prepare(source: PageReader, sql: string, context: SurfaceContext): Promise<Prepared> {
    this.#surface.context = context
    this.#surface.forget()
    const kept = this.#statements.take(sql)
    if (kept) return kept
    if (sql.includes('\0')) throw new VfsError('VFS_NUL_IN_SQL', 'Cannot run SQL: it contains a NUL character')
    const { heap, sqlite } = this.engine
    const text = sqlite.malloc(maxTextBytes(sql) + 1)
    const length = heap.writeText(text, sql)
    heap.bytes[text + length] = 0
    try {
      const result = await this.settle(
        source,
        () =>
          this.engine.call(
            'sqlite3_prepare_v3',
            this.#db,
            text,
            length + 1,
            SQLITE_PREPARE_PERSISTENT,
            this.#out,
            this.#out + 4,
          ),
        () => this.#undoPrepare(),
      )
      if (result !== SQLITE.OK) throw this.sqlError(result, sql)
      const pointer = heap.u32(this.#out)
      if (pointer === 0)
        throw new VfsError('VFS_EMPTY_SQL', 'Cannot run SQL: there is no statement in it', { at: { sql } })
      const prepared = this.#statements.add(new Prepared(this.engine, sql, pointer))
      const tail = heap.u32(this.#out + 4)
      this.#checkTail(prepared, heap.text(tail, text + length - tail))
      if (LINGERING.has(prepared.word) && !this.#surface.answered) this.#lingering = true
      return prepared
    } finally {
      sqlite.free(text)
    }
  }

  #checkTail(prepared: Prepared, tail: string): void {
    if (skipBlank(tail, 0, true) === tail.length) return
    this.#statements.put(prepared, false)
    const message = 'Cannot run SQL: it has more than one statement; run them one by one, in a transaction if need be'
    throw new VfsError('VFS_MULTIPLE_STATEMENTS', message, { at: { sql: prepared.sql } })
  }

  /**
   * A miss may have been swallowed while the schema was loaded (bridges.md 4, rules 1 and 2): open again, unless that
   * would lose what the lease has made. Then only plans can be worse, not results.
   */
  #undoPrepare(): void {
    const pointer = this.engine.heap.u32(this.#out)
    if (pointer !== 0) this.engine.sqlite.sqlite3_finalize(pointer)
    this.engine.heap.view.setUint32(this.#out, 0, true)
    if (this.#lingering || this.#statements.busy > 0) this.#suspect = true
    else this.#close()
  }

  /** Give a statement back. */
  release(prepared: Prepared): void {
    this.#statements.put(prepared, !LINGERING.has(prepared.word))
  }

  /** The lease has made something that opening again would lose. */
  linger(): void {
    this.#lingering = true
  }

  /**
   * Let an attempt run until it missed no page: only then did it happen. Whatever its result says, with a miss it is
   * undone, what was missed is fetched, and it runs again (bridges.md 4, rule 1).
   *
   * @returns the result code of the attempt that missed nothing
   * @throws what fetching threw, as it was; the signal's reason
   */
  async settle(source: PageReader, attempt: () => Promise<number>, undo: () => void): Promise<number> {
    const { file } = this.engine
    for (;;) {
      source.signal?.throwIfAborted()
      if (this.#db === 0) await this.#open(source)
      file.begin(source)
      const begun = performance.now()
      const result = await attempt()
      if (!file.failure && file.missed.size === 0) return result
      const missed = [...file.missed]
      undo()
      if (file.failure) {
        this.#suspect = true // the failure may have been swallowed while the schema was loaded
        throw file.failure.error
      }
      const ran = performance.now() - begun
      await source.hold(missed)
      // To run again costs as much as it took so far: waiting as long for more pages costs twice that at the most.
      await source.settle(ran)
    }
  }

  /** Run BEGIN, COMMIT or ROLLBACK, which read no pages. */
  execute(sql: 'BEGIN' | 'COMMIT' | 'ROLLBACK'): void {
    const result = this.#exec(sql)
    if (result !== SQLITE.OK) throw this.sqlError(result, sql)
  }

  /** Undo an open transaction, if there is one. @returns whether there was */
  rollBack(): boolean {
    if (this.#db === 0 || this.engine.sqlite.sqlite3_get_autocommit(this.#db) !== 0) return false
    this.execute('ROLLBACK')
    return true
  }

  /** The error of the SQLite call that has just failed. */
  sqlError(result: number, sql?: string): VfsError {
    const { sqlite, heap } = this.engine
    const inner = this.#surface.error
    const extendedCode = this.#db === 0 ? result : sqlite.sqlite3_extended_errcode(this.#db)
    const message = heap.cString(this.#db === 0 ? sqlite.sqlite3_errstr(result) : sqlite.sqlite3_errmsg(this.#db))
    const offset = this.#db === 0 ? -1 : sqlite.sqlite3_error_offset(this.#db)
    const at = {
      ...(sql !== undefined && { sql }),
      ...(offset >= 0 && { offset }),
      sqliteCode: result & 0xff,
      extendedCode: (extendedCode & 0xff) === (result & 0xff) ? extendedCode : result,
    }
    return new VfsError(inner?.code ?? errorCodeOf(result), `${message} (${sqliteCodeName(result)})`, {
      at,
      cause: inner,
    })
  }

  /** Rule 2: open until nothing was missed, the schema and its statistics included. */
  async #open(source: PageReader): Promise<void> {
    const { file } = this.engine
    for (;;) {
      source.signal?.throwIfAborted()
      file.begin(source)
      const result = await this.#tryOpen()
      const missed = [...file.missed]
      const error = result === SQLITE.OK ? undefined : this.sqlError(result)
      if (result === SQLITE.OK && !file.failure && missed.length === 0) break
      this.#close()
      if (file.failure) throw file.failure.error
      if (missed.length === 0) throw error
      await source.hold(missed)
    }
    const { sqliteCacheBytes } = this.#options
    if (sqliteCacheBytes !== undefined) this.#exec(`PRAGMA cache_size = -${Math.max(1, sqliteCacheBytes >>> 10)}`)
  }

  async #tryOpen(): Promise<number> {
    const { engine } = this
    const { sqlite, heap } = engine
    const name = this.#allocate(DATABASE_NAME)
    const probe = this.#allocate(PROBE)
    try {
      let result = await engine.call('sqlite3_open_v2', name, this.#out, SQLITE_OPEN_READONLY, 0)
      this.#db = heap.u32(this.#out)
      if (result !== SQLITE.OK) return result
      sqlite.sqlite3_extended_result_codes(this.#db, 1)
      sqlite.sqlite3_progress_handler(this.#db, PROGRESS_STEPS, engine.progressPointer, 0)
      result = this.#surface.register(this.#db)
      if (result !== SQLITE.OK) return result
      result = await engine.call('sqlite3_prepare_v3', this.#db, probe, -1, 0, this.#out, 0)
      const statement = heap.u32(this.#out)
      if (result !== SQLITE.OK) return result
      result = await engine.call('sqlite3_step', statement)
      const ended = sqlite.sqlite3_finalize(statement)
      return result === SQLITE.ROW || result === SQLITE.DONE ? SQLITE.OK : ended
    } finally {
      sqlite.free(name)
      sqlite.free(probe)
    }
  }

  #exec(sql: string): number {
    const text = this.#allocate(sql)
    try {
      return this.engine.sqlite.sqlite3_exec(this.#db, text, 0, 0, 0)
    } finally {
      this.engine.sqlite.free(text)
    }
  }

  #allocate(text: string): number {
    const address = this.engine.sqlite.malloc(maxTextBytes(text) + 1)
    this.engine.heap.bytes[address + this.engine.heap.writeText(address, text)] = 0
    return address
  }

  #close(): void {
    this.#statements.clear()
    this.#suspect = false
    this.#lingering = false
    if (this.#db !== 0) this.engine.sqlite.sqlite3_close_v2(this.#db)
    this.#db = 0
  }
}
