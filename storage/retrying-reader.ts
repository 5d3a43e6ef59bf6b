import { Backoff, type RetryOptions, retried, signalOf } from './backoff.ts'
import { openResumed } from './open-resumed.ts'
import type {
  ByteStream,
  ListOptions,
  LtxFileInfo,
  LtxFileName,
  OpenOptions,
  ReplicaClient,
  WriteOptions,
} from './types.ts'
import type { V3Store } from './v3.ts'
import { WrappedReplica } from './wrapped-replica.ts'

/** Of one in a listing, about. */
const FILE_BYTES = 200
const READ_MS = 120_000

/**
 * A client that tries to read again where the error says that it may help. A read that breaks off is opened again where it
 * stopped, a listing goes on after the last file it gave: nothing is delivered twice, nothing is left out. Writes are made
 * once: who only reads need not load what else there is (`withRetry`).
 */
export class RetryingReader extends WrappedReplica implements ReplicaClient {
  readonly listAll?: NonNullable<ReplicaClient['listAll']>
  readonly readPageMap?: NonNullable<ReplicaClient['readPageMap']>
  readonly #client: ReplicaClient
  readonly #reading: RetryOptions

  constructor(client: ReplicaClient, options: RetryOptions = {}, v3?: V3Store) {
    super(client, v3)
    const reading = forReading(options)
    this.#client = client
    this.#reading = reading
    if (client.listAll) this.listAll = (signal) => retried(reading, signal, (both) => client.listAll!(both))
    if (client.readPageMap) this.readPageMap = (signal) => retried(reading, signal, (both) => client.readPageMap!(both))
  }

  async *list(level: number, options: ListOptions = {}): AsyncIterable<LtxFileInfo> {
    const backoff = new Backoff(this.#reading, options.signal)
    let last: LtxFileInfo | undefined
    for (;;) {
      const seek: bigint | undefined = last?.minTXID ?? options.seek
      const resumed: ListOptions = { ...options, ...signalOf(backoff), ...(seek !== undefined && { seek }) }
      const files = this.#client.list(level, resumed)[Symbol.asyncIterator]()
      try {
        for (;;) {
          const { done, value: file } = await backoff.patience.count(files.next())
          if (done) return
          if (last && !isAfter(file, last)) continue
          last = file
          backoff.progress(FILE_BYTES)
          yield file
        }
      } catch (error) {
        await backoff.wait(error)
      } finally {
        await files.return?.()
      }
    }
  }

  open(file: LtxFileName & { readonly size?: number }, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    return openResumed((rest) => this.#client.open(file, rest), options, {
      retry: this.#reading,
      listedSize: file.size,
      name: `level ${file.level} file ${file.minTXID}-${file.maxTXID} of ${this.url}`,
    })
  }

  write(file: LtxFileName, body: Uint8Array | ByteStream, options?: WriteOptions): Promise<LtxFileInfo> {
    return this.#client.write(file, body, options)
  }

  delete(files: readonly LtxFileName[], signal?: AbortSignal): Promise<void> {
    return this.#client.delete(files, signal)
  }

  deleteAll(signal?: AbortSignal): Promise<void> {
    return this.#client.deleteAll(signal)
  }

  close(): Promise<void> {
    return this.#client.close()
  }
}

/** With the limit on time that reading has. */
export function forReading(options: RetryOptions): RetryOptions {
  return { totalMs: READ_MS, ...options }
}

function isAfter(file: LtxFileName, last: LtxFileName): boolean {
  return file.minTXID > last.minTXID || (file.minTXID === last.minTXID && file.maxTXID > last.maxTXID)
}
