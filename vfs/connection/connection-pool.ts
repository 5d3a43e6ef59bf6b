import type { EngineModules, EngineOptions } from '../engine/engine.ts'
import { VfsError } from '../engine/errors.ts'
import type { CallContext } from './call-context.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import { type Holder, idleMs, isDeadlocked } from './holder.ts'
import { type Lender, Loan } from './loan.ts'

/** How many queries run at the same time. They wait for the network most of the time, so more than there are cores. */
export const DEFAULT_POOL_SIZE = 16
const DEFAULT_DEADLOCK_MS = 30_000
/** What a timer can wait for. */
const MAX_TIMER_MS = 2 ** 31 - 1

interface Waiting {
  readonly within: Holder | undefined
  resolve(loan: Loan | Promise<Loan>): void
  reject(error: unknown): void
}

export interface PoolOptions extends ConnectionOptions {
  /** Queries that run at the same time; more wait for their turn. Default 16. Each instance takes about 1.6 MB and its cache. */
  readonly poolSize?: number
  /**
   * A query that waits for its turn is refused with VFS_DEADLOCK when transactions and iterators have held all instances
   * for so long, in milliseconds, without asking anything of them: they probably wait for that very query. Default 30 000.
   */
  readonly deadlockMs?: number
}

/** What lives as long as a pool and is closed with it. */
interface Companion {
  close(): void
}

/** Where the runtime can tell within which transaction a query is asked for. */
export type PoolContext = CallContext<Loan>

/**
 * Instances of SQLite for parallel queries: made when they are needed, used one query at a time, in turn.
 *
 * A caller that waits for one gets it, or an error: when the pool is closed, when the signal aborts, and when nobody would
 * ever give one back. With a `PoolContext` that is known at once, where all holders are transactions that wait themselves;
 * otherwise it is taken for granted when none of them has asked for anything in `deadlockMs`.
 */
export class ConnectionPool implements Lender {
  #companion: Companion | undefined
  readonly #modules: EngineModules
  readonly #options: PoolOptions & EngineOptions
  readonly #size: number
  readonly #context: PoolContext | undefined
  readonly #idle: Connection[] = []
  readonly #loans = new Set<Loan>()
  readonly #waiting: Waiting[] = []
  #count = 0
  #closed = false

  /**
   * A pool with its first instance, whose code has run once: the runtime compiles it then, which takes longer than most
   * queries, but can be done while the replica is being opened.
   *
   * @param modules SQLite and the trampoline, compiled
   * @throws VfsError VFS_USAGE unless `poolSize` is a whole number above 0; VFS_ENGINE
   */
  static async start(
    modules: EngineModules,
    options: PoolOptions & EngineOptions = {},
    context?: PoolContext,
  ): Promise<ConnectionPool> {
    const pool = new ConnectionPool(modules, options, context)
    const connection = await pool.#start()
    connection.rehearse()
    pool.#settle(connection)
    return pool
  }

