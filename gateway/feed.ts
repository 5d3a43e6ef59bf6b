import { createHash } from 'node:crypto'
import type { TXID } from '../ltx/index.ts'
import { highestTXID, isReplicaError, planRestore } from '../replica/index.ts'
import { PageMapMaker } from '../replica/published/index.ts'
import {
  encodeCatalog,
  type FileMap,
  type LtxFileInfo,
  type LtxFileName,
  listDated,
  nameKey,
  PageMapKeeper,
  type ReplicaClient,
  sameFiles,
} from '../storage/node.ts'

export interface TxidEvent {
  readonly txid: TXID
  /** Milliseconds since the Unix epoch, by the primary's clock. */
  readonly timestamp: number
}

export interface FeedOptions {
  /** The store is asked for a next transaction at most so often. */
  readonly checkIntervalMs: number
  /** All is listed at most so often, unless something is amiss. */
  readonly listIntervalMs: number
  /** Milliseconds, ascending. */
  readonly now: () => number
  /** Told of checks that fail while somebody listens; they are made again. */
  readonly onError: (error: unknown) => void
}

const LONGEST_PAUSE_MS = 30_000
/** A reader waits for the first page map so long: without one it would ask for the ends of all files. */
const FIRST_MAP_MS = 2000

/**
 * What one database consists of, and what is new: for all who ask, by one look at the store at a time. While nobody asks
 * or listens, nothing is sent.
 *
 * A next transaction is looked for under its name, which is known; only now and then is all listed, for what compaction and
 * retention did.
 */
export class Feed {
  readonly #client: ReplicaClient
  readonly #options: FeedOptions
  readonly #closing = new AbortController()
  readonly #listeners = new Set<(event: TxidEvent) => void>()
  #files: FileMap | undefined
  #newest: TxidEvent | undefined
  #catalog: { readonly body: Uint8Array; readonly etag: string; readonly of: readonly unknown[] } | undefined
  readonly #pageMaps: PageMapKeeper
  #makingMap: Promise<void> | undefined
  #checkedAt = Number.NEGATIVE_INFINITY
  #listedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | undefined
  #watching: Promise<void> | undefined
  /** Look again at once: something was announced, or nobody listens any more. */
  #woken = false
  #endPause: (() => void) | undefined

  constructor(client: ReplicaClient, options: FeedOptions) {
    this.#client = client
    this.#options = options
    this.#pageMaps = new PageMapKeeper(new PageMapMaker(client))
  }

  /** The last transaction known; undefined before the first look, and of an empty replica. */
  get newest(): TxidEvent | undefined {
    return this.#newest
  }

  /** The catalog, at most `checkIntervalMs` old. @throws StorageError */
  async catalog(): Promise<{ readonly body: Uint8Array; readonly etag: string }> {
    await this.refresh(this.#options.checkIntervalMs)
    await this.#makePageMap()
    const files = this.#files!
    const pageMap = this.#pageMaps.of(files)?.entry
    if (this.#catalog?.of[0] === files && this.#catalog.of[1] === pageMap) return this.#catalog
    const body = encodeCatalog({ layout: 'ltx', pageMap, files: [...files.values()] })
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
    this.#catalog = { body, etag, of: [files, pageMap] }
    return this.#catalog
  }

  /** The page map that the catalog names; undefined when it names none. */
  pageMap(): Uint8Array | undefined {
    return this.#files && this.#pageMaps.of(this.#files)?.body
  }

  /** Begin to make a page map if one is due. The first one is worth waiting for a little; later ones are not. */
  async #makePageMap(): Promise<void> {
    const { now } = this.#options
    const files = this.#files!
    if (!this.#makingMap && this.#pageMaps.dueIn(files, now()) === 0) {
      // What is wrong with a file whoever reads it will hear.
      const making = this.#pageMaps.make(files, now()).catch(() => {})
      this.#makingMap = making.then(() => {
        this.#makingMap = undefined
      })
    }
    if (this.#makingMap && !this.#pageMaps.of(files)) await within(FIRST_MAP_MS, this.#makingMap)
  }

