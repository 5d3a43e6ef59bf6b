import type { EngineModules } from '../engine/engine.ts'
import { VfsError } from '../engine/errors.ts'
import { Connection, type ConnectionOptions } from './connection.ts'

/** How many queries run at the same time. They wait for the network most of the time, so more than there are cores. */
export const DEFAULT_POOL_SIZE = 16

interface Waiting {
  resolve(connection: Connection): void
  reject(error: unknown): void
}

export interface PoolOptions extends ConnectionOptions {
  /** Queries that run at the same time; more wait for their turn. Default 16. Each instance takes about 1.6 MB and its cache. */
  readonly poolSize?: number
}

/** What lives as long as a pool and is closed with it. */
interface Companion {
  close(): void
}

/** Instances of SQLite for parallel queries: made when they are needed, used one query at a time, in turn. */
export class ConnectionPool {
  #companion: Companion | undefined
  readonly #modules: EngineModules
  readonly #options: ConnectionOptions
  readonly #size: number
  readonly #idle: Connection[] = []
  readonly #waiting: Waiting[] = []
  #count = 0
  #closed = false

  /**
   * A pool with its first instance, whose code has run once: the runtime compiles it then, which takes longer than most
   * queries, but can be done while the replica is being opened.
   *
   * @param modules SQLite and the trampoline, compiled
   * @throws RangeError unless `poolSize` is a whole number above 0; VfsError VFS_ENGINE
   */
  static async start(modules: EngineModules, options: PoolOptions = {}): Promise<ConnectionPool> {
    const pool = new ConnectionPool(modules, options)
    const connection = await pool.#start()
    connection.rehearse()
    pool.give(connection)
    return pool
  }

  private constructor(modules: EngineModules, options: PoolOptions) {
    this.#modules = modules
    this.#options = options
    this.#size = options.poolSize ?? DEFAULT_POOL_SIZE
    if (!Number.isSafeInteger(this.#size) || this.#size < 1) {
      throw new RangeError(`Cannot run ${this.#size} queries at a time: it must be a whole number above 0`)
    }
  }

  /** A connection for one query: the one used last, whose cache is warm. Give it back with `give`. */
  take(signal: AbortSignal | undefined): Connection | Promise<Connection> {
    signal?.throwIfAborted()
    if (this.#closed) throw closed()
    return this.#idle.pop() ?? (this.#count < this.#size ? this.#start() : this.#wait(signal))
  }

  /** The one companion, from the modules and options of the connections. @param make makes it, the first time */
  companion<T extends Companion>(make: (modules: EngineModules, options: ConnectionOptions) => T): T {
    this.#companion ??= make(this.#modules, this.#options)
    return this.#companion as T
  }

  give(connection: Connection): void {
    if (this.#closed) {
      connection.shutDown()
      return
    }
    if (connection.engine.broken) {
      this.#replace()
      return
    }
    const next = this.#waiting.shift()
    if (next) next.resolve(connection)
    else this.#idle.push(connection)
  }

  /** Who waits for a connection waits in vain. Queries that run are let run. */
  close(): void {
    this.#closed = true
    this.#companion?.close()
    for (const connection of this.#idle.splice(0)) connection.shutDown()
    for (const { reject } of this.#waiting.splice(0)) reject(closed())
  }

  async #start(): Promise<Connection> {
    this.#count++
    try {
      return await Connection.start(this.#modules, this.#options)
    } catch (error) {
      this.#count--
      throw error
    }
  }

  /** A broken instance is nobody's any more: the next caller gets a new one. */
  #replace(): void {
    this.#count--
    const next = this.#waiting.shift()
    if (next) this.#start().then(next.resolve, next.reject)
  }

  async #wait(signal: AbortSignal | undefined): Promise<Connection> {
    const { promise, resolve, reject } = Promise.withResolvers<Connection>()
    const waiting: Waiting = { resolve, reject }
    const abort = (): void => {
      const at = this.#waiting.indexOf(waiting)
      if (at < 0) return // it has one already
      this.#waiting.splice(at, 1)
      reject(signal?.reason)
    }
    this.#waiting.push(waiting)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }
}

function closed(): VfsError {
  return new VfsError('VFS_CLOSED', 'Cannot run the query: the database has been closed')
}
