import type { DatabaseState } from '../../replica/index.ts'
import { VfsError } from '../engine/errors.ts'
import { SQLITE } from '../engine/sqlite-codes.ts'
import { bindAll } from './bind.ts'
import type { Connection } from './connection.ts'
import type { PageSource } from './page-source.ts'
import type { Prepared } from './prepared.ts'
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

/** One call into SQLite, and so at most one promise, for many rows; not so many that the first ones wait long. */
const STREAM: BatchLimits = { rows: 256, bytes: 256 * 1024, growing: true }
/** For callers that want every row: no early delivery. */
const COLLECT: BatchLimits = { ...STREAM, growing: false }
const FIRST_ROW: BatchLimits = { rows: 1, bytes: Infinity }
export const ALL_ROWS: BatchLimits = { rows: Infinity, bytes: Infinity }

/** A query that only reads, and so may be run ahead of. */
export interface AheadQuery {
  readonly sql: string
  readonly parameters: SqlParameters
  /** Rows that will be read at most. */
  readonly maxRows: number
  readonly context: SurfaceContext
  /** Milliseconds since the Unix epoch. */
  readonly now: number
}

/** Runs ahead of a query, from its beginning until `end`. */
export type Speculate = (source: PageSource, query: AheadQuery) => { end(): void }

/** A connection on loan for one query or transaction, with the pages of the one state that it reads. */
export class Lease {
  readonly #connection: Connection
  readonly #source: PageSource
  readonly #context: SurfaceContext
  readonly #speculate: Speculate
  #ended = false

  constructor(connection: Connection, source: PageSource, context: SurfaceContext, speculate: Speculate) {
    this.#connection = connection
    this.#source = source
    this.#context = context
    this.#speculate = speculate
  }

  get state(): DatabaseState {
    return this.#source.state
  }

