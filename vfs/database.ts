import { formatTXID, parseTXID, type TXID } from '../ltx/index.ts'
import type { PageStoreStats } from '../pagecache/index.ts'
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
import {
  checkHydrate,
  checkQuery,
  checkSignalOptions,
  checkSince,
  checkSql,
  checkWait,
  checkWork,
  NO_OPTIONS,
  targetOf,
} from './arguments.ts'
import type { ConnectionPool } from './connection/connection-pool.ts'
import { Lease, type Speculate } from './connection/lease.ts'
import type { Loan } from './connection/loan.ts'
import { PageSource } from './connection/page-source.ts'
import type { SurfaceContext } from './connection/sql-surface.ts'
import type { Row, RowFormat, SqlParameters, SqlValue } from './connection/values.ts'
import { VfsError } from './engine/errors.ts'
import type { CostEstimate } from './explain-cost.ts'
import { Lifetime, type LinkedSignal } from './lifetime.ts'
import { type Borrowed, type Queries, Statement, stream, transactionOn } from './queries.ts'
import { tell } from './tell.ts'

export interface DatabaseOptions {
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number
  /**
   * Told, as an error, of what does not work as well as it should and fails no query: a cache that cannot be used, a connection
   * that had to be replaced.
   */
  readonly onProblem?: (problem: unknown) => void
}

/** What a query can be told besides its SQL. */
export interface QueryOptions extends RowFormat {
  readonly signal?: AbortSignal
  /** Ends the query when it would cost more. */
  readonly budget?: Budget
  /** Told what the query cost, also when it failed. */
  readonly onCost?: (cost: Cost) => void
}

/** How a state is named: a time as Date or text (RFC 3339, "5 minutes ago", LATEST), or exactly: `{ txid }`, `{ timestamp }`. */
export type When = Date | string | StateTarget

/** What reading has cost, and what of it was kept. */
export interface DatabaseStats extends Cost {
  /** The cache that outlives the database, where there is one: also why it keeps nothing. */
  readonly store?: PageStoreStats
}

interface Travel {
  readonly timestamp: number
  state?: DatabaseState
  /** Where queries were before it was asked for. */
  readonly before: Travel | undefined
}

interface Shared {
  readonly replica: ReadableReplica
  readonly pool: ConnectionPool
  readonly store: Closable | undefined
  readonly now: () => number
  readonly speculate: Speculate
  readonly onProblem: ((problem: unknown) => void) | undefined
}

interface Closable {
  close(): Promise<void>
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
  readonly #life: Lifetime
  #closing: Promise<void> | undefined

  private constructor(shared: Shared, fixed: DatabaseState | undefined, life: Lifetime) {
    this.#shared = shared
    this.#fixed = fixed
    this.#life = life
  }

  /**
   * @param replica is the database's from now on: closed with it
   * @param pool too
   * @param options.store what the replica keeps pages in, too
   */
  static open(
    replica: ReadableReplica,
    pool: ConnectionPool,
    { now = Date.now, onProblem, store }: DatabaseOptions & { readonly store?: Closable } = {},
  ): Database {
    const shared = { replica, pool, store, now, speculate: speculateOn(pool), onProblem }
    return new Database(shared, undefined, new Lifetime())
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
  async get(
    sql: string,
    parameters: SqlParameters = [],
    options: QueryOptions = NO_OPTIONS,
  ): Promise<Row | SqlValue[] | undefined> {
    checkQuery(sql, parameters, options)
    return await this.#lend(options, ({ lease }) => lease.first(sql, parameters, options))
  }

  /** All rows. */
  all(sql: string, parameters: SqlParameters, options: QueryOptions & { rows: 'array' }): Promise<SqlValue[][]>
  all(sql: string, parameters?: SqlParameters, options?: QueryOptions): Promise<Row[]>
  async all(
    sql: string,
    parameters: SqlParameters = [],
    options: QueryOptions = NO_OPTIONS,
  ): Promise<Row[] | SqlValue[][]> {
    checkQuery(sql, parameters, options)
    const rows = await this.#lend(options, ({ lease }) => lease.all(sql, parameters, options))
    return rows as Row[] | SqlValue[][]
  }

  /** One row after the other. Leave the loop early and the query stops. */
  each(sql: string, parameters: SqlParameters, options: QueryOptions & { rows: 'array' }): AsyncGenerator<SqlValue[]>
  each(sql: string, parameters?: SqlParameters, options?: QueryOptions): AsyncGenerator<Row>
  each(
    sql: string,
    parameters: SqlParameters = [],
    options: QueryOptions = NO_OPTIONS,
  ): AsyncGenerator<Row | SqlValue[]> {
    const borrow = async (): Promise<Borrowed> => {
      checkQuery(sql, parameters, options)
      return await this.#borrow(options)
    }
    return stream(borrow, this.#life, { sql, parameters, format: options }, options?.signal)
  }

  /** The names of a query's columns; empty for a statement that gives no rows. */
  async columns(sql: string, options: QueryOptions = NO_OPTIONS): Promise<readonly string[]> {
    checkQuery(sql, [], options)
    return await this.#lend(options, ({ lease }) => lease.columns(sql))
  }

  /** A query to be run many times. It is compiled once per instance. @throws VfsError VFS_USAGE, VFS_CLOSED */
  prepare(sql: string): Statement {
    checkSql(sql)
    this.#life.throwIfEnded()
    return new Statement(this, sql)
  }

  /**
   * Several queries on one state. What they make (temporary tables) is gone afterwards.
   *
   * The database itself can be asked meanwhile, on another instance. Where all are taken by transactions that wait for one
   * more, there is none: VFS_DEADLOCK, at once in Node, Deno and Bun, elsewhere after `deadlockMs`.
   *
   * @param work gets a database that ends with it: what goes on afterwards gets VFS_CLOSED
   */
  async transaction<T>(work: (tx: Queries) => Promise<T>, options: QueryOptions = NO_OPTIONS): Promise<T> {
    checkWork(work, options)
    return await this.#lend(options, (borrowed) => {
      const tx = transactionOn(borrowed, this.#life)
      return this.#life.during(this.#shared.pool.run(borrowed.loan, async () => await work(tx)))
    })
  }

  /**
   * This database at an older state, for ever. It shares instances and caches with this one, and ends with it.
   * @throws ReplicaError REPLICA_TX_NOT_AVAILABLE; VfsError VFS_TIME; VFS_USAGE for what names no state, a bare number too
   */
  async at(when: When, options: { readonly signal?: AbortSignal } = NO_OPTIONS): Promise<Database> {
    checkSignalOptions(options, 'go to a state')
    const target = typeof when === 'string' ? this.#timeOf(when) : targetOf(when)
    const state = await this.#wait(options, async (signal) =>
      target ? await this.#shared.replica.at(target, signal) : await this.#current(signal),
    )
    return new Database(this.#shared, state, this.#life.child())
  }

  /** Look for a newer state now. @returns its TXID */
  async refresh(options: { readonly signal?: AbortSignal } = NO_OPTIONS): Promise<TXID> {
    checkSignalOptions(options, 'refresh')
    const state = await this.#wait(options, async (signal) =>
      this.#fixed ? this.#fixed : await this.#shared.replica.refresh({ signal, maxAgeMs: 0 }),
    )
    return state.txid
  }

