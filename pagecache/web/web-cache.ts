import type { MaybePage, PageStore, PageStoreStats, StoredPage } from '../page-store.ts'
import { chunkOf, decodeChunk, encodeChunk } from './chunk.ts'
import { type ChunkName, Directory } from './directory.ts'
import { WebCacheProblem, type WebCacheProblemCode } from './problem.ts'
import { WaitingWrites } from './waiting-writes.ts'

export interface WebCacheOptions {
  /** Where `open` finds caches. Default: the runtime's `caches`. */
  readonly caches?: CacheStorage
  /** Caches of one name are shared by all tabs of an origin. Default `litetap`. */
  readonly name?: string
  /** What it may hold. Default 256 MiB. */
  readonly maxBytes?: number
  /** Told of each kind of problem once, in a turn of its own. Nothing has to be done about it. */
  readonly onProblem?: (problem: WebCacheProblem) => void
}

const DEFAULT_MAX_BYTES = 256 * 1024 * 1024
/** What waits to be stored at most; beyond it pages are dropped. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024
/** Writes are gathered for so long. */
const GATHER_MS = 250
/** Entries need URLs; nobody is asked for these. */
const ORIGIN = 'https://litetap.invalid/1'
const DIRECTORY = `${ORIGIN}/directory`
/** Chunks as they were read last: a page seldom comes alone. */
const RECENT_CHUNKS = 8

/**
 * Pages in the Cache API, of a browser or a Worker: several tabs use one at the same time, and none locks another out.
 * What two write at the same time to one chunk is kept of one of them: it is a cache.
 */
export class WebCache implements PageStore {
  readonly #options: { readonly name: string; readonly maxBytes: number } & Pick<WebCacheOptions, 'onProblem'>
  /** Undefined where there is none. */
  readonly #cache: Cache | undefined
  readonly #directory: Directory
  readonly #waiting = new WaitingWrites(MAX_WAITING_BYTES)
  readonly #recent = new Map<string, Promise<ReadonlyMap<number, Uint8Array>>>()
  readonly #stats = { hits: 0, misses: 0, written: 0, dropped: 0 }
  #timer: ReturnType<typeof setTimeout> | undefined
  #writing: Promise<void> = Promise.resolve()
  /** Nothing is written any more: it was closed, there is none, or no room at all. */
  #ended = false
  #problem: WebCacheProblem | undefined

  /** Where there is none (no secure context, private browsing, switched off) it is one that has and keeps nothing. */
  static async open(options: WebCacheOptions = {}): Promise<WebCache> {
    const { name = 'litetap', maxBytes = DEFAULT_MAX_BYTES, onProblem } = options
    const named = { name, maxBytes, ...(onProblem && { onProblem }) }
    try {
      const caches = options.caches ?? globalThis.caches
      const cache = await caches.open(name)
      const saved = await (await cache.match(DIRECTORY))?.text()
      return new WebCache(cache, Directory.load(saved ?? ''), named)
    } catch (error) {
      const none = new WebCache(undefined, new Directory(), named)
      none.#giveUp(error)
      return none
    }
  }

  private constructor(cache: Cache | undefined, directory: Directory, options: Omit<WebCacheOptions, 'caches'>) {
    const { name = 'litetap', maxBytes = DEFAULT_MAX_BYTES, onProblem } = options
    this.#cache = cache
    this.#directory = directory
    this.#options = { name, maxBytes, ...(onProblem && { onProblem }) }
  }

