import { checkInTransaction, checkSql, NO_OPTIONS } from './arguments.ts'
import type { Lease } from './connection/lease.ts'
import type { Loan } from './connection/loan.ts'
import type { Row, RowFormat, SqlParameters, SqlValue } from './connection/values.ts'
import type { Lifetime } from './lifetime.ts'

/** What a database and a transaction can be asked. */
export interface Queries {
  get(sql: string, parameters: SqlParameters, format: RowFormat & { rows: 'array' }): Promise<SqlValue[] | undefined>
  get(sql: string, parameters?: SqlParameters, format?: RowFormat): Promise<Row | undefined>
  all(sql: string, parameters: SqlParameters, format: RowFormat & { rows: 'array' }): Promise<SqlValue[][]>
  all(sql: string, parameters?: SqlParameters, format?: RowFormat): Promise<Row[]>
  each(sql: string, parameters: SqlParameters, format: RowFormat & { rows: 'array' }): AsyncGenerator<SqlValue[]>
  each(sql: string, parameters?: SqlParameters, format?: RowFormat): AsyncGenerator<Row>
  columns(sql: string): Promise<readonly string[]>
}

/** A lease, and the loan of the connection that it is on. */
export interface Borrowed {
  readonly lease: Lease
  readonly loan: Loan
  /** Give it back. Never throws. */
  end(): void | Promise<void>
}

/**
 * Rows one after the other, until the loop is left or the database is closed.
 * @param borrow is called when the first row is asked for
 */
export async function* stream(
  borrow: () => Promise<Borrowed>,
  life: Lifetime,
  query: { readonly sql: string; readonly parameters: SqlParameters; readonly format: RowFormat },
  signal?: AbortSignal,
): AsyncGenerator<Row | SqlValue[]> {
  const { lease, loan, end } = await borrow()
  const batches = lease.batches(query.sql, query.parameters, query.format)
  try {
    for (;;) {
      const { value, done } = await loan.use(() => batches.next())
      if (done) return
      for (const row of value) {
        signal?.throwIfAborted() // rows of the batch that is there already are no news any more
        life.throwIfEnded()
        yield row
      }
    }
  } catch (error) {
    throw life.reason(error)
  } finally {
    await batches.return(undefined)
    await end()
  }
}

/** What a transaction can be asked, as long as the database is open. */
export function transactionOn(borrowed: Borrowed, life: Lifetime): Queries {
  const { lease, loan } = borrowed
  const ask = async <T>(call: () => Promise<T>): Promise<T> => {
    life.throwIfEnded()
    try {
      return await loan.use(call)
    } catch (error) {
      throw life.reason(error)
    }
  }
  const kept: Borrowed = { lease, loan, end: async () => {} }
  const get = async (sql: string, parameters: SqlParameters = [], format: RowFormat = NO_OPTIONS) => {
    checkInTransaction(sql, parameters, format)
    return await ask(() => lease.first(sql, parameters, format))
  }
  const all = async (sql: string, parameters: SqlParameters = [], format: RowFormat = NO_OPTIONS) => {
    checkInTransaction(sql, parameters, format)
    return await ask(() => lease.all(sql, parameters, format))
  }
  const each = (sql: string, parameters: SqlParameters = [], format: RowFormat = NO_OPTIONS) => {
    const borrow = async (): Promise<Borrowed> => {
      checkInTransaction(sql, parameters, format)
      life.throwIfEnded()
      return kept
    }
    return stream(borrow, life, { sql, parameters, format })
  }
  const columns = async (sql: string) => {
    checkSql(sql)
    return await ask(() => lease.columns(sql))
  }
  // The overloads say which kind of row a format gives.
  return { get, all, each, columns } as unknown as Queries
}

/** One query, to be run many times. */
export class Statement {
  readonly sql: string
  readonly #queries: Queries

  constructor(queries: Queries, sql: string) {
    this.#queries = queries
    this.sql = sql
  }

  get<O extends RowFormat>(parameters: SqlParameters, options: O & { rows: 'array' }): Promise<SqlValue[] | undefined>
  get<O extends RowFormat>(parameters?: SqlParameters, options?: O): Promise<Row | undefined>
  get(parameters?: SqlParameters, options?: RowFormat): Promise<Row | SqlValue[] | undefined> {
    return this.#queries.get(this.sql, parameters, options)
  }

  all<O extends RowFormat>(parameters: SqlParameters, options: O & { rows: 'array' }): Promise<SqlValue[][]>
  all<O extends RowFormat>(parameters?: SqlParameters, options?: O): Promise<Row[]>
  all(parameters?: SqlParameters, options?: RowFormat): Promise<Row[] | SqlValue[][]> {
    return this.#queries.all(this.sql, parameters, options)
  }

  each<O extends RowFormat>(parameters: SqlParameters, options: O & { rows: 'array' }): AsyncGenerator<SqlValue[]>
  each<O extends RowFormat>(parameters?: SqlParameters, options?: O): AsyncGenerator<Row>
  each(parameters?: SqlParameters, options?: RowFormat): AsyncGenerator<Row | SqlValue[]> {
    return this.#queries.each(this.sql, parameters, options)
  }

  columns(): Promise<readonly string[]> {
    return this.#queries.columns(this.sql)
  }
}
