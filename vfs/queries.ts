import { ALL_ROWS, type Lease } from './connection/lease.ts'
import type { Row, RowFormat, SqlParameters, SqlValue } from './connection/values.ts'

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

/** Queries on one lease. */
export function queriesOn(lease: Lease): Queries {
  const each = async function* (sql: string, parameters: SqlParameters = [], format: RowFormat = {}) {
    for await (const batch of lease.batches(sql, parameters, format)) yield* batch
  }
  const get = (sql: string, parameters: SqlParameters = [], format: RowFormat = {}) =>
    lease.first(sql, parameters, format)
  const all = async (sql: string, parameters: SqlParameters = [], format: RowFormat = {}) => {
    const rows: (Row | SqlValue[])[] = []
    for await (const batch of lease.batches(sql, parameters, format, ALL_ROWS)) {
      for (const row of batch) rows.push(row)
    }
    return rows
  }
  // The overloads say which kind of row a format gives.
  return { get, all, each, columns: (sql: string) => lease.columns(sql) } as unknown as Queries
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
  get(parameters: SqlParameters = [], options: RowFormat = {}): Promise<Row | SqlValue[] | undefined> {
    return this.#queries.get(this.sql, parameters, options)
  }

  all<O extends RowFormat>(parameters: SqlParameters, options: O & { rows: 'array' }): Promise<SqlValue[][]>
  all<O extends RowFormat>(parameters?: SqlParameters, options?: O): Promise<Row[]>
  all(parameters: SqlParameters = [], options: RowFormat = {}): Promise<Row[] | SqlValue[][]> {
    return this.#queries.all(this.sql, parameters, options)
  }

  each<O extends RowFormat>(parameters: SqlParameters, options: O & { rows: 'array' }): AsyncGenerator<SqlValue[]>
  each<O extends RowFormat>(parameters?: SqlParameters, options?: O): AsyncGenerator<Row>
  each(parameters: SqlParameters = [], options: RowFormat = {}): AsyncGenerator<Row | SqlValue[]> {
    return this.#queries.each(this.sql, parameters, options)
  }

  columns(): Promise<readonly string[]> {
    return this.#queries.columns(this.sql)
  }
}