  /** A file, if there is one. Asking for what is not there costs the store a look four times a check interval at most. */
  async find(file: LtxFileName): Promise<LtxFileInfo | undefined> {
    const key = nameKey(file)
    const known = this.#files?.get(key)
    if (known) return known
    await this.refresh(this.#options.checkIntervalMs / 4)
    return this.#files!.get(key)
  }

  /** A file that was found is not there any more: list all at the next look. */
  vanished(): void {
    this.#listedAt = Number.NEGATIVE_INFINITY
    this.#checkedAt = Number.NEGATIVE_INFINITY
  }

  /** Look for what is new, unless that was done a moment ago. @throws StorageError */
  async refresh(maxAgeMs: number): Promise<void> {
    if (this.#files && this.#options.now() - this.#checkedAt < maxAgeMs) return
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    await this.#looking
  }

  /** Hear of each transaction from now on, in order. @returns what ends it */
  subscribe(listener: (event: TxidEvent) => void): () => void {
    this.#listeners.add(listener)
    this.#watching ??= this.#watch()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#wake()
    }
  }

  /** The client is not closed: it is its owner's. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#pageMaps.close()
    this.#wake()
    await this.#watching
    await this.#looking?.catch(() => {})
    await this.#makingMap
  }

  async #look(): Promise<void> {
    const { now, listIntervalMs } = this.#options
    const { signal } = this.#closing
    const startedAt = now()
    let files: FileMap
    if (this.#client.listAll) files = byName(await this.#client.listAll(signal))
    else if (this.#files && startedAt - this.#listedAt < listIntervalMs) files = await this.#probe(this.#files)
    else {
      files = await this.#list()
      this.#listedAt = startedAt
    }
    this.#checkedAt = startedAt
    this.#take(files)
  }

  async #list(): Promise<FileMap> {
    const options = { known: this.#files, signal: this.#closing.signal }
    const files = await listDated(this.#client, { ...options, atOnce: true })
    return hasHole(files) ? await listDated(this.#client, { ...options, known: files }) : files
  }

  /** Is the next transaction there? Then list what came since. */
  async #probe(files: FileMap): Promise<FileMap> {
    const { signal } = this.#closing
    const next = (this.#newest?.txid ?? 0n) + 1n
    const stream = await this.#client.open({ level: 0, minTXID: next, maxTXID: next }, { offset: 0, size: 1, signal })
    if (!stream) return files
    await stream[Symbol.asyncIterator]().return?.()
    const more = new Map(files)
    for await (const file of this.#client.list(0, { seek: next, useMetadata: true, signal }))
      more.set(nameKey(file), file)
    return more
  }

  #take(files: FileMap): void {
    if (this.#files && sameFiles(files, this.#files)) return
    const before = this.#files === undefined ? undefined : (this.#newest?.txid ?? 0n)
    this.#files = files
    const all = [...files.values()]
    const highest = highestTXID(all)
    const newest = all.find(({ maxTXID }) => maxTXID === highest)
    this.#newest = newest && { txid: highest, timestamp: newest.createdAt }
    if (before === undefined || highest === before) return
    for (const event of newEvents(all, before, this.#newest)) for (const listener of this.#listeners) listener(event)
  }

  /** Look all the time, as long as somebody listens. */
  async #watch(): Promise<void> {
    const { checkIntervalMs, listIntervalMs, onError } = this.#options
    const { signal } = this.#closing
    const announced = this.#client.watch?.(() => this.#wake())
    let pauseMs = checkIntervalMs
    try {
      while (this.#listeners.size > 0 && !signal.aborted) {
        try {
          await this.refresh(0)
          pauseMs = announced?.live ? listIntervalMs : checkIntervalMs
        } catch (error) {
          if (signal.aborted) return
          onError(error)
          pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(checkIntervalMs, pauseMs * 2))
        }
        if (this.#listeners.size > 0 && !signal.aborted) await this.#pause(pauseMs)
      }
    } finally {
      announced?.close()
      this.#watching = undefined
    }
  }

  #wake(): void {
    this.#woken = true
    this.#endPause?.()
  }

  async #pause(ms: number): Promise<void> {
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms)
        this.#endPause = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.#endPause = undefined
    }
    this.#woken = false
  }
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, enough])
  clearTimeout(timer)
}

function byName(files: readonly LtxFileInfo[]): FileMap {
  return new Map(files.map((file) => [nameKey(file), file]))
}

/** True when the newest state cannot be reached: listed at once, a file that was moved up meanwhile may be missing. */
function hasHole(files: FileMap): boolean {
  const levels: LtxFileInfo[][] = Array.from({ length: 10 }, () => [])
  for (const file of files.values()) levels[file.level]!.push(file)
  if (files.size === 0) return false
  try {
    planRestore(levels)
    return false
  } catch (error) {
    if (isReplicaError(error)) return true
    throw error
  }
}

/** A transaction each; of what is in compacted files only, the last. */
function newEvents(files: readonly LtxFileInfo[], before: TXID, newest: TxidEvent | undefined): TxidEvent[] {
  const single = files.filter(({ level, maxTXID }) => level === 0 && maxTXID > before)
  const events = single.map(({ maxTXID, createdAt }) => ({ txid: maxTXID, timestamp: createdAt }))
  events.sort((a, b) => (a.txid < b.txid ? -1 : 1))
  return newest && newest.txid !== events.at(-1)?.txid ? [...events, newest] : events
}
