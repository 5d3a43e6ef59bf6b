import type { DatabaseState, Predictor } from '../../replica/index.ts'
import { bindAll } from '../connection/bind.ts'
import { Connection } from '../connection/connection.ts'
import type { PageReader } from '../connection/page-source.ts'
import type { SurfaceContext } from '../connection/sql-surface.ts'
import type { SqlParameters } from '../connection/values.ts'
import type { EngineModules } from '../engine/engine.ts'
import { SQLITE } from '../engine/sqlite-codes.ts'

/** A query that is under way elsewhere. */
export interface SpeculatedQuery {
  readonly sql: string
  readonly parameters: SqlParameters
  /** Rows that will be read at most. */
  readonly maxRows: number
  readonly context: SurfaceContext
  /** Milliseconds since the Unix epoch. */
  readonly now: number
}

/**
 * An instance of SQLite that runs queries only to find out which pages they will read: over the pages that are at hand
 * and placeholder pages for all others, so it waits for nothing. What it computes is void; it is SQLite itself, with the same
 * plan, so what it reads next is what the real query reads next, as long as that does not depend on what is not there.
 */
export class SpeculativeRunner {
  readonly #modules: EngineModules
  /** Undefined in the end where it cannot be started. */
  #connection: Promise<Connection | undefined> | undefined
  #runs = 0n

  constructor(modules: EngineModules) {
    this.#modules = modules
  }

  /**
   * Run a query from its beginning, and have the pages fetched that it lacks.
   * @param ms the most that it may take
   * @returns how many pages; 0 also when it could not be run. Never throws
   */
  async run(query: SpeculatedQuery, predictor: Predictor, ms: number): Promise<number> {
    this.#connection ??= Connection.start(this.#modules, { bridge: 'fault' }).catch(() => undefined)
    const connection = await this.#connection
    if (connection === undefined) return 0
    return await connection.exclusive(async () => {
      const pages = new SpeculativePages(query, predictor, ++this.#runs)
      let complete = false
      try {
        await connection.beginLease(pages)
        complete = await step(connection, query, pages, ms)
      } catch {
        // What it cannot do the query itself will do, and say what is wrong.
      } finally {
        connection.endLease()
      }
      return predictor.fetch(complete)
    })
  }

  close(): void {
    void this.#connection?.then((connection) => connection?.exclusive(async () => connection.shutDown()))
  }
}

/** @returns whether it got to the end */
async function step(
  connection: Connection,
  query: SpeculatedQuery,
  pages: SpeculativePages,
  ms: number,
): Promise<boolean> {
  const { engine } = connection
  const context = { ...query.context, requestTime: () => {} } // to ask for another time is the query's business
  const prepared = await connection.prepare(pages, query.sql, context)
  try {
    bindAll(engine, prepared, query.parameters)
    let rows = 0
    engine.file.begin(pages)
    pages.begin(ms)
    const result = await engine.each(prepared.pointer, () => ++rows >= query.maxRows)
    return result === SQLITE.DONE || result === SQLITE.ROW
  } finally {
    connection.release(prepared)
  }
}

/** The pages of one run. The schema is read from real ones; nothing is waited for. */
class SpeculativePages implements PageReader {
  readonly state: DatabaseState
  readonly now: number
  readonly #predictor: Predictor
  #deadline = Number.POSITIVE_INFINITY
  #begunAt: number | undefined

  constructor(query: SpeculatedQuery, predictor: Predictor, run: bigint) {
    // As another state each time: SQLite must not keep placeholder pages.
    this.state = { ...query.context.state, txid: run }
    this.now = query.now
    this.#predictor = predictor
  }

  begin(ms: number): void {
    this.#begunAt = performance.now()
    this.#deadline = this.#begunAt + ms
  }

  /** Asked for when SQLite has run for long: a clock that has not moved then stands still while it runs (Workers). */
  get signal(): AbortSignal | undefined {
    const now = performance.now()
    return now > this.#deadline || now === this.#begunAt ? AbortSignal.abort() : undefined
  }

  get(pgno: number): Uint8Array | undefined {
    const known = this.#predictor.at(pgno)
    if (known || this.#begunAt === undefined || performance.now() > this.#deadline) return known
    return this.#predictor.placeholder(pgno)
  }

  async hold(): Promise<void> {
    throw new Error('A run ahead waits for nothing')
  }

  async settle(): Promise<void> {}

  release(): void {}
}
