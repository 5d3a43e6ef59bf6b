import { CATALOG_NAME, encodeCatalog, type Layout, layoutOf, PAGE_MAP_NAME, type SidecarName } from './catalog.ts'
import { type FileMap, listDated, nameKey, sameFiles } from './dated-listing.ts'
import { StorageError } from './errors.ts'
import { PageMapKeeper, type PageMapSource } from './page-map-keeper.ts'
import type {
  ByteStream,
  LeaseStore,
  ListOptions,
  LtxFileInfo,
  LtxFileName,
  OpenOptions,
  ReplicaClient,
  WriteOptions,
} from './types.ts'
import { LONGEST_TIMEOUT_MS, within } from './within.ts'
import { WrappedReplica } from './wrapped-replica.ts'

export interface CatalogOptions {
  /** Keeps a page map beside the catalog, so that readers need not ask all files. It is closed with the client. */
  readonly pageMaps?: PageMapSource
  /** A page map is made at most so often. Default 30 000. */
  readonly pageMapIntervalMs?: number
  /** How files are named for readers. Default: as the store names them. */
  readonly layout?: Layout
  /** Told of each catalog that could not be written, or listing that failed. Replication goes on. */
  readonly onError?: (error: unknown) => void
  /** Catalogs that no deletion waits for are written at most so often. Default 1000. */
  readonly minIntervalMs?: number
  /** The pause after a failure. Default 10 000. */
  readonly retryMs?: number
  /** All is listed anew so often, for what others have changed. Default 10 minutes. */
  readonly relistIntervalMs?: number
  /** A deletion, and closing, wait so long for the catalog at most. Default 10 000. */
  readonly patienceMs?: number
}

const DEFAULT_RETRY_MS = 10_000

/**
 * A client that keeps the replica's catalog current: a file is in it once it is durable, and out of it before it is
 * deleted. The catalog is written beside the replication, one write at a time, and the newest state wins: bursts cost no
 * more than a write a second, and a failure neither fails nor holds up what it belongs to. Only a deletion waits for it.
 *
 * The replica is listed at the start, some time after every failed write or deletion (which may have happened all the same), and
 * now and then, since others may write and delete there, too.
 *
 * @throws StorageError STORAGE_BAD_OPTION when the store can hold no catalog
 */
export function withCatalog(client: ReplicaClient, options: CatalogOptions = {}): ReplicaClient {
  if (!client.writeSidecar) {
    throw new StorageError('STORAGE_BAD_OPTION', `Cannot keep a catalog in ${client.url}: nothing can be written there`)
  }
  return new CatalogKeeper(client, options)
}

class CatalogKeeper extends WrappedReplica implements ReplicaClient {
  readonly lease?: LeaseStore
  readonly listAll?: NonNullable<ReplicaClient['listAll']>
  readonly #client: ReplicaClient
  readonly #options: CatalogOptions
  readonly #closing = new AbortController()
  /** As of the last listing or write; undefined before the first listing. */
  #files: FileMap | undefined
  /** What happened since; undefined for a file that is deleted. */
  #changes = new Map<string, LtxFileInfo | undefined>()
  /** Being deleted now: there or not, they are in no catalog. */
  readonly #deleting = new Set<string>()
  #mustList = true
  #mustWrite = true
  /** The write under way, and the one after it, which takes all that happens meanwhile. */
  #round: Promise<void> | undefined
  #next: Promise<void> | undefined
  #timer: { readonly id: ReturnType<typeof setTimeout>; readonly at: number } | undefined
  #relistTimer: ReturnType<typeof setTimeout> | undefined
  #notBefore = 0
  readonly #pageMaps: PageMapKeeper | undefined
  #pageMapTimer: ReturnType<typeof setTimeout> | undefined

  constructor(client: ReplicaClient, options: CatalogOptions) {
    super(client)
    this.#client = client
    this.#options = options
    const { pageMaps, pageMapIntervalMs } = options
    this.#pageMaps = pageMaps && new PageMapKeeper(pageMaps, pageMapIntervalMs)
    if (client.lease) this.lease = client.lease
    if (client.listAll) this.listAll = (signal) => client.listAll!(signal)
    this.#schedule()
    this.#scheduleRelisting()
  }

  list(level: number, options?: ListOptions): AsyncIterable<LtxFileInfo> {
    return this.#client.list(level, options)
  }

  open(file: LtxFileName, options?: OpenOptions): Promise<ByteStream | undefined> {
    return this.#client.open(file, options)
  }

  async write(file: LtxFileName, body: Uint8Array | ByteStream, options?: WriteOptions): Promise<LtxFileInfo> {
    let info: LtxFileInfo
    try {
      info = await this.#client.write(file, body, options)
    } catch (error) {
      this.#doubt()
      throw error
    }
    this.#change(file, info)
    this.#schedule()
    return info
  }

  async delete(files: readonly LtxFileName[], signal?: AbortSignal): Promise<void> {
    if (files.length === 0) return await this.#client.delete(files, signal)
    for (const file of files) {
      this.#deleting.add(nameKey(file))
      this.#change(file, undefined)
    }
    try {
      await this.#patiently(this.#writeNow(), signal)
      await this.#client.delete(files, signal)
    } catch (error) {
      this.#doubt()
      throw error
    } finally {
      for (const file of files) this.#deleting.delete(nameKey(file))
    }
  }

  async deleteAll(signal?: AbortSignal): Promise<void> {
    this.#stopTimer()
    await this.#patiently(this.#next ?? this.#round ?? Promise.resolve(), signal) // it would bring the catalog back
    try {
      await this.#client.deleteAll(signal)
    } catch (error) {
      this.#doubt()
      throw error
    }
    this.#files = new Map()
    this.#pageMaps?.forget()
    this.#changes.clear()
    this.#mustList = false
    this.#mustWrite = false
  }

