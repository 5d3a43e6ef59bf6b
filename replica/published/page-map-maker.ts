import { encodePageFrame, type TXID } from '../../ltx/index.ts'
import { PageCache } from '../../pagecache/index.ts'
import type { LtxFileInfo, ReplicaClient } from '../../storage/index.ts'
import { readSchemaLeaf } from '../ahead/btree-page.ts'
import { Account, newCost } from '../core/account.ts'
import type { Cost } from '../core/types.ts'
import { InFlightLimit } from '../pages/in-flight-limit.ts'
import { PageFetcher } from '../pages/page-fetcher.ts'
import { type SharedReading, SnapshotPages } from '../pages/pinned-pages.ts'
import { byLevel } from '../plan/list-levels.ts'
import { planRestore } from '../plan/plan-restore.ts'
import { wholeIndex } from '../state/extend-index.ts'
import { IndexLoader } from '../state/index-loader.ts'
import { LazyIndex } from '../state/lazy-index.ts'
import { type OpenSnapshotContext, openAll } from '../state/open-snapshot.ts'
import { keepOpened } from '../state/opened-files.ts'
import { FileGone, RangeReader } from '../state/range-reader.ts'
import type { Snapshot } from '../state/snapshot.ts'
import { type SavedPage, saveSnapshot } from './save-snapshot.ts'

/** Where all pages of a state are, in few bytes. */
export interface PageMapFile {
  readonly txid: TXID
  /** What `Replica.open` reads instead of asking all files. */
  readonly body: Uint8Array<ArrayBuffer>
  /** Those that the pages are in: without one of them it is of no use. */
  readonly files: readonly LtxFileInfo[]
}

/** Indexes are read whole up to so many bytes of them: half of that in the map saves a round to each new place. */
const MAX_INDEX_BYTES = 512 * 1024
const CACHE_BYTES = 4 * 1024 * 1024
const IN_FLIGHT = 16
/** Trees whose roots come with the map. */
const MAX_ROOTS = 64

/**
 * Makes page maps of one replica, one after the other: for the second one only files that came since the first are opened.
 */
export class PageMapMaker {
  readonly #closing = new AbortController()
  readonly #context: OpenSnapshotContext
  readonly #cost: Cost = newCost()
  readonly #indexes: IndexLoader
  readonly #fetcher: PageFetcher

  /** @param client stays its owner's; give it retries (`withRetry`) */
  constructor(client: ReplicaClient) {
    const { signal } = this.#closing
    const reader = new RangeReader(client)
    const cache = new PageCache({ maxBytes: CACHE_BYTES })
    const account = new Account([this.#cost])
    this.#context = { client, reader, cache, account, opened: new Map(), seen: {}, signal }
    this.#indexes = new IndexLoader(reader, signal)
    this.#fetcher = new PageFetcher({
      reader,
      cache,
      store: undefined,
      limit: new InFlightLimit(IN_FLIGHT, IN_FLIGHT),
      now: Date.now,
      signal,
    })
  }

  /** What making maps has cost. A live object. */
  get cost(): Cost {
    return this.#cost
  }

  /**
   * The page map of the newest state of these files.
   * @param files all there are, in order within their levels, each with its own LTX timestamp
   * @returns undefined when one of them has been deleted meanwhile
   * @throws StorageError, ReplicaError
   */
  async make(files: readonly LtxFileInfo[]): Promise<PageMapFile | undefined> {
    const plan = planRestore(byLevel(files))
    try {
      const state = await openAll(plan, this.#context)
      await this.#loadIndexes(state)
      const body = saveSnapshot(state, await this.#roots(state))
      return { txid: state.txid, body, files: state.files().map(({ info }) => info) }
    } catch (error) {
      if (error instanceof FileGone) return undefined
      throw error
    } finally {
      keepOpened(this.#context.opened, plan)
    }
  }

  /** What is being made fails. */
  close(): void {
    this.#closing.abort(new Error('No page maps are made any more'))
  }

  async #loadIndexes(state: Snapshot): Promise<void> {
    const lazy = state.parts.map(({ index }) => index).filter((index) => index instanceof LazyIndex)
    let room = MAX_INDEX_BYTES
    for (const index of lazy.sort((a, b) => a.about.indexSize - b.about.indexSize)) {
      room -= wholeIndex(index).size
      if (room < 0) return
      if (!index.complete) await this.#indexes.loadWhole(index, this.#context.account)
    }
  }

  /** Page 1 and the roots of the trees: every query begins with some of them. */
  async #roots(state: Snapshot): Promise<SavedPage[]> {
    const { cache, account } = this.#context
    const replan = async (): Promise<never> => {
      throw new Error('The files of a page map are what they are')
    }
    const loadIndexes: SharedReading['loadIndexes'] = (...args) => this.#indexes.load(...args)
    const settled = { doubts: () => false, prove: async () => {} }
    const shared = { cache, fetcher: this.#fetcher, loadIndexes, replan, ...settled }
    const pages = new SnapshotPages(state, shared, account)
    const first = await pages.fetch(1)
    const roots = readSchemaLeaf(first, 1).map(({ rootPgno }) => rootPgno)
    const wanted = [...new Set([1, ...roots.slice(0, MAX_ROOTS)])]
    await pages.warm(wanted)
    return wanted.flatMap((pgno) => {
      const location = state.locate(pgno)
      if (location === 'zeros' || Array.isArray(location)) return []
      const data = cache.peek(location.file.cached, pgno)
      return data ? [{ file: location.file, frame: encodePageFrame({ pgno, data }) }] : []
    })
  }
}
