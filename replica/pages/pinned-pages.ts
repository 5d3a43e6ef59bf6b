import type { Pgno } from '../../ltx/index.ts'
import type { PageCache } from '../../pagecache/index.ts'
import type { PagePredictor } from '../ahead/page-predictor.ts'
import { type AheadPages, ReadAhead } from '../ahead/read-ahead.ts'
import { Trees } from '../ahead/trees.ts'
import type { Account } from '../core/account.ts'
import { ReplicaError } from '../core/errors.ts'
import type { PinnedPages, Predictor } from '../core/types.ts'
import type { IndexLoader } from '../state/index-loader.ts'
import type { LazyIndex } from '../state/lazy-index.ts'
import type { PageLocation } from '../state/page-layer.ts'
import { FileGone } from '../state/range-reader.ts'
import type { Snapshot } from '../state/snapshot.ts'
import type { SourceFile } from '../state/source-file.ts'
import type { PageFetcher } from './page-fetcher.ts'
import type { WantedPage } from './plan-fetch.ts'

/** What all readers of one replica share. */
export interface SharedReading {
  readonly cache: PageCache
  readonly fetcher: PageFetcher
  readonly loadIndexes: IndexLoader['load']
  /** Made when it is known what they are. */
  trees?: Trees
  /**
   * Files of a state were deleted: plan it again from what there is.
   * @returns the same state in other files, or a newer one; of another history where nothing proves that it goes on
   * @throws StorageError, ReplicaError; the signal's reason
   */
  replan(gone: Snapshot, signal?: AbortSignal): Promise<Snapshot>
  /** True when the place was begun anew since a state was opened: what has its files' names may be other files. */
  doubts(state: Snapshot): boolean
  /** @throws FileGone when there is no such file any more, or another one of its name; the signal's reason */
  prove(file: SourceFile, signal?: AbortSignal): Promise<void>
}

/** Of the cache, so much may be pages that nobody has read yet. */
const SHARE_AHEAD = 1 / 4
/** Files may be deleted again while their pages are looked for elsewhere; not often, though. */
const MAX_REPLANS = 3

/** A snapshot's pages, read by one connection, with reading ahead. */
export class SnapshotPages implements PinnedPages {
  readonly state: Snapshot
  readonly #shared: SharedReading
  readonly #account: Account
  /** Made with the first page: SQLite has those of most queries in its own cache. */
  #readAhead: ReadAhead | undefined
  #predictor: PagePredictor | undefined
  /** When a wait for a page last ended (`performance.now()`). */
  #waitedUntil = 0
  /** Where pages are looked for: `state`, until files of it have gone. */
  #source: Snapshot
  /** Files that were read after the place was begun anew, and are what they were. */
  readonly #proved = new Set<SourceFile>()

  constructor(state: Snapshot, shared: SharedReading, account: Account) {
    this.state = state
    this.#source = state
    this.#shared = shared
    this.#account = account
  }

  get(pgno: Pgno): Uint8Array | undefined {
    const location = this.#locate(pgno)
    if (Array.isArray(location)) return undefined
    const page = location === 'zeros' ? this.#zeros() : this.#shared.cache.get(location.file.cached, pgno)
    if (page === undefined) return undefined
    this.#account.page('hits')
    this.#touch(pgno, page)
    return page
  }

  async fetch(pgno: Pgno, signal?: AbortSignal): Promise<Uint8Array> {
    this.#account.page('misses')
    for (let replans = 0; ; replans++) {
      try {
        const page = await this.#fetch(pgno, signal)
        this.#touch(pgno, page)
        return page
      } catch (error) {
        if (!(error instanceof FileGone)) throw error
        if (replans === MAX_REPLANS) throw gone(this.state, pgno, error)
        const source = await this.#shared.replan(this.#source, signal)
        // Another history has other pages under the same numbers; an old listing lacks what came between.
        const serves = source.history === this.state.history && source.txid >= this.state.txid
        if (!serves) throw gone(this.state, pgno, error)
        this.#source = source
      }
    }
  }

