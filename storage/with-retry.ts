import { attempt, Backoff, type RetryOptions, retried } from './backoff.ts'
import { openResumed } from './open-resumed.ts'
import { forReading, RetryingReader } from './retrying-reader.ts'
import type {
  ByteStream,
  LeaseStore,
  LtxFileInfo,
  LtxFileName,
  OpenOptions,
  ReplicaClient,
  WriteOptions,
} from './types.ts'
import type { V3File, V3FileInfo, V3Store } from './v3.ts'

/**
 * A client that tries again where the error says that it may help (`error.retryable`), a bounded number of times, with
 * exponential waits and jitter.
 *
 * A read that breaks off is opened again where it stopped, a listing goes on after the last file it gave: nothing is
 * delivered twice, nothing is left out. A stream that is being written is not retried, it can be read only once; nor
 * are the writes of a lease, whose outcome the holder must judge.
 */
export function withRetry(client: ReplicaClient, options: RetryOptions = {}): ReplicaClient {
  return new RetryingClient(client, options)
}

class RetryingClient extends RetryingReader {
  readonly lease?: LeaseStore
  readonly writeSidecar?: NonNullable<ReplicaClient['writeSidecar']>
  readonly #options: RetryOptions

  constructor(client: ReplicaClient, options: RetryOptions) {
    super(client, options, client.v3 && new RetryingV3Store(client.v3, client.url, forReading(options)))
    this.#options = options
    if (client.writeSidecar) {
      this.writeSidecar = (name, body, signal) =>
        retried(options, signal, (both) => client.writeSidecar!(name, body, both))
    }
    const { lease } = client
    if (lease) {
      this.lease = {
        get: (signal) => retried(forReading(options), signal, (both) => lease.get(both)),
        put: (body, version, signal) => lease.put(body, version, signal),
        delete: (version, signal) => lease.delete(version, signal),
      }
    }
  }

  override async write(
    file: LtxFileName,
    body: Uint8Array | ByteStream,
    options: WriteOptions = {},
  ): Promise<LtxFileInfo> {
    if (!(body instanceof Uint8Array)) return super.write(file, body, options)
    return retried(this.#options, options.signal, (signal) =>
      super.write(file, body, { ...options, ...(signal && { signal }) }),
    )
  }

  override delete(files: readonly LtxFileName[], signal?: AbortSignal): Promise<void> {
    return retried(this.#options, signal, (both) => super.delete(files, both))
  }

  override deleteAll(signal?: AbortSignal): Promise<void> {
    return retried(this.#options, signal, (both) => super.deleteAll(both))
  }
}

/** A listing that fails begins anew, so it is gathered before any of it is given. */
class RetryingV3Store implements V3Store {
  readonly #store: V3Store
  readonly #url: string
  readonly #options: RetryOptions

  constructor(store: V3Store, url: string, options: RetryOptions) {
    this.#store = store
    this.#url = url
    this.#options = options
  }

  async *list(signal?: AbortSignal): AsyncIterable<V3FileInfo> {
    const backoff = new Backoff(this.#options, signal)
    yield* await attempt(backoff, () => Array.fromAsync(this.#store.list(backoff.signal)))
  }

  open(file: V3File & { readonly size?: number }, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    const name = `${file.kind} ${file.index}/${file.offset} of generation ${file.generation} of ${this.#url}`
    return openResumed((rest) => this.#store.open(file, rest), options, {
      retry: this.#options,
      listedSize: file.size,
      name,
    })
  }
}
