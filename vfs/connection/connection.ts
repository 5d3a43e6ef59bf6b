import type { DatabaseState } from '../../replica/index.ts'
import { DATABASE_NAME } from '../engine/database-file.ts'
import { Engine, type EngineModules, type EngineOptions, type Unfinished } from '../engine/engine.ts'
import { VfsError } from '../engine/errors.ts'
import { textEncoding } from '../engine/page-one.ts'
import type { PageReader } from '../engine/page-reader.ts'
import { errorCodeOf, SQLITE, sqliteCodeName } from '../engine/sqlite-codes.ts'
import { LoadedSchema } from './loaded-schema.ts'
import { Prepared } from './prepared.ts'
import { SqlFunctions } from './sql-functions.ts'
import type { SurfaceContext } from './sql-surface.ts'
import { ActionLog, type StatementActions } from './statement-actions.ts'
import { StatementCache } from './statement-cache.ts'

const SQLITE_OPEN_READONLY = 1
const SQLITE_OPEN_READWRITE = 2
/** The statement will be kept. */
const SQLITE_PREPARE_PERSISTENT = 1
/** Whether "text" in double quotes may be a string where no column has that name, in queries and in the schema. */
const DOUBLE_QUOTED_STRINGS = [1013, 1014]
/** In either byte order. */
const UTF16 = [2, 3]
/** It makes SQLite load the whole schema, with its statistics. */
const PROBE = 'select 1 from sqlite_schema limit 1'

const REHEARSAL = `CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); CREATE INDEX t_v ON t (v); INSERT INTO t VALUES (1, 'a');
  SELECT t.id, o.v FROM t JOIN t o ON o.id = t.id WHERE t.v = 'a' ORDER BY o.v`

/** Steps of SQLite's machine between two looks at the clock: about a millisecond. */
const PROGRESS_STEPS = 20_000

export interface ConnectionOptions extends Pick<EngineOptions, 'bridge'> {
  /** The most that SQLite's own page cache takes, per instance. Default: SQLite's, 16 MiB. */
  readonly sqliteCacheBytes?: number
  /**
   * Take "text" in double quotes for a string where no column has that name, as most drivers and SQLite's shell do: views
   * and indexes are often written so. Default true.
   */
  readonly doubleQuotedStrings?: boolean
}

/**
 * One instance of SQLite and its open database, used by one query or transaction at a time.
 *
 * SQLite keeps its page cache from one lease to the next while the state is the same. The database is opened again when
 * the pages of its schema are others, after a failure, and when a lease left something behind (temporary tables, settings,
 * a transaction).
 */
export class Connection {
  readonly engine: Engine
  readonly #functions: SqlFunctions
  readonly #log = new ActionLog()
  readonly #options: ConnectionOptions
  readonly #out: number // two pointers that SQLite writes
  #db = 0
  #statements = new StatementCache()
  #schema: LoadedSchema | undefined
  /** The state of the last lease: a database that is open for it needs no look at its schema. */
  #leasedFor: DatabaseState | undefined
  /** Something was made, or a call failed, with the last failure: the database is not as a fresh one would be. */
  #unclean: { readonly failure?: { readonly error: unknown } } | undefined
  #tail: Promise<unknown> = Promise.resolve()
  /** Pieces of work in that queue. */
  #queued = 0

  private constructor(engine: Engine, options: ConnectionOptions) {
    this.engine = engine
    this.#options = options
    this.#functions = new SqlFunctions(engine, this.#log)
    this.#out = engine.scratch.allocate(8)
  }

  /** @throws VfsError VFS_ENGINE */
  static async start(modules: EngineModules, options: ConnectionOptions & EngineOptions = {}): Promise<Connection> {
    return new Connection(await Engine.start(modules, options), options)
  }

