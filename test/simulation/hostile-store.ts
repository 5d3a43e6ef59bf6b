import {
  type ByteStream,
  type ListOptions,
  type LtxFileInfo,
  type LtxFileName,
  type OpenOptions,
  type ReplicaClient,
  StorageError,
  type Watch,
} from '../../storage/index.ts'
import type { VirtualTime } from './virtual-time.ts'
import type { WriterModel } from './writer-model.ts'

/** How a store shows what there is: level by level, all at once as a catalog does, or with announcements. */
export type Flavour = 'plain' | 'catalog' | 'watched'

/** How often what goes wrong, of 1. */
export interface Hostility {
  /** A request fails as with HTTP 503. */
  readonly fails: number
  /** The answer never comes; a client gives up in the end. */
  readonly loses: number
  /** A body ends early, without an error. */
  readonly truncates: number
  /** A listing is an old one. */
  readonly stale: number
  /** A file that is there is not found. */
  readonly hides: number
  /** A request that is given up goes on all the same. */
  readonly deaf: number
}

/** Nothing goes wrong. */
export const WELL: Hostility = { fails: 0, loses: 0, truncates: 0, stale: 0, hides: 0, deaf: 0 }
/** Most milliseconds that a request, and a part of a body, take. */
const MOST_MS = 8
/** A few requests, of 1, take so many times longer: what was sent later is answered before. */
const SLOW = 0.04
const SLOWER = 30
const GIVEN_UP_MS = 2000

/** One reader's way to a bucket, over a bad network: all of it drawn from `random`. */
export class HostileStore implements ReplicaClient {
  readonly type = 'memory'
  readonly createsExclusively = false
  readonly url: string
  readonly listAll?: NonNullable<ReplicaClient['listAll']>
  readonly watch?: NonNullable<ReplicaClient['watch']>
  hostility = WELL
  /** Reads sent, of any kind. */
  requests = 0
  readonly #writer: WriterModel
  readonly #time: VirtualTime
  readonly #random: () => number
  readonly #watchers = new Set<() => void>()
  /** What listings gave before, by level; -1 for all. */
  readonly #listings = new Map<number, LtxFileInfo[][]>()

  constructor(options: {
    name: string
    writer: WriterModel
    time: VirtualTime
    random: () => number
    flavour: Flavour
  }) {
    this.url = `memory:${options.name}`
    this.#writer = options.writer
    this.#time = options.time
    this.#random = options.random
    if (options.flavour === 'catalog') this.listAll = (signal) => this.#listAll(signal)
    if (options.flavour === 'watched') this.watch = (onChange) => this.#watch(onChange)
  }

  /** The bucket has changed. */
  announce(): void {
    for (const tell of this.#watchers) void this.#time.sleep(this.#random() * MOST_MS).then(tell)
  }

  async *list(level: number, options: ListOptions = {}): AsyncIterable<LtxFileInfo> {
    await this.#begin(options.signal)
    const files = this.#listed(level, await Array.fromAsync(this.#writer.client.list(level)))
    await this.#wait(MOST_MS, options.signal)
    const { seek = 0n } = options
    yield* files.filter(({ minTXID }) => minTXID >= seek)
  }

  async open(file: LtxFileName, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    await this.#begin(options.signal)
    const { signal, ...range } = options
    const stream = await this.#writer.client.open(file, range)
    await this.#wait(MOST_MS, signal)
    return stream && !this.#happens('hides') ? this.#body(stream, signal) : undefined
  }

  write(...args: Parameters<ReplicaClient['write']>): ReturnType<ReplicaClient['write']> {
    return this.#writer.client.write(...args)
  }

  delete(...args: Parameters<ReplicaClient['delete']>): Promise<void> {
    return this.#writer.client.delete(...args)
  }

  deleteAll(signal?: AbortSignal): Promise<void> {
    return this.#writer.client.deleteAll(signal)
  }

  async close(): Promise<void> {}

  async *#body(stream: ByteStream, signal: AbortSignal | undefined): ByteStream {
    const cut = this.#happens('truncates')
    for await (const chunk of stream) {
      const end = cut ? Math.floor(this.#random() * chunk.length) : chunk.length
      const middle = Math.floor(this.#random() * end)
      for (const part of [chunk.subarray(0, middle), chunk.subarray(middle, end)]) {
        if (part.length > 0) yield part
        if (part.length > 256) await this.#wait(2, signal)
      }
      if (cut) return
    }
  }

  async #listAll(signal: AbortSignal | undefined): Promise<readonly LtxFileInfo[]> {
    await this.#begin(signal)
    const files: LtxFileInfo[] = []
    for (let level = 0; level <= 9; level++) files.push(...(await Array.fromAsync(this.#writer.client.list(level))))
    const listed = this.#listed(-1, files)
    await this.#wait(MOST_MS, signal)
    return listed
  }

  #listed(level: number, now: LtxFileInfo[]): LtxFileInfo[] {
    const before = this.#listings.get(level) ?? []
    this.#listings.set(level, [...before, now].slice(-4))
    const isStale = before.length > 0 && this.watch === undefined && this.#happens('stale')
    return isStale ? before[Math.floor(this.#random() * before.length)]! : now
  }

  #watch(onChange: () => void): Watch {
    this.#watchers.add(onChange)
    return { live: true, close: () => this.#watchers.delete(onChange) }
  }

  async #begin(signal: AbortSignal | undefined): Promise<void> {
    this.requests++
    signal?.throwIfAborted()
    await this.#wait(MOST_MS, signal)
    if (this.#happens('loses')) {
      await this.#wait(GIVEN_UP_MS, signal, 1)
      throw new StorageError('STORAGE_TIMEOUT', 'There was no answer')
    }
    if (this.#happens('fails')) {
      throw new StorageError('STORAGE_SERVER_ERROR', 'The server is overloaded', { at: { status: 503 } })
    }
  }

  #happens(what: keyof Hostility): boolean {
    return this.hostility[what] > 0 && this.#random() < this.hostility[what]
  }

  /** Up to so long, or until the signal. */
  #wait(mostMs: number, given: AbortSignal | undefined, slower = SLOWER): Promise<void> {
    const signal = given && !this.#happens('deaf') ? given : undefined
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          signal?.removeEventListener('abort', abort)
          resolve()
        },
        this.#random() * mostMs * (this.#random() < SLOW ? slower : 1),
      )
      const abort = (): void => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', abort, { once: true })
    })
  }
}
