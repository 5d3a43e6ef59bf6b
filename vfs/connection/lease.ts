import type { DatabaseState } from '../../replica/index.ts'
import { RunAhead, type SpeculatorHome } from '../ahead/run-ahead.ts'
import type { BridgeKind } from '../engine/bridge.ts'
import { VfsError } from '../engine/errors.ts'
import { SQLITE } from '../engine/sqlite-codes.ts'
import { bindAll } from './bind.ts'
import type { Connection } from './connection.ts'
import type { PageSource } from './page-source.ts'
import type { Prepared } from './prepared.ts'
import { RowDigest } from './row-digest.ts'
import { RowReader } from './row-reader.ts'
import type { SurfaceContext } from './sql-surface.ts'
import type { Row, RowFormat, SqlParameters, SqlValue } from './values.ts'

/** How many rows a batch may have, and roughly how many bytes: it ends at whichever comes first. */
export interface BatchLimits {
  readonly rows: number
  readonly bytes: number
  /** The first rows come one by one, then in batches as large as what came before: none waits for many others. */
  readonly growing?: boolean
}

/** One call into SQLite, and so one promise, for many rows; not so many that the first ones wait long. */
const STREAM: BatchLimits = { rows: 256, bytes: 256 * 1024, growing: true }
/** The same for who wants all rows: the first ones are no news. */
const COLLECT: BatchLimits = { ...STREAM, growing: false }
/**
 * Bridge `fault`, and a result that can differ each time it is computed: as much of it as possible comes from one run.
 * What is more goes out in parts, and a later run must give the same rows again.
 */
const BUFFER: BatchLimits = { rows: Infinity, bytes: 16 * 1024 * 1024 }
/** SQLite's clock stands still during a query; these do not. */
const UNSTABLE = /random|litestream_lag/i
const FIRST_ROW: BatchLimits = { rows: 1, bytes: Infinity }
export const ALL_ROWS: BatchLimits = { rows: Infinity, bytes: Infinity }

/** Statements that SQLite refuses in a transaction, and that make nothing: they need none. */
const UNDIVIDED = new Set(['vacuum', 'pragma'])
/** What begins and ends transactions is the library's business. */
const TRANSACTION_WORDS = new Set(['begin', 'commit', 'end', 'rollback', 'savepoint', 'release'])

/** Statements that are run ahead of: they only read. */
const SPECULATED = new Set(['select', 'with', 'values'])

/** A connection on loan for one query or transaction, with the pages of the one state that it reads. */
export class Lease {
  readonly #connection: Connection
  readonly #source: PageSource
  readonly #context: SurfaceContext
  readonly #speculators: SpeculatorHome
  #ended = false

  constructor(connection: Connection, source: PageSource, context: SurfaceContext, speculators: SpeculatorHome) {
    this.#connection = connection
    this.#source = source
    this.#context = context
    this.#speculators = speculators
  }

  get state(): DatabaseState {
    return this.#source.state
  }

  /**
   * Give the connection back, in order, as soon as a call that is running has returned. Whoever goes on with a query of
   * this lease gets VFS_CLOSED: the connection may be somebody else's by then, at another state.
   */
  end(): Promise<void> {
    this.#ended = true
    return this.#connection.exclusive(async () => this.#connection.endLease())
  }

  /** The names of a statement's columns. */
  columns(sql: string): Promise<readonly string[]> {
    return this.#exclusive(async () => {
      const prepared = await this.#prepare(sql)
      const columns = prepared.columns()
      this.#connection.release(prepared)
      return columns
    })
  }

  /** The first row of a statement, if there is one. */
  async first(sql: string, parameters: SqlParameters, format: RowFormat): Promise<Row | SqlValue[] | undefined> {
    try {
      return await this.#exclusive(async () => {
        const run = await this.#begin(sql, parameters, format, FIRST_ROW)
        try {
          return (await run.next()).rows[0]
        } finally {
          run.end()
        }
      })
    } finally {
      this.#source.release()
    }
  }

  /**
   * The rows of a statement, a batch at a time; to be read to its end or left (`return`).
   * @param limits of a batch. Default: what suits a stream
   */
  async *batches(
    sql: string,
    parameters: SqlParameters,
    format: RowFormat,
    limits?: BatchLimits,
  ): AsyncGenerator<(Row | SqlValue[])[]> {
    const { turns } = this.#connection.engine
    let run: Run | undefined
    try {
      for (;;) {
        const { rows, done } = await this.#exclusive(async () => {
          run ??= await this.#begin(sql, parameters, format, limits)
          const batch = await run.next()
          if (batch.done) run.end()
          return batch
        })
        if (rows.length > 0) yield rows
        if (done) return
        await turns.takeIfDue()
      }
    } finally {
      if (run?.ended === false) await this.#connection.exclusive(async () => run!.end())
      this.#source.release()
    }
  }

  async #begin(sql: string, parameters: SqlParameters, format: RowFormat, asked?: BatchLimits): Promise<Run> {
    const { engine } = this.#connection
    if (engine.turns.lookBetween()) await engine.turns.take()
    const prepared = await this.#prepare(sql)
    const ahead = SPECULATED.has(prepared.word) ? this.#runAhead(sql, parameters, asked?.rows) : undefined
    const run = new Run(this.#connection, this.#source, prepared, format, limitsFor(engine.bridge, sql, asked), ahead)
    try {
      bindAll(engine, prepared, parameters)
      return run
    } catch (error) {
      run.end()
      throw error
    }
  }

  #runAhead(sql: string, parameters: SqlParameters, maxRows = Number.POSITIVE_INFINITY): RunAhead {
    const query = { sql, parameters, maxRows, now: this.#source.now, context: this.#context }
    return new RunAhead(this.#speculators, this.#source, query, this.#connection.engine.bridge)
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.#connection.exclusive(async () => {
      if (this.#ended) throw new VfsError('VFS_CLOSED', 'Cannot go on with the query: its transaction has ended')
      return await work()
    })
  }

  async #prepare(sql: string): Promise<Prepared> {
    const prepared = await this.#connection.prepare(this.#source, sql, this.#context)
    const { word } = prepared
    if (!TRANSACTION_WORDS.has(word)) return prepared
    this.#connection.release(prepared)
    throw new VfsError('VFS_TRANSACTION_SQL', `Cannot run ${word.toUpperCase()}: use transaction(...) instead`, {
      at: { sql },
    })
  }
}