  /**
   * Give the connection back, in order, as soon as a call that is running has returned. Whoever goes on with a query of
   * this lease gets VFS_CLOSED: the connection may be somebody else's by then, at another state.
   */
  end(): void | Promise<void> {
    this.#ended = true
    if (!this.#connection.free) return this.#connection.exclusive(async () => this.#connection.endLease())
    this.#connection.endLease()
  }

  /** The names of a statement's columns. */
  columns(sql: string): Promise<readonly string[]> {
    return this.#exclusive(async () => {
      const prepared = await this.#connection.prepare(this.#source, sql, this.#context)
      const columns = prepared.columns()
      this.#connection.release(prepared)
      return columns
    })
  }

  /** The first row of a statement, if there is one. */
  async first(sql: string, parameters: SqlParameters, format: RowFormat): Promise<Row | SqlValue[] | undefined> {
    const rows = this.#atOnce(sql, parameters, format, 1)
    if (rows) return rows[0]
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

  /** All rows of a statement. */
  async all(sql: string, parameters: SqlParameters, format: RowFormat): Promise<(Row | SqlValue[])[]> {
    const rows = this.#atOnce(sql, parameters, format, Number.POSITIVE_INFINITY)
    if (rows) return rows
    const collected: (Row | SqlValue[])[] = []
    for await (const batch of this.batches(sql, parameters, format, ALL_ROWS)) {
      for (const row of batch) collected.push(row)
    }
    return collected
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
    const { yielding } = this.#connection.engine
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
        await yielding.yieldIfDue()
      }
    } finally {
      if (run?.ended === false) await this.#connection.exclusive(async () => run!.end())
      this.#source.release()
    }
  }

  /** The rows of a statement that can be had without waiting; undefined where it has to be run as any other. */
  #atOnce(
    sql: string,
    parameters: SqlParameters,
    format: RowFormat,
    maxRows: number,
  ): (Row | SqlValue[])[] | undefined {
    const connection = this.#connection
    const { engine } = connection
    if (this.#ended || !connection.isWorthTrying(sql) || engine.yielding.isDueBetween()) return undefined
    const prepared = connection.prepareKept(sql, this.#context)!
    try {
      bindAll(engine, prepared, parameters)
      const rows: (Row | SqlValue[])[] = []
      const reader = new RowReader(engine.sqlite, engine.heap, prepared.columns(), format)
      const take = (statement: number): boolean => rows.push(reader.read(statement)) >= maxRows
      const result = connection.tryRun(this.#source, () => engine.tryEach(prepared.pointer, take))
      if (result === SQLITE.DONE || result === SQLITE.ROW) return rows
      if (typeof result === 'number') throw connection.sqlError(result, sql)
      prepared.lastRun = result
      return undefined
    } finally {
      connection.release(prepared)
    }
  }

  async #begin(sql: string, parameters: SqlParameters, format: RowFormat, asked?: BatchLimits): Promise<Run> {
    const { engine } = this.#connection
    if (engine.yielding.isDueBetween()) await engine.yielding.yield()
    const prepared = await this.#connection.prepare(this.#source, sql, this.#context)
    const limits = asked === ALL_ROWS ? COLLECT : (asked ?? STREAM)
    const run = new Run(this.#connection, this.#source, prepared, format, limits)
    try {
      bindAll(engine, prepared, parameters)
      if (prepared.onlySelects) run.ahead = this.#runAhead(sql, parameters, asked?.rows)
      return run
    } catch (error) {
      run.end()
      throw error
    }
  }

  #runAhead(sql: string, parameters: SqlParameters, maxRows = Number.POSITIVE_INFINITY): { end(): void } {
    const query = { sql, parameters, maxRows, now: this.#source.now, context: this.#context }
    return this.#speculate(this.#source, query)
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.#connection.exclusive(async () => {
      if (this.#ended) throw new VfsError('VFS_CLOSED', 'Cannot go on with the query: its transaction has ended')
      return await work()
    })
  }
}

/** One run of a statement through its rows. */
class Run {
  readonly prepared: Prepared
  ended = false
  /** What runs ahead of it. */
  ahead: { end(): void } | undefined
  readonly #connection: Connection
  readonly #source: PageSource
  readonly #format: RowFormat
  readonly #limits: BatchLimits
  /** Rows given out. */
  #given = 0

  constructor(connection: Connection, source: PageSource, prepared: Prepared, format: RowFormat, limits: BatchLimits) {
    this.#connection = connection
    this.#source = source
    this.prepared = prepared
    this.#format = format
    this.#limits = prepared.readOnly ? limits : ALL_ROWS
  }

  /** Give the statement back. */
  end(): void {
    this.ended = true
    this.ahead?.end()
    this.#connection.release(this.prepared)
  }

  /** The next rows. */
  async next(): Promise<{ rows: (Row | SqlValue[])[]; done: boolean }> {
    const connection = this.#connection
    if (!this.prepared.readOnly) connection.soil()
    const { file } = connection.engine
    const { waits } = file
    const rows: (Row | SqlValue[])[] = []
    const result = await connection.run(this.#source, () => this.#step(rows))
    if (result !== SQLITE.ROW && result !== SQLITE.DONE) throw connection.sqlError(result, this.prepared.sql)
    if (this.prepared.readOnly && this.prepared.lastRun !== 'computes') {
      this.prepared.lastRun = file.waits === waits ? 'at once' : 'misses'
    }
    this.#given += rows.length
    return { rows, done: result === SQLITE.DONE }
  }

  #step(rows: (Row | SqlValue[])[]): number | Promise<number> {
    const { sqlite, heap, file } = this.#connection.engine
    const { prepared } = this
    const limits = this.#limits
    const most = limits.growing ? Math.min(limits.rows, Math.max(1, this.#given)) : limits.rows
    const { waits } = file
    let reader: RowReader | undefined
    return this.#connection.engine.each(prepared.pointer, (statement) => {
      reader ??= new RowReader(sqlite, heap, prepared.columns(), this.#format)
      rows.push(reader.read(statement))
      if (rows.length >= most || reader.bytes >= limits.bytes) return true
      return limits.growing === true && file.waits !== waits // rows that took a wait do not wait for others
    })
  }
}
