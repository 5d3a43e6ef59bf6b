import { ownedStream } from './body.ts'
import { isStorageError, StorageError } from './errors.ts'
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
import type { V3File, V3FileInfo, V3Store } from './v3.ts'
import { WrappedReplica } from './wrapped-replica.ts'

export interface RetryOptions {
  /** Attempts in a row without any progress, the first included. Default 4, as upstream's three retries (facts 2.12). */
  readonly attempts?: number
  /** Longest wait before the first retry; doubles with each. Default 250. */
  readonly baseMs?: number
  /** Longest wait at all. Default 10 000. */
  readonly maxMs?: number
  /** Waits; must reject when the signal aborts. */
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>
  /** In [0, 1). */
  readonly random?: () => number
  /** Ends all waiting and retrying. */
  readonly signal?: AbortSignal
  /** Told before each wait. */
  readonly onRetry?: (error: StorageError, attempt: number, waitMs: number) => void
}

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

class RetryingClient extends WrappedReplica implements ReplicaClient {
  readonly lease?: LeaseStore
  readonly listAll?: NonNullable<ReplicaClient['listAll']>
  readonly readPageMap?: NonNullable<ReplicaClient['readPageMap']>
  readonly writeBeside?: NonNullable<ReplicaClient['writeBeside']>
  readonly #client: ReplicaClient
  readonly #options: RetryOptions

  constructor(client: ReplicaClient, options: RetryOptions) {
    super(client, client.v3 && new RetryingV3Store(client.v3, client.url, options))
    this.#client = client
    this.#options = options
    if (client.listAll) this.listAll = (signal) => this.#retry((both) => client.listAll!(both), signal)
    if (client.readPageMap) {
      this.readPageMap = (signal) => this.#retry((both) => client.readPageMap!(both), signal)
    }
    if (client.writeBeside) {
      this.writeBeside = (name, body, signal) => this.#retry((both) => client.writeBeside!(name, body, both), signal)
    }
    const { lease } = client
    if (lease) {
      this.lease = {
        get: (signal) => this.#retry((both) => lease.get(both), signal),
        put: (body, version, signal) => lease.put(body, version, signal),
        delete: (version, signal) => lease.delete(version, signal),
      }
    }
  }

  async *list(level: number, options: ListOptions = {}): AsyncIterable<LtxFileInfo> {
    const backoff = new Backoff(this.#options, options.signal)
    let last: LtxFileInfo | undefined
    for (;;) {
      try {
        const seek: bigint | undefined = last?.minTXID ?? options.seek
        const resumed: ListOptions = { ...options, ...signalOf(backoff), ...(seek !== undefined && { seek }) }
        for await (const file of this.#client.list(level, resumed)) {
          if (last && !isAfter(file, last)) continue
          last = file
          backoff.progress()
          yield file
        }
        return
      } catch (error) {
        await backoff.wait(error)
      }
    }
  }

  open(file: LtxFileName, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    return openResumed((rest) => this.#client.open(file, rest), options, {
      retry: this.#options,
      vanished: (offset) => vanished(`level ${file.level} file ${file.minTXID}-${file.maxTXID}`, this.url, offset),
    })
  }

  async write(file: LtxFileName, body: Uint8Array | ByteStream, options: WriteOptions = {}): Promise<LtxFileInfo> {
    if (!(body instanceof Uint8Array)) return this.#client.write(file, body, options)
    return this.#retry(
      (signal) => this.#client.write(file, body, { ...options, ...(signal && { signal }) }),
      options.signal,
    )
  }

  delete(files: readonly LtxFileName[], signal?: AbortSignal): Promise<void> {
    return this.#retry((both) => this.#client.delete(files, both), signal)
  }

  deleteAll(signal?: AbortSignal): Promise<void> {
    return this.#retry((both) => this.#client.deleteAll(both), signal)
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  #retry<T>(call: (signal: AbortSignal | undefined) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return retried(this.#options, signal, call)
  }
}