  identity(pgno: Pgno): string | undefined {
    if (!this.#exists(pgno) || this.#overtaken) return undefined
    const location = this.#locate(pgno)
    if (Array.isArray(location)) return undefined
    return location === 'zeros' ? 'zeros' : `${location.file.cacheKey} ${pgno}`
  }

  async predictor(): Promise<Predictor> {
    const { PagePredictor } = await import('../ahead/page-predictor.ts') // point queries never need it
    const pages = this.#aheadPages()
    const limited = this.#account.limited ? { ...pages, room: 0 } : pages
    this.#shared.trees ??= new Trees()
    this.#predictor ??= new PagePredictor(limited, this.#shared.trees, this.state.pageSize)
    return this.#predictor
  }

  /** Have pages at hand that will certainly be asked for, those of which it is known where they are. Never throws. */
  async warm(pgnos: readonly Pgno[]): Promise<void> {
    await this.#ahead(pgnos.filter((pgno) => this.#exists(pgno) && !Array.isArray(this.#locate(pgno))))
  }

  async #fetch(pgno: Pgno, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const location = await this.#find(pgno, signal)
    if (location === 'zeros') return this.#zeros()
    if (this.#shared.doubts(this.#source)) await this.#prove([location.file], signal)
    const wanted = { pgno, location }
    const { fetcher } = this.#shared
    // What was asked for before the last wait ended came, or comes, in the same round.
    const askedAt = fetcher.has(wanted) ? fetcher.askedAt(wanted) : Number.POSITIVE_INFINITY
    if (askedAt !== undefined && askedAt >= this.#waitedUntil) this.#account.roundTrip()
    const page = await fetcher.fetch(wanted, { pageSize: this.state.pageSize, account: this.#account }, signal)
    this.#waitedUntil = performance.now()
    return page
  }

  #touch(pgno: Pgno, page: Uint8Array): void {
    this.#predictor?.read(pgno)
    this.#shared.trees ??= new Trees()
    this.#readAhead ??= new ReadAhead(this.#aheadPages(), this.#shared.trees)
    this.#readAhead.touch(pgno, page)
  }

  #aheadPages(): AheadPages {
    const { commit, pageSize } = this.state
    return {
      commit,
      room: Math.max(1, Math.floor((this.#shared.cache.maxBytes * SHARE_AHEAD) / pageSize)),
      ahead: (pgnos) => this.#ahead(pgnos),
      peek: (pgno) => this.#peek(pgno),
    }
  }

  /** Where a page is, after loading what has to be known for that. */
  async #find(pgno: Pgno, signal: AbortSignal | undefined): Promise<PageLocation | 'zeros'> {
    for (;;) {
      signal?.throwIfAborted()
      const location = this.#locate(pgno)
      if (!Array.isArray(location)) return location
      if (this.#shared.doubts(this.#source))
        await this.#prove(
          location.map(({ file }) => file),
          signal,
        )
      this.#account.roundTrip()
      await this.#shared.loadIndexes(location, pgno, this.#account, signal)
    }
  }

  /** Pages are looked for in a newer state: not all that is asked for may be there. */
  get #overtaken(): boolean {
    return this.#source.txid !== this.state.txid
  }

  /** As `Snapshot.locate`, in the files that are still there. @throws ReplicaError REPLICA_SNAPSHOT_GONE */
  #locate(pgno: Pgno): PageLocation | 'zeros' | LazyIndex[] {
    if (!this.#overtaken) return this.#source.locate(pgno)
    // A newer state serves only with what it has and has not changed since.
    if (pgno > this.#source.commit) throw gone(this.state, pgno)
    const location = this.#source.locate(pgno)
    const changed = location !== 'zeros' && !Array.isArray(location) && location.file.info.maxTXID > this.state.txid
    if (changed) throw gone(this.state, pgno)
    return location
  }

  /** True for a page that the state has: what is known of trees may be of another one. */
  #exists(pgno: Pgno): boolean {
    return pgno >= 1 && pgno <= this.state.commit
  }

  #peek(pgno: Pgno): Uint8Array | undefined {
    if (!this.#exists(pgno) || this.#overtaken) return undefined
    try {
      const location = this.#locate(pgno)
      if (Array.isArray(location) || location === 'zeros') return undefined
      return this.#shared.cache.peek(location.file.cached, pgno)
    } catch {
      return undefined // whoever needs the page will hear of it
    }
  }

  /** Files that are read although another history has taken their place: each is proved once. @throws FileGone */
  async #prove(files: readonly SourceFile[], signal: AbortSignal | undefined): Promise<void> {
    const unproved = files.filter((file) => !this.#proved.has(file))
    if (unproved.length === 0) return
    this.#account.roundTrip()
    await Promise.all(unproved.map((file) => this.#shared.prove(file, signal)))
    for (const file of unproved) this.#proved.add(file)
  }

  async #ahead(pgnos: readonly Pgno[]): Promise<void> {
    if (this.#shared.doubts(this.#source)) return
    try {
      const wanted: WantedPage[] = []
      const unknown: Promise<unknown>[] = []
      const later: number[] = []
      for (const pgno of pgnos) {
        if (!this.#exists(pgno)) continue
        const location = this.#locate(pgno)
        if (location === 'zeros') continue
        if (Array.isArray(location)) {
          later.push(pgno)
          unknown.push(this.#shared.loadIndexes(location, pgno, this.#account).catch(() => {}))
        } else wanted.push({ pgno, location })
      }
      const all = this.#fetchAll(wanted)
      await Promise.all(unknown)
      for (const pgno of later) {
        const location = this.#locate(pgno)
        if (!Array.isArray(location) && location !== 'zeros') wanted.push({ pgno, location })
      }
      if (later.length > 0) await this.#fetchAll(wanted.slice(-later.length))
      await all
    } catch {
      // Whoever needs the page will hear of it.
    }
  }

  async #fetchAll(wanted: readonly WantedPage[]): Promise<void> {
    const { fetcher } = this.#shared
    fetcher.start(wanted, { pageSize: this.state.pageSize, account: this.#account })
    await Promise.allSettled(wanted.map((page) => fetcher.arrival(page)))
  }

  #zeros(): Uint8Array {
    return new Uint8Array(this.state.pageSize)
  }
}

function gone(state: Snapshot, pgno: Pgno, cause?: Error): ReplicaError {
  return new ReplicaError(
    'REPLICA_SNAPSHOT_GONE',
    `Cannot read page ${pgno} as of TXID ${state.txid}: its file was deleted, and no other file holds that state of it`,
    {
      at: { pgno, txid: state.txid },
      hint: 'Start the transaction again: it will see a newer state. Keep files longer if transactions are long.',
      cause,
    },
  )
}
