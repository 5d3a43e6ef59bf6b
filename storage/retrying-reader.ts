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

/**
 * A client that tries to read again where the error says that it may help. A read that breaks off is opened again where it
 * stopped, a listing goes on after the last file it gave: nothing is delivered twice, nothing is left out. Writes are made
 * once: who only reads need not load what else there is (`withRetry`).
 */
export class RetryingReader extends WrappedReplica implements ReplicaClient {
  readonly listAll?: NonNullable<ReplicaClient['listAll']>
  readonly readPageMap?: NonNullable<ReplicaClient['readPageMap']>
  readonly #client: ReplicaClient
  readonly #options: RetryOptions

  constructor(client: ReplicaClient, options: RetryOptions = {}, v3?: V3Store) {
    super(client, v3)
    this.#client = client
    this.#options = options
    if (client.listAll) this.listAll = (signal) => this.retry((both) => client.listAll!(both), signal)
    if (client.readPageMap) this.readPageMap = (signal) => this.retry((both) => client.readPageMap!(both), signal)
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

  protected retry<T>(
    call: (signal: AbortSignal | undefined) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    return retried(this.#options, signal, call)
  }
}

function isAfter(file: LtxFileName, last: LtxFileName): boolean {
  return file.minTXID > last.minTXID || (file.minTXID === last.minTXID && file.maxTXID > last.maxTXID)
}