  async writeSidecar(name: SidecarName): Promise<never> {
    throw new StorageError('STORAGE_REFUSED', `Cannot write ${name} of ${this.url}: it is kept current already`)
  }

  /** Writes what is not in the catalog yet. */
  async close(): Promise<void> {
    clearTimeout(this.#relistTimer)
    clearTimeout(this.#pageMapTimer)
    this.#pageMaps?.close()
    if (this.#mustWrite || this.#mustList || this.#round) await this.#patiently(this.#writeNow())
    this.#closing.abort(new StorageError('STORAGE_CLOSED', `${this.url} has been closed`))
    this.#stopTimer()
    await this.#client.close()
  }

  #change(file: LtxFileName, info: LtxFileInfo | undefined): void {
    this.#changes.set(nameKey(file), info)
    this.#mustWrite = true
  }

  /** Nobody knows what is there now: ask, though not at once, as the store may have had enough. */
  #doubt(): void {
    this.#mustList = true
    this.#schedule(performance.now() + (this.#options.retryMs ?? DEFAULT_RETRY_MS))
  }

  /** Write soon; at once when the last time was long ago. */
  #schedule(at = this.#notBefore): void {
    if (this.#closing.signal.aborted || (this.#timer && this.#timer.at <= at)) return
    this.#stopTimer()
    const run = (): void => {
      this.#timer = undefined
      void this.#writeNow()
    }
    this.#timer = { id: setTimeout(run, Math.max(0, at - performance.now())), at }
  }

  #stopTimer(): void {
    clearTimeout(this.#timer?.id)
    this.#timer = undefined
  }

  #scheduleRelisting(): void {
    const everyMs = Math.min(this.#options.relistIntervalMs ?? 600_000, LONGEST_TIMEOUT_MS)
    this.#relistTimer = setTimeout(() => {
      this.#mustList = true
      this.#schedule()
      this.#scheduleRelisting()
    }, everyMs)
  }

  /** Write the state as it is now. Never fails. */
  #writeNow(): Promise<void> {
    if (!this.#round && !this.#next) return this.#start()
    this.#next ??= this.#round!.then(() => {
      this.#next = undefined
      return this.#start()
    })
    return this.#next
  }

  #start(): Promise<void> {
    this.#round = this.#write().finally(() => {
      this.#round = undefined
    })
    return this.#round
  }

  async #write(): Promise<void> {
    const { minIntervalMs = 1000, retryMs = DEFAULT_RETRY_MS, layout = layoutOf(this.type), onError } = this.#options
    const { signal } = this.#closing
    this.#notBefore = performance.now() + minIntervalMs
    try {
      if (this.#mustList) await this.#list()
      if (!this.#mustWrite) return
      const files = apply(this.#files, this.#changes)
      this.#files = files
      this.#changes.clear()
      this.#mustWrite = false
      const catalog = { layout, pageMap: this.#pageMaps?.of(files)?.entry, files: [...files.values()] }
      await this.#client.writeSidecar!(CATALOG_NAME, encodeCatalog(catalog), signal)
      this.#schedulePageMap()
    } catch (error) {
      this.#mustWrite = true
      if (signal.aborted) return
      onError?.(error)
      this.#schedule(performance.now() + retryMs)
    }
  }

  #schedulePageMap(): void {
    const pageMaps = this.#pageMaps
    const waitMs = this.#files && pageMaps?.dueIn(this.#files, performance.now())
    if (!pageMaps || waitMs === undefined || this.#pageMapTimer) return
    this.#pageMapTimer = setTimeout(async () => {
      await this.#makePageMap(pageMaps)
      this.#pageMapTimer = undefined
    }, waitMs)
  }

  /** Of the files as they are now; the catalog that names it is written next. Never fails. */
  async #makePageMap(pageMaps: PageMapKeeper): Promise<void> {
    const { signal } = this.#closing
    try {
      const body = await pageMaps.make(apply(this.#files, this.#changes), performance.now())
      if (!body) return
      await this.#client.writeSidecar!(PAGE_MAP_NAME, body, signal)
      this.#mustWrite = true
      this.#schedule()
    } catch (error) {
      if (!signal.aborted) this.#options.onError?.(error)
    }
  }

  /** What was written before is in the listing; what happens from now on may be or not, and counts on top of it. */
  async #list(): Promise<void> {
    const earlier = this.#changes
    const known = this.#files && apply(this.#files, earlier)
    const hidden = new Set(this.#deleting)
    this.#changes = new Map()
    this.#mustList = false
    try {
      const listed = await listDated(this.#client, { known, signal: this.#closing.signal })
      const files = new Map([...listed].filter(([name]) => !hidden.has(name)))
      if (!this.#files || !sameFiles(files, this.#files)) this.#mustWrite = true
      this.#files = files
    } catch (error) {
      this.#mustList = true
      this.#changes = new Map([...earlier, ...this.#changes])
      throw error
    }
  }

  /** Wait for the work, but not for ever, and not after an abort: whoever waits goes on without it then. */
  async #patiently(work: Promise<void>, signal?: AbortSignal): Promise<void> {
    const { patienceMs = 10_000 } = this.#options
    await within(work, { ms: patienceMs, signal }).catch(() => {})
  }
}

function apply(files: FileMap | undefined, changes: ReadonlyMap<string, LtxFileInfo | undefined>): FileMap {
  const next = new Map(files)
  for (const [name, info] of changes) {
    if (info) next.set(name, info)
    else next.delete(name)
  }
  return next
}
