import { callContext } from '../../entry/call-context.ts'
import { formatTXID } from '../../ltx/index.ts'
import type { PageCache } from '../../pagecache/index.ts'
import { Replica } from '../../replica/index.ts'
import { RetryingReader } from '../../storage/index.ts'
import { type BridgeKind, ConnectionPool, Database } from '../../vfs/index.ts'
import { loadEngineModules } from '../../vfs/load-node.ts'
import type { Flavour, HostileStore } from './hostile-store.ts'
import type { KeptPages } from './kept-pages.ts'
import type { Oracle } from './oracle.ts'
import type { VirtualTime } from './virtual-time.ts'
import type { Rank } from './writer-model.ts'

/** How one reader is opened. */
export interface ReaderShape {
  readonly name: string
  readonly bridge: BridgeKind
  readonly poolSize: number
  /** The pool can tell within which transaction a query is asked for. */
  readonly knowsCallers: boolean
  readonly flavour: Flavour
  readonly cache: PageCache
  readonly kept: KeptPages | undefined
  readonly follow: boolean
  /** Requests are made again, as `open(url)` does. */
  readonly retries: boolean
  readonly checkIntervalMs: number
  readonly listIntervalMs: number
  readonly proofIntervalMs: number
  readonly maxInFlight: number
  readonly sqliteCacheBytes: number | undefined
}

/** A database at an older state, kept for later. */
export interface Kept {
  readonly db: Database
  readonly rank: Rank
}

/** A reader, and what it has shown so far. */
export class Reader {
  readonly shape: ReaderShape
  readonly store: HostileStore
  /** The newest state that it has shown. */
  floor: Rank = 0
  /** At older states. */
  olds: Kept[] = []
  db: Database

  private constructor(shape: ReaderShape, store: HostileStore, db: Database) {
    this.shape = shape
    this.store = store
    this.db = db
  }

  /** As `open` does it. @throws what opening throws */
  static async open(shape: ReaderShape, store: HostileStore, time: VirtualTime): Promise<Reader> {
    const { cache, kept, follow, checkIntervalMs, listIntervalMs, proofIntervalMs, maxInFlight } = shape
    const { bridge, poolSize, sqliteCacheBytes } = shape
    const { now } = time
    const options = {
      cache,
      follow,
      checkIntervalMs,
      listIntervalMs,
      proofIntervalMs,
      maxInFlight,
      now,
      ...(kept && { store: kept }),
    }
    const poolOptions = { bridge, poolSize, ...(sqliteCacheBytes !== undefined && { sqliteCacheBytes }) }
    const client = shape.retries ? new RetryingReader(store) : store
    const [replica, pool] = await Promise.all([
      Replica.open(client, options),
      ConnectionPool.start(await loadEngineModules(), poolOptions, shape.knowsCallers ? callContext() : undefined),
    ])
    return new Reader(shape, store, Database.open(replica, pool, { now }))
  }

  get name(): string {
    return this.shape.name
  }

  /** The state that it is at now: not before what it has shown. @throws Wrong */
  look(oracle: Oracle, what: string): Rank {
    const { txid, timestamp } = this.db
    const rank = oracle.find(formatTXID(txid), new Date(timestamp).toISOString(), `${this.name}: ${what}`)
    oracle.notBefore(rank, this.floor, `${this.name}: ${what}`)
    this.floor = rank
    return rank
  }

  /** It has shown a state. */
  saw(rank: Rank | undefined): void {
    if (rank !== undefined) this.floor = Math.max(this.floor, rank)
  }
}
