import type { DatabaseState } from '../replica/index.ts'
import { bindAll } from './bind.ts'
import type { Connection } from './connection.ts'
import { VfsError } from './errors.ts'
import type { PageSource } from './page-source.ts'
import type { Prepared } from './prepared.ts'
import { RowDigest } from './row-digest.ts'
import { RowReader } from './row-reader.ts'
import type { SurfaceContext } from './sql-surface.ts'
import { firstWord } from './sql-text.ts'
import { SQLITE } from './sqlite-codes.ts'
import type { Row, RowFormat, SqlParameters, SqlValue } from './values.ts'

/** Rows of one call into SQLite: one promise for all of them. */
const BATCH_ROWS = 256
const BATCH_BYTES = 256 * 1024
/**
 * Bridge `fault`: rows are given out when a whole run missed no page, or when there are this many bytes of them. After
 * that a run that misses one must give the same rows again.
 */
const BUFFER_BYTES = 16 * 1024 * 1024

/** What begins and ends transactions is the library's business. */
const TRANSACTION_WORDS = new Set(['begin', 'commit', 'end', 'rollback', 'savepoint', 'release'])

interface Call {
  readonly sql: string
  readonly parameters: SqlParameters
}

/** A connection on loan for one query or transaction, with the pages of the one state that it reads. */
export class Lease {
  readonly #connection: Connection
  readonly #source: PageSource
  readonly #context: SurfaceContext
  /** Statements that wrote, in a transaction: temporary tables. */
  readonly #writes: Call[] = []

  constructor(connection: Connection, source: PageSource, context: SurfaceContext) {
    this.#connection = connection
    this.#source = source
    this.#context = context
  }

  get state(): DatabaseState {
    return this.#source.state
  }

  /** Begin a transaction: its queries may leave something for one another. @throws VfsError VFS_NESTED_TRANSACTION */
  begin(): void {
    this.#connection.execute('BEGIN')
  }

  /** End it, and all that it made. */
  rollBack(): void {
    this.#connection.rollBack()
  }

  /** The names of a statement's columns. */
  columns(sql: string): Promise<readonly string[]> {
    return this.#connection.exclusive(async () => {
      const prepared = await this.#prepare(sql)
      const columns = prepared.columns()
      this.#connection.release(prepared)
      return columns
    })
  }

  /** The rows of a statement, a batch at a time; to be read to its end or left (`return`). */
  async *batches(sql: string, parameters: SqlParameters, format: RowFormat): AsyncGenerator<(Row | SqlValue[])[]> {
    const exclusive = <T>(work: () => Promise<T>): Promise<T> => this.#connection.exclusive(work)
    const prepared = await exclusive(() => this.#prepare(sql))
    try {
      bindAll(this.#connection.engine, prepared, parameters)
      const run = new Run(this.#connection, this.#source, prepared, format)
      for (;;) {
        const { rows, done } = await exclusive(() => this.#advance(run, { sql, parameters }))
        if (rows.length > 0) yield rows
        if (done) return
        await this.#connection.engine.turns.takeIfDue()
      }
    } finally {
      this.#source.release()
      this.#connection.release(prepared)
    }
  }

  async #advance(run: Run, call: Call): Promise<{ rows: (Row | SqlValue[])[]; done: boolean }> {
    const { prepared } = run
    if (prepared.readOnly) return await run.next(() => {})
    this.#connection.linger()
    const result = await run.next(() => this.#restore())
    if (result.done) this.#writes.push(call)
    return result
  }

  /**
   * A statement that writes and misses a page is undone with its whole transaction (bridges.md 4): begin again, and write
   * again what was written before.
   */
  async #restore(): Promise<void> {
    if (!this.#connection.lostTransaction()) return
    this.#connection.execute('BEGIN')
    for (const { sql, parameters } of this.#writes) {
      const prepared = await this.#connection.prepare(this.#source, sql, this.#context)
      try {
        bindAll(this.#connection.engine, prepared, parameters)
        const again = new Run(this.#connection, this.#source, prepared, {})
        while (!(await again.next(() => this.#restore())).done);
      } finally {
        this.#connection.release(prepared)
      }
    }
  }

  #prepare(sql: string): Promise<Prepared> {
    const word = firstWord(sql)
    if (TRANSACTION_WORDS.has(word)) {
      throw new VfsError('VFS_TRANSACTION_SQL', `Cannot run ${word.toUpperCase()}: use transaction(...) instead`, {
        at: { sql },
      })
    }
    return this.#connection.prepare(this.#source, sql, this.#context)
  }
}

/** One run of a statement through its rows; on bridge `fault` as many runs as it takes. */
class Run {
  readonly prepared: Prepared
  readonly #connection: Connection
  readonly #source: PageSource
  readonly #format: RowFormat
  /** Rows given out, and their digest. */
  #given = 0
  readonly #digest = new RowDigest()
  /** SQLite stands behind the rows given out. */
  #inPlace = false

  constructor(connection: Connection, source: PageSource, prepared: Prepared, format: RowFormat) {
    this.#connection = connection
    this.#source = source
    this.prepared = prepared
    this.#format = format
  }

  /**
   * The next rows.
   * @param undone called when a run is void, before it is made again
   */
  async next(undone: () => void | Promise<void>): Promise<{ rows: (Row | SqlValue[])[]; done: boolean }> {
    const { engine } = this.#connection
    const limit =
      engine.bridge === 'jspi' ? { rows: BATCH_ROWS, bytes: BATCH_BYTES } : { rows: Infinity, bytes: BUFFER_BYTES }
    let rows: (Row | SqlValue[])[] = []
    const attempt = (): Promise<number> => {
      rows = []
      return this.#step(rows, limit)
    }
    const undo = (): void => {
      this.prepared.reset()
      this.#inPlace = false
    }
    const result = await this.#connection.settle(this.#source, attempt, undo, undone)
    if (result !== SQLITE.ROW && result !== SQLITE.DONE) {
      const error = this.#connection.sqlError(result, this.prepared.sql)
      this.prepared.reset()
      throw error
    }
    const done = result === SQLITE.DONE
    if (!done) for (const row of rows) this.#digest.add(row)
    this.#given += rows.length
    return { rows, done }
  }

  /** Step behind the rows given out, if SQLite is not there, and on to new ones. */
  #step(rows: (Row | SqlValue[])[], limit: { rows: number; bytes: number }): Promise<number> {
    const { sqlite, heap } = this.#connection.engine
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
        return rows.length >= limit.rows || reader.bytes >= limit.bytes
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
