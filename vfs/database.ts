import { formatTXID, parseTXID, type TXID } from '../ltx/index.ts'
import type {
  Budget,
  Cost,
  DatabaseState,
  HydrationProgress,
  Lag,
  ReadableReplica,
  StateTarget,
} from '../replica/index.ts'
import { isReplicaError, newCost, parseTime } from '../replica/index.ts'
import { RunAhead } from './ahead/run-ahead.ts'
import type { ConnectionPool } from './connection/connection-pool.ts'
import { Lease, type Speculate } from './connection/lease.ts'
import { PageSource } from './connection/page-source.ts'
import type { SurfaceContext } from './connection/sql-surface.ts'
import type { Row, RowFormat, SqlParameters, SqlValue } from './connection/values.ts'
import { VfsError } from './engine/errors.ts'
import type { CostEstimate } from './explain-cost.ts'
import { type Queries, queriesOn, Statement } from './queries.ts'

export interface DatabaseOptions {
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number
}

/** What a query can be told besides its SQL. */
export interface QueryOptions extends RowFormat {
  readonly signal?: AbortSignal
  /** Ends the query when it would cost more. */
  readonly budget?: Budget
  /** Told what the query cost, also when it failed. */
  readonly onCost?: (cost: Cost) => void
}

/** How a state is named: a time as Date or text (RFC 3339, "5 minutes ago"), or exactly. */
export type When = Date | string | StateTarget

interface Travel {
  readonly timestamp: number
  state?: DatabaseState
  /** Where queries were before it was asked for. */
  readonly before: Travel | undefined
}

interface Shared {
  readonly replica: ReadableReplica
  readonly pool: ConnectionPool
  readonly now: () => number
  readonly speculate: Speculate
}

/**
 * A replica as a SQLite database: read-only, each query on one state, by default the newest. Queries in parallel run on
 * instances of their own.
 */
export class Database implements Queries {
  readonly #shared: Shared
  /** Set where this database stays at one state. */
  readonly #fixed: DatabaseState | undefined
  /** What litestream_set_time has asked for, and the state that it led to. */
  #travel: Travel | undefined
  readonly #ownsReplica: boolean
  #closed = false

  private constructor(shared: Shared, fixed: DatabaseState | undefined, ownsReplica: boolean) {
    this.#shared = shared
    this.#fixed = fixed
    this.#ownsReplica = ownsReplica
  }

  /**
   * @param replica is the database's from now on: closed with it
   * @param pool too
   */
  static open(replica: ReadableReplica, pool: ConnectionPool, { now = Date.now }: DatabaseOptions = {}): Database {
    return new Database({ replica, pool, now, speculate: speculateOn(pool) }, undefined, true)
  }

  /** For people: the replica's URL without any secret. */
  get url(): string {
    return this.#shared.replica.url
  }

  /** Of the state that a query would see now without looking for a newer one. */
  get txid(): TXID {
    return this.#known.txid
  }

  /** When that state's last transaction was made: milliseconds since the Unix epoch. */
  get timestamp(): number {
    return this.#known.timestamp
  }

  /** The first row, or undefined. */
  get(
    sql: string,
    parameters: SqlParameters,
    options: QueryOptions & { rows: 'array' },
  ): Promise<SqlValue[] | undefined>
  get(sql: string, parameters?: SqlParameters, options?: QueryOptions): Promise<Row | undefined>
  get(sql: string, parameters: SqlParameters = [], options: QueryOptions = {}): Promise<Row | SqlValue[] | undefined> {
    return this.#lend(options, (lease) => queriesOn(lease).get(sql, parameters, options))
  }

  /** All rows. */
  all(sql: string, parameters: SqlParameters, options: QueryOptions & { rows: 'array' }): Promise<SqlValue[][]>
  all(sql: string, parameters?: SqlParameters, options?: QueryOptions): Promise<Row[]>
  all(sql: string, parameters: SqlParameters = [], options: QueryOptions = {}): Promise<Row[] | SqlValue[][]> {
    return this.#lend(options, (lease) => queriesOn(lease).all(sql, parameters, options))
  }