  /**
   * Wait until queries see a transaction.
   * @param to its TXID, or a bookmark of another reader or of the writer
   * @throws ReplicaError REPLICA_WAIT_TIMEOUT; VfsError VFS_BOOKMARK, VFS_FIXED
   */
  async waitFor(
    to: TXID | string,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = NO_OPTIONS,
  ): Promise<void> {
    checkWait(to, options)
    const txid = typeof to === 'bigint' ? to : bookmarked(to)
    await this.#wait(options, async (signal) => {
      if (this.#known.txid >= txid) return
      if (this.#fixed) throw fixed()
      await this.#shared.replica.waitFor(txid, { ...options, signal })
    })
  }

  /**
   * Fill the cache on disk with all pages of the newest state, in the background; queries go first.
   * @returns when all are there
   * @throws ReplicaError REPLICA_USAGE without such a cache; the signal's reason
   */
  async hydrate(
    options: {
      readonly signal?: AbortSignal
      readonly onProgress?: (progress: HydrationProgress) => void
    } = NO_OPTIONS,
  ): Promise<void> {
    checkHydrate(options)
    const { onProgress } = options
    await this.#wait(options, (signal) =>
      this.#shared.replica.hydrate({ signal, onProgress: (progress) => tell(onProgress, progress) }),
    )
  }

  /** How old what queries see may be. */
  lag(): Lag {
    return this.#shared.replica.lag()
  }

  /** Names the state that queries see, for `waitFor` elsewhere: who waits for it sees what was seen here. */
  bookmark(): string {
    return formatTXID(this.#known.txid)
  }

  /** What everything so far has cost, by all who share the replica, and how the cache that lasts is doing. A copy. */
  stats(): DatabaseStats {
    const { cost, store } = this.#shared.replica
    return { ...cost, ...(store && { store }) }
  }

  /**
   * What is known of each page of the state that queries see, for who shows it: a byte a page, PAGE_CACHED where it is in
   * memory, PAGE_CHANGED where it was changed since a TXID, or may have been. Asks for nothing.
   */
  pageMap(since?: TXID): Uint8Array {
    checkSince(since)
    this.#life.throwIfEnded()
    return this.#shared.replica.pageMap(this.#known, since)
  }

  /** Bytes of a page: 512 to 65536. */
  get pageSize(): number {
    return this.#known.pageSize
  }

  /** Roughly what a query would cost on a cold cache. It is not run. */
  async explainCost(
    sql: string,
    parameters: SqlParameters = [],
    options: QueryOptions = NO_OPTIONS,
  ): Promise<CostEstimate> {
    checkQuery(sql, parameters, options)
    return await this.#lend(options, async ({ lease }) => {
      const { estimateCost } = await import('./explain-cost.ts') // for tools
      return await estimateCost(lease, sql, parameters)
    })
  }

  /**
   * Whatever runs or waits ends with VFS_CLOSED, and so does all that comes later; what is known stays known (`txid`, `lag`,
   * `stats`, ...). Of a database that `at` made, only that one is closed, with those that its `at` made.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  get #known(): DatabaseState {
    return this.#fixed ?? this.#travel?.state ?? this.#shared.replica.state
  }

  async #close(): Promise<void> {
    this.#life.end()
    const { pool, replica, store } = this.#shared
    if (this.#fixed) return
    pool.close()
    try {
      await replica.close()
    } finally {
      await store?.close()
    }
  }

  #current(signal: AbortSignal): DatabaseState | Promise<DatabaseState> {
    if (this.#fixed) return this.#fixed
    if (this.#travel) return this.#arrived(this.#travel, signal)
    const { replica } = this.#shared
    return replica.fresh ?? replica.refresh({ signal })
  }

  async #arrived(travel: Travel, signal: AbortSignal): Promise<DatabaseState> {
    try {
      travel.state ??= await this.#shared.replica.at({ timestamp: travel.timestamp }, signal)
      return travel.state
    } catch (error) {
      // There is no such state: this query fails, the next ones are where they were, and SQL can ask for another time.
      if (isReplicaError(error, 'REPLICA_TX_NOT_AVAILABLE') && this.#travel === travel) this.#travel = travel.before
      throw error
    }
  }

  /** Wait for work that needs no connection, as long as the database is open. */
  async #wait<T>(options: { readonly signal?: AbortSignal }, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#life.throwIfEnded()
    const { signal, release } = this.#life.linked(options.signal)
    try {
      const result = await this.#life.during(work(signal))
      this.#life.throwIfEnded()
      return result
    } finally {
      release()
    }
  }

  async #lend<T>(options: QueryOptions, work: (borrowed: Borrowed) => Promise<T>): Promise<T> {
    const borrowing = this.#borrow(options)
    const borrowed = borrowing instanceof Promise ? await borrowing : borrowing
    try {
      return await work(borrowed)
    } catch (error) {
      throw this.#life.reason(error)
    } finally {
      const ending = borrowed.end()
      if (ending) await ending
    }
  }

  /** At once where nothing has to be waited for: the state is fresh, a connection is idle, and open for it. */
  #borrow(options: QueryOptions): Borrowed | Promise<Borrowed> {
    this.#life.throwIfEnded()
    const link = this.#life.linked(options.signal)
    const refuse = (error: unknown): never => {
      link.release()
      throw this.#life.reason(error)
    }
    try {
      const state = this.#current(link.signal)
      const borrowing =
        state instanceof Promise
          ? state.then((current) => this.#lease(options, link, current))
          : this.#lease(options, link, state)
      return borrowing instanceof Promise ? borrowing.catch(refuse) : borrowing
    } catch (error) {
      return refuse(error)
    }
  }

  #lease(options: QueryOptions, link: LinkedSignal, state: DatabaseState): Borrowed | Promise<Borrowed> {
    const { replica, pool, now } = this.#shared
    const { budget } = options
    const cost = newCost()
    const pages = replica.pin(state, { cost, ...(budget && { budget }) })
    const source = new PageSource(pages, { now: now(), signal: link.signal })
    const ended = (): void => {
      link.release()
      tell(options.onCost, cost)
    }
    const loan = pool.take(link.signal)
    return loan instanceof Promise
      ? loan.then((connection) => this.#leaseOn(connection, source, ended))
      : this.#leaseOn(loan, source, ended)
  }

  #leaseOn(loan: Loan, source: PageSource, ended: () => void): Borrowed | Promise<Borrowed> {
    const { connection } = loan
    const lease = new Lease(connection, source, this.#context(source.state), this.#shared.speculate)
    const end = (): void | Promise<void> => {
      const given = this.#giveBack(lease, loan)
      return given ? given.then(ended) : ended()
    }
    const borrowed: Borrowed = { lease, loan, end }
    const failed = async (error: unknown): Promise<never> => {
      await end()
      throw error
    }
    try {
      source.signal?.throwIfAborted() // starting an instance takes a while
      const begun = connection.beginLease(source)
      return begun ? begun.then(() => borrowed, failed) : borrowed
    } catch (error) {
      return failed(error)
    }
  }

  /** A connection that cannot be put in order is nobody's: the query had its result, and the pool makes another one. */
  #giveBack(lease: Lease, loan: Loan): void | Promise<void> {
    const discard = (error: unknown): void => {
      loan.discard()
      tell(this.#shared.onProblem, error)
    }
    try {
      const ended = lease.end()
      if (ended) return ended.then(() => loan.give()).catch(discard)
      loan.give()
    } catch (error) {
      discard(error)
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

  /** Undefined for the newest state. @throws VfsError VFS_TIME */
  #timeOf(text: string): StateTarget | undefined {
    const time = parseTime(text, this.#shared.now())
    if (time === undefined) throw badTime(text)
    return time === 'latest' ? undefined : { timestamp: time }
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
