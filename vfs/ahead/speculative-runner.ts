import type { Pgno } from '../../ltx/index.ts'
import type { DatabaseState, Predictor } from '../../replica/index.ts'
import { bindAll } from '../connection/bind.ts'
import { Connection, type ConnectionOptions } from '../connection/connection.ts'
import type { AheadQuery } from '../connection/lease.ts'
import type { EngineModules, EngineOptions } from '../engine/engine.ts'
import type { PageReader } from '../engine/page-reader.ts'
import { SQLITE } from '../engine/sqlite-codes.ts'

/**
 * An instance of SQLite that runs queries only to find out which pages they will read: over the pages that are at hand
 * and placeholder pages for all others, so it waits for nothing. What it computes is void; it is SQLite itself, with the same
 * plan, so what it reads next is what the real query reads next, as long as that does not depend on what is not there.
 */
export class SpeculativeRunner {
  readonly #modules: EngineModules
  readonly #options: ConnectionOptions & EngineOptions
  /** Undefined in the end where it cannot be started. */
  #connection: Promise<Connection | undefined> | undefined

  /** @param options those of the connections that it runs ahead of: the same SQL, the same plans */
  constructor(modules: EngineModules, options: ConnectionOptions) {
    this.#modules = modules
    this.#options = { ...options, waits: false }
  }

  /**
   * Run a query from its beginning, and have the pages fetched that it lacks.
   * @param ms the most that it may take
   * @returns how many pages; 0 also when it could not be run. Never throws
   */
  async run(query: AheadQuery, predictor: Predictor, ms: number): Promise<number> {
    this.#connection ??= Connection.start(this.#modules, this.#options).catch(() => undefined)
    const connection = await this.#connection
    if (connection === undefined) return 0
    return await connection.exclusive(async () => {
      const pages = new SpeculativePages(query, predictor)
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
async function step(connection: Connection, query: AheadQuery, pages: SpeculativePages, ms: number): Promise<boolean> {
  const { engine } = connection
  const context = { ...query.context, requestTime: () => {} } // to ask for another time is the query's business
  const prepared = await connection.prepare(pages, query.sql, context)
  try {
    bindAll(engine, prepared, query.parameters)
    let rows = 0
    pages.begin(ms)
    const result = await connection.run(pages, () => engine.each(prepared.pointer, () => ++rows >= query.maxRows))
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

  constructor(query: AheadQuery, predictor: Predictor) {
    this.state = { ...query.context.state } // as another state each time: SQLite must not keep placeholder pages
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

  get(pgno: Pgno): Uint8Array | undefined {
    const known = this.#predictor.at(pgno)
    if (known || this.#begunAt === undefined || performance.now() > this.#deadline) return known
    return this.#predictor.placeholder(pgno)
  }

  /** Of no page it is known here: the pages themselves are compared. */
  identity(): undefined {}

  async hold(): Promise<void> {
    throw new Error('A run ahead waits for nothing')
  }

  release(): void {}
}