  /** One row after the other. Leave the loop early and the query stops. */
  each(sql: string, parameters: SqlParameters, options: QueryOptions & { rows: 'array' }): AsyncGenerator<SqlValue[]>
  each(sql: string, parameters?: SqlParameters, options?: QueryOptions): AsyncGenerator<Row>
  async *each(
    sql: string,
    parameters: SqlParameters = [],
    options: QueryOptions = {},
  ): AsyncGenerator<Row | SqlValue[]> {
    const loan = await this.#take(options)
    try {
      for await (const row of queriesOn(loan.lease).each(sql, parameters, options)) {
        options.signal?.throwIfAborted() // rows of the batch that is there already are no news any more
        yield row
      }
    } finally {
      await loan.end()
    }
  }

  /** The names of a query's columns; empty for a statement that gives no rows. */
  columns(sql: string, options: QueryOptions = {}): Promise<readonly string[]> {
    return this.#lend(options, (lease) => lease.columns(sql))
  }

  /** A query to be run many times. It is compiled once per instance. */
  prepare(sql: string): Statement {
    return new Statement(this, sql)
  }

  /**
   * Several queries on one state. What they make (temporary tables) is gone afterwards.
   *
   * The database itself can be asked meanwhile, on another instance; where `poolSize` is 1 there is none, and to wait for
   * that within `work` is to wait for ever.
   *
   * @param work gets a database that ends with it: what goes on afterwards gets VFS_CLOSED
   */
  transaction<T>(work: (tx: Queries) => Promise<T>, options: QueryOptions = {}): Promise<T> {
    return this.#lend(options, (lease) => work(queriesOn(lease)))
  }