/**
 * Make one call, again and again where its error says that it may help.
 * @param call gets the signal that ends it
 * @throws the last call's error; the signal's reason
 */
export function retried<T>(
  options: RetryOptions,
  signal: AbortSignal | undefined,
  call: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const backoff = new Backoff(options, signal)
  return retry(backoff, () => call(backoff.signal))
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
    yield* await retry(backoff, () => Array.fromAsync(this.#store.list(backoff.signal)))
  }

  open(file: V3File, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    const name = `${file.kind} ${file.index}/${file.offset} of generation ${file.generation}`
    return openResumed((rest) => this.#store.open(file, rest), options, {
      retry: this.#options,
      vanished: (offset) => vanished(name, this.#url, offset),
    })
  }
}

/** A read that goes on where it broke off: `open` is called again for what is left. */
async function openResumed(
  open: (rest: OpenOptions) => Promise<ByteStream | undefined>,
  { offset = 0, size = 0, signal }: OpenOptions,
  about: { readonly retry: RetryOptions; readonly vanished: (offset: number) => StorageError },
): Promise<ByteStream | undefined> {
  const backoff = new Backoff(about.retry, signal)
  let delivered = 0
  const reopen = async (): Promise<AsyncIterator<Uint8Array> | undefined> => {
    const rest = { offset: offset + delivered, size: size > 0 ? size - delivered : 0, ...signalOf(backoff) }
    return (await open(rest))?.[Symbol.asyncIterator]()
  }
  let source: AsyncIterator<Uint8Array> | undefined = await retry(backoff, reopen)
  if (!source) return undefined
  const next = async (): Promise<Uint8Array | undefined> => {
    for (;;) {
      try {
        if (!source) {
          if (size > 0 && delivered === size) return undefined
          source = await reopen()
          if (!source) throw about.vanished(offset + delivered)
        }
        const { done, value } = await source.next()
        if (done) return undefined
        delivered += value.length
        backoff.progress()
        return value
      } catch (error) {
        await source?.return?.().catch(() => {})
        source = undefined
        await backoff.wait(error)
      }
    }
  }
  return ownedStream(next, async () => {
    await source?.return?.()
  })
}

async function retry<T>(backoff: Backoff, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      await backoff.wait(error)
    }
  }
}

/** Counts failures in a row and decides whether, and how long, to wait for the next attempt. */
class Backoff {
  readonly signal: AbortSignal | undefined
  readonly #options: RetryOptions
  #failures = 0

  constructor(options: RetryOptions, signal: AbortSignal | undefined) {
    this.#options = options
    this.signal = signal && options.signal ? AbortSignal.any([signal, options.signal]) : (signal ?? options.signal)
  }

  progress(): void {
    this.#failures = 0
  }

  /** Returns when it is time to try again; throws the error when it is not to be. */
  async wait(error: unknown): Promise<void> {
    const { attempts = 4, baseMs = 250, maxMs = 10_000, random = Math.random, sleep = sleepFor } = this.#options
    this.signal?.throwIfAborted()
    this.#failures += 1
    if (!isStorageError(error) || !error.retryable || this.#failures >= attempts) throw error
    const longest = Math.min(maxMs, baseMs * 2 ** (this.#failures - 1))
    const ms = Math.ceil(longest * (0.5 + random() / 2)) // at least half: enough to spread, never at once
    this.#options.onRetry?.(error, this.#failures, ms)
    await sleep(ms, this.signal)
  }
}

function signalOf(backoff: Backoff): { signal?: AbortSignal } {
  return backoff.signal ? { signal: backoff.signal } : {}
}

function isAfter(file: LtxFileName, last: LtxFileName): boolean {
  return file.minTXID > last.minTXID || (file.minTXID === last.minTXID && file.maxTXID > last.maxTXID)
}

function vanished(name: string, url: string, offset: number): StorageError {
  const message = `Cannot go on reading ${name} of ${url}: it was deleted`
  return new StorageError('STORAGE_NOT_FOUND', message, { at: { offset } })
}

function sleepFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const abort = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', abort, { once: true })
  })
}
