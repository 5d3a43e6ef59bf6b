import { ownedStream } from './body.ts'
import type { RequestObserver, RequestOutcome, RequestVerb } from './observe.ts'
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

/** Told of file bytes as they pass. */
export interface ByteObserver {
  received(bytes: number): void
  sent(bytes: number): void
}

type End = (outcome: RequestOutcome) => void

/**
 * A client that tells an observer of every call, as if it were one request: for clients that cannot show the real ones.
 * A read is over when its stream is, a listing when it ends or is left. It changes nothing and keeps nothing.
 */
export class ObservedCalls extends WrappedReplica implements ReplicaClient {
  readonly lease?: LeaseStore
  readonly listAll?: NonNullable<ReplicaClient['listAll']>
  readonly readPageMap?: NonNullable<ReplicaClient['readPageMap']>
  readonly writeSidecar?: NonNullable<ReplicaClient['writeSidecar']>
  readonly #client: ReplicaClient
  readonly #observer: RequestObserver
  readonly #bytes: ByteObserver | undefined

  constructor(client: ReplicaClient, observer: RequestObserver, bytes?: ByteObserver) {
    super(client)
    this.#client = client
    this.#observer = observer
    this.#bytes = bytes
    if (client.listAll) this.listAll = (signal) => this.#call('get', () => client.listAll!(signal))
    if (client.readPageMap) {
      this.readPageMap = (signal) =>
        this.#call(
          'get',
          () => client.readPageMap!(signal),
          (body) => body?.length ?? 0,
        )
    }
    if (client.writeSidecar) {
      this.writeSidecar = (name, body, signal) =>
        this.#call(
          'put',
          () => client.writeSidecar!(name, body, signal),
          () => body.length,
        )
    }
    const { lease } = client
    if (lease) {
      this.lease = {
        get: (signal) =>
          this.#call(
            'get',
            () => lease.get(signal),
            (found) => found?.body.length ?? 0,
          ),
        put: (body, version, signal) =>
          this.#call(
            'put',
            () => lease.put(body, version, signal),
            () => body.length,
          ),
        delete: (version, signal) => this.#call('delete', () => lease.delete(version, signal)),
      }
    }
  }

  async *list(level: number, options?: ListOptions): AsyncIterable<LtxFileInfo> {
    const end = this.#observer('list')
    let outcome: RequestOutcome = { bytes: 0 }
    try {
      yield* this.#client.list(level, options)
    } catch (error) {
      outcome = { bytes: 0, error }
      throw error
    } finally {
      end(outcome)
    }
  }

  async open(file: LtxFileName, options?: OpenOptions): Promise<ByteStream | undefined> {
    const end = this.#observer('get')
    try {
      const stream = await this.#client.open(file, options)
      if (stream) return this.#observeStream(stream, end)
    } catch (error) {
      end({ bytes: 0, error })
      throw error
    }
    end({ bytes: 0 })
    return undefined
  }

  async write(file: LtxFileName, body: Uint8Array | ByteStream, options?: WriteOptions): Promise<LtxFileInfo> {
    const info = await this.#call(
      'put',
      () => this.#client.write(file, body, options),
      ({ size }) => size,
    )
    this.#bytes?.sent(info.size)
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

  async #call<T>(verb: RequestVerb, call: () => Promise<T>, bytesOf: (result: T) => number = () => 0): Promise<T> {
    const end = this.#observer(verb)
    try {
      const result = await call()
      end({ bytes: bytesOf(result) })
      return result
    } catch (error) {
      end({ bytes: 0, error })
      throw error
    }
  }

  #observeStream(stream: ByteStream, end: End): ByteStream {
    const source = stream[Symbol.asyncIterator]()
    let bytes = 0
    let failure: { error: unknown } | undefined
    const next = async (): Promise<Uint8Array | undefined> => {
      const { done, value } = await source.next().catch((error) => {
        failure = { error }
        throw error
      })
      if (done) return undefined
      bytes += value.length
      this.#bytes?.received(value.length)
      return value
    }
    return ownedStream(next, async () => {
      end({ bytes, ...failure })
      await source.return?.()
    })
  }
}