  /**
   * This database at an older state, for ever. It shares instances and caches with this one, and ends with it.
   * @throws ReplicaError REPLICA_TX_NOT_AVAILABLE; VfsError VFS_TIME
   */
  async at(when: When, options: { readonly signal?: AbortSignal } = {}): Promise<Database> {
    this.#throwIfClosed()
    const target = this.#target(when)
    const state = target ? await this.#shared.replica.at(target, options.signal) : await this.#current(options.signal)
    return new Database(this.#shared, state, false)
  }

  /** Look for a newer state now. @returns its TXID */
  async refresh(options: { readonly signal?: AbortSignal } = {}): Promise<TXID> {
    this.#throwIfClosed()
    if (this.#fixed) return this.#fixed.txid
    return (await this.#shared.replica.refresh({ ...options, maxAgeMs: 0 })).txid
  }

  /**
   * Wait until queries see a transaction.
   * @param to its TXID, or a bookmark of another reader or of the writer
   * @throws ReplicaError REPLICA_WAIT_TIMEOUT; VfsError VFS_BOOKMARK, VFS_FIXED
   */
  async waitFor(
    to: TXID | string,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    this.#throwIfClosed()
    const txid = typeof to === 'bigint' ? to : bookmarked(to)
    if (this.#known.txid >= txid) return
    if (this.#fixed) throw fixed()
    await this.#shared.replica.waitFor(txid, options)
  }

  /**
   * Fill the cache on disk with all pages of the newest state, in the background; queries go first.
   * @returns when all are there
   * @throws ReplicaError REPLICA_USAGE without such a cache; the signal's reason
   */
  async hydrate(
    options: { readonly signal?: AbortSignal; readonly onProgress?: (progress: HydrationProgress) => void } = {},
  ): Promise<void> {
    this.#throwIfClosed()
    await this.#shared.replica.hydrate(options)
  }

  /** How old what queries see may be. */
  lag(): Lag {
    return this.#shared.replica.lag()
  }

  /** Names the state that queries see, for `waitFor` elsewhere: who waits for it sees what was seen here. */
  bookmark(): string {
    return formatTXID(this.#known.txid)
  }

  /** What everything so far has cost, by all who share the replica. A copy. */
  stats(): Cost {
    return { ...this.#shared.replica.cost }
  }

  /**
   * What is known of each page of the state that queries see, for who shows it: a byte a page, PAGE_CACHED where it is in
   * memory, PAGE_CHANGED where it was changed since a TXID, or may have been. Asks for nothing.
   */
  pageMap(since?: TXID): Uint8Array {
    this.#throwIfClosed()
    return this.#shared.replica.pageMap(this.#known, since)
  }

  /** Bytes of a page: 512 to 65536. */
  get pageSize(): number {
    return this.#known.pageSize
  }

  /** Roughly what a query would cost on a cold cache. It is not run. */
  explainCost(sql: string, parameters: SqlParameters = [], options: QueryOptions = {}): Promise<CostEstimate> {
    return this.#lend(options, async (lease) => {
      const { estimateCost } = await import('./explain-cost.ts') // for tools
      return await estimateCost(lease, sql, parameters)
    })
  }

  /** Queries that run end with an error. Of a database that `at` made, only that one is closed. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (!this.#ownsReplica) return
    this.#shared.pool.close()
    await this.#shared.replica.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  get #known(): DatabaseState {
    return this.#fixed ?? this.#travel?.state ?? this.#shared.replica.state
  }

  #current(signal: AbortSignal | undefined): DatabaseState | Promise<DatabaseState> {
    if (this.#fixed) return this.#fixed
    if (this.#travel) return this.#arrived(this.#travel, signal)
    return this.#shared.replica.refresh(signal ? { signal } : {})
  }

  async #arrived(travel: Travel, signal: AbortSignal | undefined): Promise<DatabaseState> {
    try {
      travel.state ??= await this.#shared.replica.at({ timestamp: travel.timestamp }, signal)
      return travel.state
    } catch (error) {
      // There is no such state: this query fails, the next ones are where they were, and SQL can ask for another time.
      if (isReplicaError(error, 'REPLICA_TX_NOT_AVAILABLE') && this.#travel === travel) this.#travel = travel.before
      throw error
    }
  }

  async #lend<T>(options: QueryOptions, work: (lease: Lease) => Promise<T>): Promise<T> {
    const loan = await this.#take(options)
    try {
      return await work(loan.lease)
    } finally {
      await loan.end()
    }
  }

  async #take(options: QueryOptions): Promise<{ lease: Lease; end: () => Promise<void> }> {
    this.#throwIfClosed()
    const { replica, pool, now, speculate } = this.#shared
    const { signal, budget } = options
    const state = await this.#current(signal)
    const cost = newCost()
    const pages = replica.pin(state, { cost, ...(budget && { budget }) })
    const connection = await pool.take(signal)
    const source = new PageSource(pages, { now: now(), signal })
    const lease = new Lease(connection, source, this.#context(state), speculate)
    const end = async (): Promise<void> => {
      await lease.end()
      pool.give(connection)
      options.onCost?.(cost)
    }
    try {
      await connection.beginLease(source)
      return { lease, end }
    } catch (error) {
      await end()
      throw error
    }
  }

  #context(state: DatabaseState): SurfaceContext {
    const { replica } = this.#shared
    return {
      state,
      targetTime: this.#travel?.timestamp,
      lag: () => replica.lag(),
      hydration: () => replica.hydration,
      requestTime: (text) => this.#requestTime(text),
    }
  }

  /** The state itself is looked for before the next query. */
  #requestTime(text: string): void {
    if (this.#fixed) throw fixed()
    const time = parseTime(text, this.#shared.now())
    if (time === undefined) throw badTime(text)
    if (time === 'latest') this.#travel = undefined
    else if (time !== this.#travel?.timestamp) {
      // what was never found is no place to go back to
      const before = this.#travel?.state ? { ...this.#travel, before: undefined } : this.#travel?.before
      this.#travel = { timestamp: time, before }
    }
  }

  /** Undefined for the newest state. */
  #target(when: When): StateTarget | undefined {
    if (when instanceof Date) return { timestamp: when.getTime() }
    if (typeof when !== 'string') return when
    const time = parseTime(when, this.#shared.now())
    if (time === undefined) throw badTime(when)
    return time === 'latest' ? undefined : { timestamp: time }
  }

  #throwIfClosed(): void {
    if (this.#closed) throw new VfsError('VFS_CLOSED', 'Cannot use the database: it has been closed')
  }
}

/** All queries of a pool share one runner, which is loaded when a query first waits long enough. */
function speculateOn(pool: ConnectionPool): Speculate {
  const runner = async () => {
    const { SpeculativeRunner } = await import('./ahead/speculative-runner.ts')
    return pool.companion((modules, options) => new SpeculativeRunner(modules, options))
  }
  return (source, query) => new RunAhead(runner, source, query)
}

function bookmarked(text: string): TXID {
  const txid = parseTXID(text)
  if (txid !== undefined) return txid
  throw new VfsError('VFS_BOOKMARK', `Cannot wait for ${JSON.stringify(text)}: it is no bookmark`)
}

function badTime(text: string): VfsError {
  const message = `Cannot read ${JSON.stringify(text)} as a time: give RFC 3339, "5 minutes ago" or LATEST`
  return new VfsError('VFS_TIME', message)
}

function fixed(): VfsError {
  return new VfsError('VFS_FIXED', 'Cannot leave this state: the database was opened at it; use the one that follows')
}