  read(file: string, pgnos: readonly number[]): MaybePage[] | Promise<MaybePage[]> {
    const known = pgnos.some((pgno) => this.#directory.has({ file, chunk: chunkOf(pgno) }))
    if (known) return this.#read(file, pgnos)
    this.#stats.misses += pgnos.length
    return pgnos.map(() => undefined)
  }

  write(file: string, pages: Iterable<StoredPage>): void {
    if (this.#ended) this.#stats.dropped += [...pages].length
    else {
      this.#stats.dropped += this.#waiting.add(file, pages)
      this.#schedule()
    }
  }

  async readBlob(name: string): Promise<MaybePage> {
    return await this.#match(blobURL(name))
  }

  writeBlob(name: string, bytes: Uint8Array): void {
    if (this.#ended) this.#stats.dropped++
    else {
      this.#waiting.addBlob(blobURL(name), bytes)
      this.#schedule()
    }
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const flushed = this.#writing.then(() => this.#writeAll())
    this.#writing = flushed.catch(() => {})
    await this.#writing
  }

  async close(): Promise<void> {
    await this.flush()
    this.#ended = true
  }

  stats(): PageStoreStats {
    return { ...this.#stats, damaged: 0, usable: !this.#ended, problem: this.#problem }
  }

  async #read(file: string, pgnos: readonly number[]): Promise<MaybePage[]> {
    const chunks = [...new Set(pgnos.map(chunkOf))]
    const found = new Map(
      await Promise.all(chunks.map(async (chunk) => [chunk, await this.#chunk({ file, chunk })] as const)),
    )
    const pages = pgnos.map((pgno) => found.get(chunkOf(pgno))?.get(pgno)?.slice())
    for (const page of pages) this.#stats[page === undefined ? 'misses' : 'hits']++
    return pages
  }

  #chunk(name: ChunkName): Promise<ReadonlyMap<number, Uint8Array>> {
    if (!this.#directory.has(name)) return Promise.resolve(new Map())
    this.#directory.touch(name)
    const url = urlOf(name)
    const pages = this.#recent.get(url) ?? this.#load(name)
    this.#recent.delete(url)
    this.#recent.set(url, pages)
    const [oldest] = this.#recent.keys()
    if (this.#recent.size > RECENT_CHUNKS) this.#recent.delete(oldest!)
    return pages
  }

  async #load(name: ChunkName): Promise<ReadonlyMap<number, Uint8Array>> {
    const bytes = await this.#match(urlOf(name))
    if (bytes === undefined) this.#directory.delete(name) // another tab, or the browser, has let it go
    return new Map(bytes && decodeChunk(bytes))
  }

  async #match(url: string): Promise<MaybePage> {
    try {
      const reply = await this.#cache?.match(url)
      return reply && new Uint8Array(await reply.arrayBuffer())
    } catch {
      return undefined
    }
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => void this.flush(), GATHER_MS)
  }

  async #writeAll(): Promise<void> {
    const { chunks, blobs } = this.#waiting.take()
    const count = chunks.reduce((sum, { pages }) => sum + pages.size, blobs.length)
    if (count === 0) return
    if (this.#ended) {
      this.#stats.dropped += count
      return
    }
    try {
      for (const { name, pages } of chunks) await this.#writeChunk(name, pages)
      for (const [url, bytes] of blobs) await this.#put(url, bytes)
      const others = await this.#match(DIRECTORY)
      if (others) this.#directory.merge(Directory.load(new TextDecoder().decode(others)))
      await this.#shrink(this.#options.maxBytes)
      await this.#put(DIRECTORY, new TextEncoder().encode(this.#directory.save()))
      this.#stats.written += count
    } catch (error) {
      this.#stats.dropped += count
      await this.#makeRoom(error)
    }
  }

  async #writeChunk(name: ChunkName, pages: ReadonlyMap<number, Uint8Array>): Promise<void> {
    const before = await this.#chunk(name)
    const all = new Map([...before, ...pages])
    this.#recent.delete(urlOf(name))
    if (all.size === before.size) return // files never change: it is the same
    const bytes = encodeChunk(all)
    await this.#put(urlOf(name), bytes)
    this.#directory.set(name, bytes.length)
  }

  async #put(url: string, bytes: Uint8Array): Promise<void> {
    const headers = { 'content-type': 'application/octet-stream', 'cache-control': 'max-age=31536000' }
    await this.#cache?.put(url, new Response(bytes as Uint8Array<ArrayBuffer>, { headers }))
  }

  async #shrink(maxBytes: number): Promise<void> {
    for (const name of this.#directory.excess(maxBytes)) {
      this.#directory.delete(name)
      this.#recent.delete(urlOf(name))
      await this.#cache?.delete(urlOf(name))
    }
  }

  /** There is no room: half of it goes, and if that does not help nothing is kept any more. */
  async #makeRoom(cause: unknown): Promise<void> {
    try {
      await this.#shrink(this.#directory.totalBytes / 2)
      await this.#put(DIRECTORY, new TextEncoder().encode(this.#directory.save()))
      this.#report('WEB_CACHE_FULL', cause)
    } catch (error) {
      this.#giveUp(error)
    }
  }

  #giveUp(cause: unknown): void {
    this.#ended = true
    this.#report('WEB_CACHE_UNAVAILABLE', cause)
  }

  /** Each kind once. */
  #report(code: WebCacheProblemCode, cause: unknown): void {
    const { name, onProblem } = this.#options
    const problem = new WebCacheProblem(code, name, cause)
    const again = this.#problem?.code === code
    this.#problem = problem
    if (onProblem && !again) queueMicrotask(() => onProblem(problem)) // what it throws is not the reader's
  }
}

function urlOf({ file, chunk }: ChunkName): string {
  return `${ORIGIN}/pages/${encodeURIComponent(file)}/${chunk}`
}

function blobURL(name: string): string {
  return `${ORIGIN}/blobs/${encodeURIComponent(name)}`
}