  private constructor(modules: EngineModules, options: PoolOptions & EngineOptions, context: PoolContext | undefined) {
    this.#modules = modules
    this.#options = options
    this.#context = context
    this.#size = options.poolSize ?? DEFAULT_POOL_SIZE
    if (!Number.isSafeInteger(this.#size) || this.#size < 1) {
      const message = `Cannot run ${this.#size} queries at a time: poolSize must be a whole number from 1 on`
      throw new VfsError('VFS_USAGE', message)
    }
  }

  /**
   * A connection for one query: the one used last, whose cache is warm. Give it back with `give`, or `discard` it.
   * @throws VfsError VFS_CLOSED, VFS_DEADLOCK, VFS_ENGINE; the signal's reason
   */
  take(signal: AbortSignal | undefined): Loan | Promise<Loan> {
    signal?.throwIfAborted()
    if (this.#closed) throw closed()
    const connection = this.#idle.pop()
    if (connection) return this.#lend(connection)
    return this.#count < this.#size ? this.#startLoan() : this.#wait(signal)
  }

  /** Run a transaction's work: what it asks for, it asks for within the loan. */
  run<T>(loan: Loan, work: () => T): T {
    loan.rest()
    if (this.#context === undefined) return work()
    loan.within = this.#context.current()
    return this.#context.run(loan, work)
  }

  /** The one companion, from the modules and options of the connections. @param make makes it, the first time */
  companion<T extends Companion>(make: (modules: EngineModules, options: ConnectionOptions) => T): T {
    this.#companion ??= make(this.#modules, this.#options)
    return this.#companion as T
  }

  give(loan: Loan): void {
    if (loan.connection.engine.broken) this.discard(loan)
    else if (this.#loans.delete(loan)) this.#settle(loan.connection)
  }

  discard(loan: Loan): void {
    if (!this.#loans.delete(loan)) return
    this.#count--
    try {
      loan.connection.shutDown()
    } catch {
      // It is not sound: that is why it goes. Its memory is the garbage collector's.
    }
    this.#replace()
  }

  /** Who waits for a connection waits in vain. What holds one gives it back in its own time. */
  close(): void {
    this.#closed = true
    this.#companion?.close()
    for (const connection of this.#idle.splice(0)) connection.shutDown()
    for (const { reject } of this.#waiting.splice(0)) reject(closed())
  }

  #lend(connection: Connection): Loan {
    const loan = new Loan(connection, this, now)
    this.#loans.add(loan)
    return loan
  }

  /** A connection is free. */
  #settle(connection: Connection): void {
    if (this.#closed) {
      connection.shutDown()
      return
    }
    const next = this.#waiting.shift()
    if (next) next.resolve(this.#lend(connection))
    else this.#idle.push(connection)
  }

  /** There is room for another connection: the next one that waits need not. */
  #replace(): void {
    this.#waiting.shift()?.resolve(this.#startLoan())
  }

  async #startLoan(): Promise<Loan> {
    const connection = await this.#start()
    if (!this.#closed) return this.#lend(connection)
    connection.shutDown()
    throw closed()
  }

  async #start(): Promise<Connection> {
    this.#count++
    try {
      return await Connection.start(this.#modules, this.#options)
    } catch (error) {
      this.#count--
      this.#replace()
      throw error
    }
  }

  async #wait(signal: AbortSignal | undefined): Promise<Loan> {
    const { promise, resolve, reject } = Promise.withResolvers<Loan>()
    const waiting: Waiting = { within: this.#context?.current(), resolve, reject }
    this.#waiting.push(waiting)
    const refuse = (error: unknown): void => {
      const at = this.#waiting.indexOf(waiting)
      if (at < 0) return // it has one already
      this.#waiting.splice(at, 1)
      reject(error)
    }
    const abort = (): void => refuse(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    const stopLooking = this.#look(refuse)
    try {
      const asked = this.#waiting.map(({ within }) => within)
      if (isDeadlocked(this.#loans, asked, this.#size)) refuse(this.#deadlock('wait for one themselves'))
      return await promise
    } finally {
      stopLooking()
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Look now and then whether anybody is still going to give a connection back. */
  #look(refuse: (error: unknown) => void): () => void {
    const { deadlockMs = DEFAULT_DEADLOCK_MS } = this.#options
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = (): void => {
      const idle = idleMs(this.#loans, this.#size, now()) ?? 0
      if (idle >= deadlockMs) refuse(this.#deadlock(`have asked for nothing in ${deadlockMs} ms`))
      else timer = setTimeout(look, Math.min(deadlockMs - idle, MAX_TIMER_MS))
    }
    timer = setTimeout(look, Math.min(deadlockMs, MAX_TIMER_MS))
    return () => clearTimeout(timer)
  }

  #deadlock(why: string): VfsError {
    const held = this.#size === 1 ? 'the only connection is' : `all ${this.#size} connections are`
    const message =
      `Cannot run the query: ${held} held by transactions or iterators that ${why}; ` +
      'within a transaction use its own `tx`, leave iterators early, or give a larger poolSize'
    return new VfsError('VFS_DEADLOCK', message)
  }
}

/** Of this process, not of the calendar: it never jumps. */
function now(): number {
  return performance.now()
}

function closed(): VfsError {
  return new VfsError('VFS_CLOSED', 'Cannot run the query: the database has been closed')
}
