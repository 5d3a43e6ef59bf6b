import {
  type ByteStream,
  type ListOptions,
  type LtxFileInfo,
  type LtxFileName,
  type OpenOptions,
  type ReplicaClient,
  StorageError,
} from '../../storage/index.ts'

/** How often what goes wrong, of 1. */
export interface Hostility {
  /** A request fails as with HTTP 503. */
  readonly fails: number
  /** A body ends early, without an error. */
  readonly truncates: number
  /** A listing is an old one. */
  readonly lists: number
  /** Most turns of the event loop that a request takes: answers come in any order. */
  readonly delay: number
}

/** A replica client over one that is well, as seen through a bad network: all of it drawn from `random`. */
export class HostileStorage implements ReplicaClient {
  readonly type = 'memory'
  readonly createsExclusively = false
  /** Set to undefined, everything goes well. */
  hostility: Hostility | undefined
  readonly #client: ReplicaClient
  readonly #random: () => number
  /** What listings gave before, by level. */
  readonly #listings = new Map<number, LtxFileInfo[][]>()

  constructor(client: ReplicaClient, random: () => number, hostility: Hostility) {
    this.#client = client
    this.#random = random
    this.hostility = hostility
  }

  get url(): string {
    return this.#client.url
  }

  async *list(level: number, options: ListOptions = {}): AsyncIterable<LtxFileInfo> {
    await this.#delay()
    this.#fail()
    const now = await Array.fromAsync(this.#client.list(level))
    const before = this.#listings.get(level) ?? []
    this.#listings.set(level, [...before, now].slice(-4))
    const stale = this.#happens('lists') ? before[Math.floor(this.#random() * before.length)] : undefined
    const { seek = 0n } = options
    yield* (stale ?? now).filter(({ minTXID }) => minTXID >= seek)
  }

  async open(file: LtxFileName, options?: OpenOptions): Promise<ByteStream | undefined> {
    await this.#delay()
    this.#fail()
    const stream = await this.#client.open(file, options)
    return stream && this.#body(stream)
  }

  async *#body(stream: ByteStream): ByteStream {
    const cut = this.#happens('truncates')
    for await (const chunk of stream) {
      await this.#delay()
      if (!cut) yield chunk
      else {
        yield chunk.subarray(0, Math.floor(this.#random() * chunk.length))
        return
      }
    }
  }

  write(...args: Parameters<ReplicaClient['write']>): ReturnType<ReplicaClient['write']> {
    return this.#client.write(...args)
  }

  delete(...args: Parameters<ReplicaClient['delete']>): Promise<void> {
    return this.#client.delete(...args)
  }

  deleteAll(signal?: AbortSignal): Promise<void> {
    return this.#client.deleteAll(signal)
  }

  async close(): Promise<void> {}

  #happens(what: 'fails' | 'truncates' | 'lists'): boolean {
    return this.hostility !== undefined && this.#random() < this.hostility[what]
  }

  #fail(): void {
    if (this.#happens('fails')) {
      throw new StorageError('STORAGE_SERVER_ERROR', 'The server is overloaded', { at: { status: 503 } })
    }
  }

  async #delay(): Promise<void> {
    if (this.hostility === undefined) return
    const turns = Math.floor(this.#random() * this.hostility.delay)
    for (let i = 0; i < turns; i++) await Promise.resolve()
  }
}