function limitsFor(bridge: BridgeKind, sql: string, asked: BatchLimits | undefined): BatchLimits {
  if (bridge === 'jspi') return asked === ALL_ROWS ? COLLECT : (asked ?? STREAM)
  return asked ?? (UNSTABLE.test(sql) ? BUFFER : STREAM)
}

/** One run of a statement through its rows; on bridge `fault` as many runs as it takes. */
class Run {
  readonly prepared: Prepared
  readonly #connection: Connection
  readonly #source: PageSource
  readonly #format: RowFormat
  readonly #limits: BatchLimits
  /** Rows given out, and their digest. */
  #given = 0
  readonly #digest = new RowDigest()
  /** SQLite stands behind the rows given out. */
  #inPlace = false

  readonly #runAhead: RunAhead | undefined
  ended = false

  constructor(
    connection: Connection,
    source: PageSource,
    prepared: Prepared,
    format: RowFormat,
    limits: BatchLimits,
    runAhead: RunAhead | undefined,
  ) {
    this.#connection = connection
    this.#source = source
    this.prepared = prepared
    this.#format = format
    this.#limits = prepared.readOnly ? limits : ALL_ROWS
    this.#runAhead = runAhead
  }

  /** Give the statement back. */
  end(): void {
    this.ended = true
    this.#runAhead?.end()
    this.#connection.release(this.prepared)
  }

  /** The next rows. */
  async next(): Promise<{ rows: (Row | SqlValue[])[]; done: boolean }> {
    const connection = this.#connection
    const writes = !this.prepared.readOnly
    const inTransaction = writes && !UNDIVIDED.has(this.prepared.word)
    let rows: (Row | SqlValue[])[] = []
    const attempt = (): Promise<number> => {
      rows = []
      // Each attempt to write is a transaction of its own: undone as a whole, also when SQLite made nothing of a miss
      // (bridges.md 4, rule 4), and without touching what was written before it.
      if (inTransaction) connection.execute('BEGIN')
      return this.#step(rows)
    }
    const undo = (): void => {
      this.prepared.reset()
      this.#inPlace = false
      if (inTransaction) connection.rollBack()
    }
    if (writes) connection.linger()
    try {
      const result = await connection.settle(this.#source, attempt, undo)
      if (result !== SQLITE.ROW && result !== SQLITE.DONE) throw connection.sqlError(result, this.prepared.sql)
      const done = result === SQLITE.DONE
      if (inTransaction) {
        this.prepared.reset()
        connection.execute('COMMIT')
      }
      if (!done) for (const row of rows) this.#digest.add(row)
      this.#given += rows.length
      return { rows, done }
    } catch (error) {
      undo()
      throw error
    }
  }

  /** Step behind the rows given out, if SQLite is not there, and on to new ones. */
  #step(rows: (Row | SqlValue[])[]): Promise<number> {
    const { sqlite, heap, file } = this.#connection.engine
    const limits = this.#limits
    const most = limits.growing ? Math.min(limits.rows, Math.max(1, this.#given)) : limits.rows
    const { waits } = file
    const { prepared } = this
    let toSkip = this.#inPlace ? 0 : this.#given
    this.#inPlace = true
    const skipped = new RowDigest()
    let failure: unknown
    let reader: RowReader | undefined
    const onRow = (statement: number): boolean => {
      try {
        reader ??= new RowReader(sqlite, heap, prepared.columns(), this.#format)
        const row = reader.read(statement)
        if (toSkip > 0) {
          skipped.add(row)
          if (--toSkip > 0) return false
          reader.bytes = 0
          if (skipped.value !== this.#digest.value) throw unstable(prepared.sql)
          return false
        }
        rows.push(row)
        if (rows.length >= most || reader.bytes >= limits.bytes) return true
        return limits.growing === true && file.waits !== waits // rows that took a wait do not wait for others
      } catch (error) {
        failure = error // not through C frames
        return true
      }
    }
    return this.#connection.engine.each(prepared.pointer, onRow).then((result) => {
      if (failure !== undefined) throw failure
      if (toSkip > 0 && result === SQLITE.DONE && !this.#missed()) throw unstable(prepared.sql)
      return result
    })
  }

  #missed(): boolean {
    const { file } = this.#connection.engine
    return file.missed.size > 0 || file.failure !== undefined
  }
}

function unstable(sql: string): VfsError {
  const message =
    'Cannot go on with this result: computed again, its rows were others. Take random() and the like out of the query, ' +
    'or fewer rows'
  return new VfsError('VFS_UNSTABLE_RESULT', message, { at: { sql } })
}
