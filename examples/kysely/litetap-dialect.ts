import {
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Database, Queries, SqlParameters } from 'litetap'

/**
 * Kysely over a replica: `new Kysely<Tables>({ dialect: new LitetapDialect(await open(url)) })`.
 * Read-only. A transaction sees one state from its first query to its last.
 */
export class LitetapDialect implements Dialect {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  createAdapter(): SqliteAdapter {
    return new SqliteAdapter()
  }

  createDriver(): Driver {
    return new LitetapDriver(this.#database)
  }

  createQueryCompiler(): SqliteQueryCompiler {
    return new SqliteQueryCompiler()
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new SqliteIntrospector(db)
  }
}

class LitetapDriver implements Driver {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<LitetapConnection> {
    return new LitetapConnection(this.#database)
  }

  async beginTransaction(connection: LitetapConnection): Promise<void> {
    await connection.begin()
  }

  async commitTransaction(connection: LitetapConnection): Promise<void> {
    await connection.end()
  }

  async rollbackTransaction(connection: LitetapConnection): Promise<void> {
    await connection.end()
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    await this.#database.close()
  }
}

class LitetapConnection implements DatabaseConnection {
  readonly #database: Database
  /** Where there is a transaction: its queries, and what ends it. */
  #transaction: { readonly queries: Queries; readonly end: () => Promise<void> } | undefined

  constructor(database: Database) {
    this.#database = database
  }

  async begin(): Promise<void> {
    const begun = Promise.withResolvers<Queries>()
    const ended = Promise.withResolvers<void>()
    const whole = this.#database.transaction((queries) => {
      begun.resolve(queries)
      return ended.promise
    })
    whole.catch(begun.reject)
    const end = async (): Promise<void> => {
      ended.resolve()
      await whole
    }
    this.#transaction = { queries: await begun.promise, end }
  }

  async end(): Promise<void> {
    const transaction = this.#transaction
    this.#transaction = undefined
    await transaction?.end()
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    return { rows: (await this.#queries.all(sql, parameters as SqlParameters)) as R[] }
  }

  async *streamQuery<R>({ sql, parameters }: CompiledQuery): AsyncGenerator<QueryResult<R>> {
    for await (const row of this.#queries.each(sql, parameters as SqlParameters)) yield { rows: [row as R] }
  }

  get #queries(): Queries {
    return this.#transaction?.queries ?? this.#database
  }
}