  /** Have the code for ordinary queries compiled by the runtime, by running some on a database in memory. */
  rehearse(): void {
    const { sqlite, heap, scratch } = this.engine
    scratch.withText(':memory:', (name) => {
      if (sqlite.sqlite3_open_v2(name, this.#out, SQLITE_OPEN_READWRITE, 0) !== SQLITE.OK) return
      this.#db = heap.u32(this.#out)
      this.#execute(REHEARSAL)
    })
    this.#close()
  }

  /** One piece of work after the other: everything that calls SQLite goes through here. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    this.#queued++
    const result = this.#tail.then(work)
    const ended = (): void => {
      this.#queued--
    }
    this.#tail = result.then(ended, ended)
    return result
  }

  /**
   * Whether a statement went through without waiting the last time, and would disturb nobody: when one is given up, SQLite
   * has to save where the others are, and may have to wait for that.
   */
  isWorthTrying(sql: string): boolean {
    return this.free && this.#statements.busy === 0 && this.#statements.peek(sql)?.lastRun === 'at once'
  }

  /** Nothing is running, and nothing waits for its turn: SQLite may be called at once. */
  get free(): boolean {
    return this.#queued === 0
  }

  /** Use the connection for `source`'s state from now on, until `endLease`. @throws what fetching throws; VfsError */
  beginLease(source: PageReader): void | Promise<void> {
    if (this.#db === 0 || this.#leasedFor !== source.state) return this.#turnTo(source)
  }

  async #turnTo(source: PageReader): Promise<void> {
    this.#leasedFor = undefined
    if (this.#db !== 0 && !(await this.#schema?.isThatOf(source))) this.#close()
    if (this.#db === 0) await this.#open(source)
    this.#leasedFor = source.state
  }

  /** Leave nothing behind for the next lease. */
  endLease(): void {
    this.#functions.context = undefined
    if (this.#isUnclean()) this.#close()
  }

  /** Let go of the database. The instance itself is the garbage collector's. */
  shutDown(): void {
    this.#close()
  }

  #isUnclean(): boolean {
    if (this.#unclean || this.#log.lasting || this.#statements.busy > 0 || this.engine.broken) return true
    return this.#db !== 0 && this.engine.sqlite.sqlite3_get_autocommit(this.#db) === 0
  }

  /** A statement from the cache, as `prepare` gives it. */
  prepareKept(sql: string, context: SurfaceContext): Prepared | undefined {
    this.#functions.context = context
    this.#functions.forget()
    return this.#statements.take(sql)
  }

  /**
   * Compile a statement, or take it from the cache. Give it back with `release`.
   *
   * @param context answers Litestream's functions and pragmas from now on
   * @throws VfsError VFS_EMPTY_SQL, VFS_MULTIPLE_STATEMENTS, VFS_NUL_IN_SQL, VFS_TRANSACTION_SQL, and what SQLite finds
   *   wrong
   */
  async prepare(source: PageReader, sql: string, context: SurfaceContext): Promise<Prepared> {
    const kept = this.prepareKept(sql, context)
    if (kept) return kept
    if (sql.includes('\0')) throw new VfsError('VFS_NUL_IN_SQL', 'Cannot run SQL: it contains a NUL character')
    const { heap, scratch } = this.engine
    const { address, bytes } = scratch.allocateText(sql)
    try {
      const result = await this.run(source, () => this.#compile(address, bytes)).finally(() => this.#log.compiled())
      const { actions } = this.#log
      if (actions.transaction !== undefined) throw transactionSql(actions.transaction, sql)
      if (result !== SQLITE.OK) throw this.sqlError(result, sql)
      const pointer = heap.u32(this.#out)
      if (pointer === 0) {
        throw new VfsError('VFS_EMPTY_SQL', 'Cannot run SQL: there is no statement in it', { at: { sql } })
      }
      const tail = heap.u32(this.#out + 4)
      return this.#prepared(sql, pointer, actions, { address: tail, bytes: address + bytes - tail })
    } finally {
      if (!this.engine.broken) scratch.free(address)
    }
  }

  #compile(address: number, bytes: number): number | Promise<number> {
    this.#log.compile()
    return this.#prepareV3(address, bytes + 1, SQLITE_PREPARE_PERSISTENT)
  }

  /** To `#out`. Nothing is left there by a failure, of which SQLite can have made a statement: the database would stay open with it. */
  #prepareV3(address: number, bytes: number, flags: number): number | Promise<number> {
    const { engine } = this
    const { sqlite, heap, border } = engine
    const out = this.#out
    const settled = (result: number): number => {
      if (border.failure) sqlite.sqlite3_finalize(heap.u32(out))
      return result
    }
    heap.view.setUint32(out, 0, true)
    const outcome = engine.call('sqlite3_prepare_v3', this.#db, address, bytes, flags, out, out + 4)
    return typeof outcome === 'number' ? settled(outcome) : outcome.then(settled)
  }

  #prepared(
    sql: string,
    pointer: number,
    actions: StatementActions,
    tail: { readonly address: number; readonly bytes: number },
  ): Prepared {
    const prepared = this.#statements.add(new Prepared(this.engine, sql, pointer, actions))
    if (this.#isBlank(tail.address, tail.bytes)) return prepared
    this.#statements.put(prepared, false)
    const message = 'Cannot run SQL: it has more than one statement; run them one by one, in a transaction if need be'
    throw new VfsError('VFS_MULTIPLE_STATEMENTS', message, { at: { sql } })
  }

  /** Whether SQLite sees no statement in what follows one: white space, comments, semicolons. */
  #isBlank(address: number, bytes: number): boolean {
    const { sqlite, heap } = this.engine
    const out = this.#out
    for (let at = address; at < address + bytes; at = heap.u32(out + 4)) {
      const rest = address + bytes - at
      const result = this.#log.refusing(() => sqlite.sqlite3_prepare_v3(this.#db, at, rest + 1, 0, out, out + 4))
      const pointer = heap.u32(out)
      if (pointer !== 0) sqlite.sqlite3_finalize(pointer)
      if (result !== SQLITE.OK || pointer !== 0) return false
    }
    return true
  }

  /** Give a statement back. */
  release(prepared: Prepared): void {
    if (this.engine.broken) return
    this.#statements.put(prepared, prepared.lasts)
  }

  /** The lease is about to make something that the next one must not see. */
  soil(): void {
    this.#unclean ??= {}
  }

  /**
   * Run a call into SQLite over the pages of a source.
   *
   * @returns its result code
   * @throws the failure that it met, as it was: then the call is void; the signal's reason
   */
  async run(source: PageReader, call: () => number | Promise<number>): Promise<number> {
    source.signal?.throwIfAborted()
    if (this.#db === 0) await this.#open(source)
    const { file } = this.engine
    file.begin(source)
    const outcome = call()
    return this.#settled(typeof outcome === 'number' ? outcome : await outcome)
  }

  /** As `run`, for a call that is only tried. @returns undefined where the database has to be opened first */
  tryRun(source: PageReader, call: () => number | Unfinished): number | Unfinished | undefined {
    source.signal?.throwIfAborted()
    if (this.#db === 0) return undefined
    this.engine.file.begin(source)
    const outcome = call()
    return typeof outcome === 'number' ? this.#settled(outcome) : outcome
  }

  /** @returns a call's result, where it means something. @throws the failure that it met */
  #settled(result: number): number {
    const { border } = this.engine
    // Nobody interrupts SQLite but the border: else a statement that failed has taken the pages of this one's cursor along.
    const failure = border.failure ?? (result === SQLITE.INTERRUPT ? this.#unclean?.failure : undefined)
    if (failure) {
      this.#unclean = { failure } // SQLite may have made something of it: a read error becomes a row of integrity_check
      throw failure.error
    }
    return result
  }

  /** The error of the SQLite call that has just failed. */
  sqlError(result: number, sql?: string): VfsError {
    const { sqlite, heap } = this.engine
    const inner = this.#functions.error
    const message = heap.cString(this.#db === 0 ? sqlite.sqlite3_errstr(result) : sqlite.sqlite3_errmsg(this.#db))
    const offset = this.#db === 0 ? -1 : sqlite.sqlite3_error_offset(this.#db)
    const at = {
      ...(sql !== undefined && { sql }),
      ...(offset >= 0 && { offset }),
      sqliteCode: result & 0xff,
      extendedCode: result, // `sqlite3_extended_result_codes` is on
    }
    const lacking = /^no such module: (.*)/.exec(message)?.[1]
    if (lacking !== undefined) return lacksModule(lacking, at)
    return new VfsError(inner?.code ?? errorCodeOf(result), `${message} (${sqliteCodeName(result)})`, {
      at,
      cause: inner,
    })
  }

  /** Open, and load the schema with its statistics: a failure in that would be swallowed later (bridges 4). */
  async #open(source: PageReader): Promise<void> {
    const { file, border } = this.engine
    const read = new Set<number>()
    this.#log.clear()
    this.#unclean = undefined
    file.onRead = (pgno) => read.add(pgno)
    try {
      source.signal?.throwIfAborted()
      file.begin(source)
      const result = await this.#tryOpen()
      if (border.failure) throw border.failure.error
      if (result !== SQLITE.OK) {
        const error = this.sqlError(result)
        throw (await unsupportedEncoding(source)) ?? error
      }
      this.#schema = await LoadedSchema.of(read, source)
    } catch (error) {
      this.#close()
      throw error
    } finally {
      file.onRead = undefined
    }
    const { sqliteCacheBytes } = this.#options
    if (sqliteCacheBytes !== undefined) this.#execute(`PRAGMA cache_size = -${Math.max(1, sqliteCacheBytes >>> 10)}`)
  }

  /** @returns a result code; with `border.failure` it means nothing */
  async #tryOpen(): Promise<number> {
    const { engine } = this
    const { sqlite, heap, scratch, pointers } = engine
    const name = scratch.allocateText(DATABASE_NAME).address
    const probe = scratch.allocateText(PROBE).address
    try {
      let result = await engine.call('sqlite3_open_v2', name, this.#out, SQLITE_OPEN_READONLY, 0)
      this.#db = heap.u32(this.#out)
      if (result !== SQLITE.OK || engine.border.failure) return result
      sqlite.sqlite3_extended_result_codes(this.#db, 1)
      sqlite.sqlite3_progress_handler(this.#db, PROGRESS_STEPS, pointers.progress, 0)
      sqlite.sqlite3_set_authorizer(this.#db, pointers.authorizer, 0)
      const quoted = this.#options.doubleQuotedStrings === false ? 0 : 1
      for (const option of DOUBLE_QUOTED_STRINGS) sqlite.sqlite3__wasm_db_config_ip(this.#db, option, quoted, 0)
      result = this.#functions.register(this.#db)
      if (result !== SQLITE.OK) return result
      result = await this.#prepareV3(probe, -1, 0)
      if (result !== SQLITE.OK || engine.border.failure) return result
      const statement = heap.u32(this.#out)
      result = await engine.call('sqlite3_step', statement)
      const ended = sqlite.sqlite3_finalize(statement)
      return result === SQLITE.ROW || result === SQLITE.DONE ? SQLITE.OK : ended
    } finally {
      if (!engine.broken) {
        scratch.free(name)
        scratch.free(probe)
      }
    }
  }

  #execute(sql: string): number {
    const { sqlite, scratch } = this.engine
    return scratch.withText(sql, (text) => sqlite.sqlite3_exec(this.#db, text, 0, 0, 0))
  }

  #close(): void {
    const { engine } = this
    if (engine.broken) this.#statements = new StatementCache()
    else {
      this.#statements.clear()
      // Ours are gone then. Others that SQLite lists (`sqlite3_next_stmt`) are virtual tables' own.
      if (this.#db !== 0) engine.sqlite.sqlite3_close_v2(this.#db)
      if (engine.file.isOpen) engine.retire() // something of it is left: a database that is opened beside it finds no file
    }
    this.#db = 0
    this.#schema = undefined
    this.#leasedFor = undefined
    this.#unclean = undefined
    this.#log.clear()
  }
}

/** The error for a database whose text this build cannot read; undefined for any other. */
async function unsupportedEncoding(source: PageReader): Promise<VfsError | undefined> {
  if (source.get(1) === undefined) await source.hold([1])
  const page = source.get(1)
  source.release()
  if (page === undefined || !UTF16.includes(textEncoding(page))) return undefined
  return new VfsError(
    'VFS_UNSUPPORTED',
    "Cannot query the database: its text is UTF-16 (PRAGMA encoding), which SQLite's WebAssembly build cannot read. " +
      "Restore it and query the copy, or rebuild it with PRAGMA encoding = 'UTF-8'",
  )
}

function lacksModule(module: string, at: VfsError['at']): VfsError {
  return new VfsError(
    'VFS_UNSUPPORTED',
    `Cannot query the table: it needs the module ${module}, which SQLite's WebAssembly build does not have. Restore the ` +
      'database and query the copy',
    { at },
  )
}

function transactionSql(word: string, sql: string): VfsError {
  return new VfsError('VFS_TRANSACTION_SQL', `Cannot run ${word}: use transaction(...) instead`, { at: { sql } })
}
