import { ownedStream } from './body.ts'
import { isObservable, type RequestObserver, type RequestVerb } from './observe.ts'
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
import { WrappedReplica } from './wrapped-replica.ts'

/** What a client has cost so far. A live object: read it, or copy it with `snapshot()`. */
export class RequestCounts {
  readonly requests: Record<RequestVerb, number> = { list: 0, head: 0, get: 0, put: 0, delete: 0, other: 0 }
  /** File bytes given to readers. Listings and headers are not counted. */
  bytesIn = 0
  /** File bytes taken from writers. */
  bytesOut = 0
  inFlight = 0
  maxInFlight = 0

  /** All requests. */
  get total(): number {
    return Object.values(this.requests).reduce((sum, count) => sum + count, 0)
  }

  snapshot(): Record<RequestVerb, number> & { total: number; bytesIn: number; bytesOut: number } {
    return { ...this.requests, total: this.total, bytesIn: this.bytesIn, bytesOut: this.bytesOut }
  }

  /** Count from zero again; what is in flight stays so. */
  reset(): void {
    for (const verb of Object.keys(this.requests) as RequestVerb[]) this.requests[verb] = 0
    this.bytesIn = 0
    this.bytesOut = 0
    this.maxInFlight = this.inFlight
  }
}

/**
 * Count what a client does.
 *
 * Where the client shows its real requests (s3: LIST pages, HEADs, parts, the SDK's own retries) those are counted;
 * elsewhere every call is one request, `lease` included. It changes nothing and keeps nothing.
 */
export function withCounting(client: ReplicaClient): { client: ReplicaClient; counts: RequestCounts } {
  const counts = new RequestCounts()
  const count: RequestObserver = (verb) => {
    counts.requests[verb] += 1
    counts.inFlight += 1
    counts.maxInFlight = Math.max(counts.maxInFlight, counts.inFlight)
    let ended = false
    return () => {
      if (!ended) counts.inFlight -= 1
      ended = true
    }
  }
  const real = isObservable(client)
  if (real) client.observe(count)
  return { client: new CountingClient(client, counts, real ? () => () => {} : count), counts }
}

class CountingClient extends WrappedReplica implements ReplicaClient {
  readonly lease?: LeaseStore
  readonly listAll?: NonNullable<ReplicaClient['listAll']>
  readonly readPageMap?: NonNullable<ReplicaClient['readPageMap']>
  readonly writeBeside?: NonNullable<ReplicaClient['writeBeside']>
  readonly #client: ReplicaClient
  readonly #counts: RequestCounts
  /** Does nothing where the real requests are counted. */
  readonly #count: RequestObserver

  constructor(client: ReplicaClient, counts: RequestCounts, count: RequestObserver) {
    super(client)
    this.#client = client
    this.#counts = counts
    this.#count = count
    if (client.listAll) this.listAll = (signal) => this.#call('get', () => client.listAll!(signal))
    if (client.readPageMap) this.readPageMap = (signal) => this.#call('get', () => client.readPageMap!(signal))
    if (client.writeBeside) {
      this.writeBeside = (name, body, signal) => this.#call('put', () => client.writeBeside!(name, body, signal))
    }
    const { lease } = client
    if (lease) {
      this.lease = {
        get: (signal) => this.#call('get', () => lease.get(signal)),
        put: (body, version, signal) => this.#call('put', () => lease.put(body, version, signal)),
        delete: (version, signal) => this.#call('delete', () => lease.delete(version, signal)),
      }
    }
  }

  async *list(level: number, options?: ListOptions): AsyncIterable<LtxFileInfo> {
    const end = this.#count('list')
    try {
      yield* this.#client.list(level, options)
    } finally {
      end()
    }
  }

  async open(file: LtxFileName, options?: OpenOptions): Promise<ByteStream | undefined> {
    const end = this.#count('get')
    try {
      const stream = await this.#client.open(file, options)
      if (stream) return this.#countStream(stream, end)
    } catch (error) {
      end()
      throw error
    }
    end()
    return undefined
  }

  async write(file: LtxFileName, body: Uint8Array | ByteStream, options?: WriteOptions): Promise<LtxFileInfo> {
    const info = await this.#call('put', () => this.#client.write(file, body, options))
    this.#counts.bytesOut += info.size
    return info
  }

  delete(files: readonly LtxFileName[], signal?: AbortSignal): Promise<void> {
    return this.#call('delete', () => this.#client.delete(files, signal))
  }

  deleteAll(signal?: AbortSignal): Promise<void> {
    return this.#call('delete', () => this.#client.deleteAll(signal))
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  async #call<T>(verb: RequestVerb, call: () => Promise<T>): Promise<T> {
    const end = this.#count(verb)
    try {
      return await call()
    } finally {
      end()
    }
  }

  #countStream(stream: ByteStream, end: () => void): ByteStream {
    const source = stream[Symbol.asyncIterator]()
    const next = async (): Promise<Uint8Array | undefined> => {
      const { done, value } = await source.next()
      if (done) return undefined
      this.#counts.bytesIn += value.length
      return value
    }
    return ownedStream(next, async () => {
      end()
      await source.return?.()
    })
  }
}
