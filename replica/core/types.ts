import type { Pgno, TXID } from '../../ltx/index.ts'
import type { PageStoreStats } from '../../pagecache/index.ts'

/** One state of the database, as a read transaction sees it from its first page to its last. An immutable value. */
export interface DatabaseState {
  readonly txid: TXID
  /** When its last transaction was made, by the primary's clock: milliseconds since the Unix epoch. */
  readonly timestamp: number
  /** Size of the database in pages. */
  readonly commit: number
  /** Bytes, 512 to 65536. */
  readonly pageSize: number
  /**
   * Opaque: equal only where the content is. Two histories of one place differ in it where TXIDs are the same; one state
   * that other files lead to (after a compaction) may differ, too.
   */
  readonly identity: string
}

/** What a state is looked for by. */
export type StateTarget =
  | { readonly txid: TXID; readonly timestamp?: never }
  /** The newest state made strictly before this time (milliseconds since the Unix epoch). */
  | { readonly timestamp: number; readonly txid?: never }

/** What reading has cost. A live object that only grows. */
export interface Cost {
  /** Requests sent, of any kind. */
  requests: number
  /** Bytes of files received. */
  bytes: number
  /** Times that somebody had to wait for a round of requests: what latency is paid for. */
  roundTrips: number
  /** Pages that were at hand, and pages that were not. */
  hits: number
  misses: number
  /** Pages fetched ahead of need that were read later, and those that left the cache unread. Only in a replica's total. */
  prefetchUseful: number
  prefetchWasted: number
}

/** Limits that end a query; absent ones do not. */
export interface Budget {
  readonly maxRequests?: number
  readonly maxBytes?: number
  readonly maxRoundTrips?: number
}

/** The pages of one pinned state, for one connection, which asks for one page after the other. */
export interface PinnedPages {
  readonly state: DatabaseState
  /**
   * The page if it is at hand, without waiting.
   * @returns page-size bytes that others share: never to be written to; undefined for a miss
   */
  get(pgno: Pgno): Uint8Array | undefined
  /**
   * The page, from wherever it is. Pages that will probably be asked for next may come with it.
   * @returns page-size bytes that others share: never to be written to
   * @throws ReplicaError REPLICA_SNAPSHOT_GONE, REPLICA_BUDGET, REPLICA_DAMAGED; StorageError; the signal's reason
   */
  fetch(pgno: Pgno, signal?: AbortSignal): Promise<Uint8Array>
  /**
   * Names a page's content: its file and its number. Two pages of one name are equal.
   * @returns undefined where it is not known yet in which file the page is
   */
  identity(pgno: Pgno): string | undefined
  /** For a run ahead of the reader, which finds out what it will read. */
  predictor(): Promise<Predictor>
}

/**
 * What runs ahead of a reader see and find: the pages at hand, and placeholder pages for all others. It fetches the more, the more
 * of what it fetched was read.
 */
export interface Predictor {
  /** How many pages were found and then read. */
  readonly useful: number
  /** Little of what was found is still to be read. */
  readonly low: boolean
  /** Whether a page was found and has not been read yet. */
  has(pgno: Pgno): boolean
  /** Before a run. @returns false when enough is on its way */
  begin(): boolean
  /** The page if it is at hand; asking leaves no trace. @returns page-size bytes that others share */
  at(pgno: Pgno): Uint8Array | undefined
  /**
   * Something in the place of a page that is not at hand, which is noted.
   * @returns page-size bytes, not to be written to; undefined when the run should end
   */
  placeholder(pgno: Pgno): Uint8Array | undefined
  /**
   * After a run: have the pages fetched that it found.
   * @param complete it went to the end of the query: pages of earlier runs that it did without will not be needed
   * @returns how many
   */
  fetch(complete: boolean): number
}

export interface PinOptions {
  /** Counts what this reader costs, beside the replica's own total. */
  readonly cost?: Cost
  readonly budget?: Budget
}

export interface RefreshOptions {
  /** A check this recent is good enough: no request is made. Default: the replica's `checkIntervalMs`. */
  readonly maxAgeMs?: number
  readonly signal?: AbortSignal
}

/** How far the newest known state lags. */
export interface Lag {
  /** Age of the newest known state's last transaction, in milliseconds. It grows while nothing is written. */
  readonly sinceTransactionMs: number
  /** Since the store was last asked successfully, in milliseconds; undefined before the first time. */
  readonly sinceCheckMs: number | undefined
  /** Why every check since the last successful one has failed; absent when the last one did not. */
  readonly failing?: unknown
}

/** How much of a state is kept on this machine. */
export interface HydrationProgress {
  /** Pages. */
  readonly done: number
  readonly total: number
}

/** A replica that is open for reading: its newest known state, older ones, and their pages. */
export interface ReadableReplica {
  /** For people: the replica's URL without any secret. */
  readonly url: string
  /** The newest state known. */
  readonly state: DatabaseState
  /** What everything so far has cost. */
  readonly cost: Cost
  /** How the cache that lasts is doing; undefined without one. */
  readonly store: PageStoreStats | undefined
  /** The newest state, where `refresh` would not ask whether there is a newer one. */
  readonly fresh: DatabaseState | undefined
  /** Look for newer files, unless that was done a moment ago. @returns the newest state */
  refresh(options?: RefreshOptions): Promise<DatabaseState>
  /** An older state. @throws ReplicaError REPLICA_TX_NOT_AVAILABLE */
  at(target: StateTarget, signal?: AbortSignal): Promise<DatabaseState>
  /** Wait until the newest state is at least `txid`. @throws ReplicaError REPLICA_WAIT_TIMEOUT; the signal's reason */
  waitFor(txid: TXID, options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<DatabaseState>
  lag(): Lag
  /** How far `hydrate` has come; undefined when it was not asked for. */
  readonly hydration: HydrationProgress | undefined
  /**
   * Fill the store with all pages of the newest state, in the background; whoever reads goes first.
   * @returns when all are there
   * @throws ReplicaError REPLICA_USAGE without a store, REPLICA_STORE when it does not keep them
   */
  hydrate(options?: { signal?: AbortSignal; onProgress?: (progress: HydrationProgress) => void }): Promise<void>
  /** Read a state's pages: one that this replica gave out. */
  pin(state: DatabaseState, options?: PinOptions): PinnedPages
  /** What is known of each page of a state: a byte a page, PAGE_CACHED and PAGE_CHANGED (since a TXID). Asks for nothing. */
  pageMap(state: DatabaseState, since?: TXID): Uint8Array
  /** Stop following and let go of everything. Reads under way fail. */
  close(): Promise<void>
}
