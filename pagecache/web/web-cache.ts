import type { MaybePage, PageStore, StoredPage } from '../page-store.ts'
import { chunkOf, decodeChunk, encodeChunk } from './chunk.ts'
import { type ChunkName, Directory } from './directory.ts'

export interface WebCacheOptions {
  /** Where `open` finds caches. Default: the runtime's `caches`. */
  readonly caches?: CacheStorage
  /** Caches of one name are shared by all tabs of an origin. Default `litetap`. */
  readonly name?: string
  /** What it may hold. Default 256 MiB. */
  readonly maxBytes?: number
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
  readonly #cache: Cache
  readonly #maxBytes: number
  readonly #directory: Directory
  #waiting = new Map<string, { readonly name: ChunkName; readonly pages: Map<number, Uint8Array> }>()
  #blobs = new Map<string, Uint8Array>()
  #waitingBytes = 0
  readonly #recent = new Map<string, Promise<ReadonlyMap<number, Uint8Array>>>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #writing: Promise<void> = Promise.resolve()
  /** Nothing is written any more: it was closed, or there is no room at all. */
  #ended = false

  /**
   * @returns undefined where there is none: no secure context, private browsing, switched off
   */
  static async open(options: WebCacheOptions = {}): Promise<WebCache | undefined> {
    try {
      const caches = options.caches ?? globalThis.caches
      const cache = await caches.open(options.name ?? 'litetap')
      const saved = await (await cache.match(DIRECTORY))?.text()
      return new WebCache(cache, Directory.load(saved ?? ''), options.maxBytes ?? DEFAULT_MAX_BYTES)
    } catch {
      return undefined
    }
  }

  private constructor(cache: Cache, directory: Directory, maxBytes: number) {
    this.#cache = cache
    this.#directory = directory
    this.#maxBytes = maxBytes
  }

  read(file: string, pgnos: readonly number[]): MaybePage[] | Promise<MaybePage[]> {
    const known = pgnos.some((pgno) => this.#directory.has({ file, chunk: chunkOf(pgno) }))
    if (!known) return pgnos.map(() => undefined)
    return this.#read(file, pgnos)
  }

  write(file: string, pages: Iterable<StoredPage>): void {
    if (this.#ended) return
    for (const [pgno, page] of pages) {
      if (this.#waitingBytes + page.length > MAX_WAITING_BYTES) break
      const name = { file, chunk: chunkOf(pgno) }
      const url = urlOf(name)
      const group = this.#waiting.get(url) ?? { name, pages: new Map() }
      this.#waiting.set(url, group)
      group.pages.set(pgno, page)
      this.#waitingBytes += page.length
    }
    this.#schedule()
  }

  async readBlob(name: string): Promise<MaybePage> {
    return await this.#match(blobURL(name))
  }

  writeBlob(name: string, bytes: Uint8Array): void {
    if (this.#ended) return
    this.#blobs.set(blobURL(name), bytes)
    this.#schedule()
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

  async #read(file: string, pgnos: readonly number[]): Promise<MaybePage[]> {
    const chunks = [...new Set(pgnos.map(chunkOf))]
    const found = new Map(
      await Promise.all(chunks.map(async (chunk) => [chunk, await this.#chunk({ file, chunk })] as const)),
    )
    return pgnos.map((pgno) => found.get(chunkOf(pgno))?.get(pgno)?.slice())
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
      const reply = await this.#cache.match(url)
      return reply && new Uint8Array(await reply.arrayBuffer())
    } catch {
      return undefined
    }
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => void this.flush(), GATHER_MS)
  }

  async #writeAll(): Promise<void> {
    const [chunks, blobs] = [[...this.#waiting.values()], [...this.#blobs]]
    this.#waiting = new Map()
    this.#blobs = new Map()
    this.#waitingBytes = 0
    if (this.#ended || chunks.length + blobs.length === 0) return
    try {
      for (const { name, pages } of chunks) await this.#writeChunk(name, pages)
      for (const [url, bytes] of blobs) await this.#put(url, bytes)
      const others = await this.#match(DIRECTORY)
      if (others) this.#directory.merge(Directory.load(new TextDecoder().decode(others)))
      await this.#shrink(this.#maxBytes)
      await this.#put(DIRECTORY, new TextEncoder().encode(this.#directory.save()))
    } catch {
      await this.#makeRoom()
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
    await this.#cache.put(url, new Response(bytes as Uint8Array<ArrayBuffer>, { headers }))
  }

  async #shrink(maxBytes: number): Promise<void> {
    for (const name of this.#directory.excess(maxBytes)) {
      this.#directory.delete(name)
      this.#recent.delete(urlOf(name))
      await this.#cache.delete(urlOf(name))
    }
  }

  /** There is no room: half of it goes, and if that does not help nothing is kept any more. */
  async #makeRoom(): Promise<void> {
    try {
      await this.#shrink(this.#directory.totalBytes / 2)
      await this.#put(DIRECTORY, new TextEncoder().encode(this.#directory.save()))
    } catch {
      this.#ended = true
    }
  }
}

function urlOf({ file, chunk }: ChunkName): string {
  return `${ORIGIN}/pages/${encodeURIComponent(file)}/${chunk}`
}

function blobURL(name: string): string {
  return `${ORIGIN}/blobs/${encodeURIComponent(name)}`
}
