import type { Observable, RequestObserver } from '../observe.ts'
import { ReadOnlyReplica } from '../read-only.ts'
import type { ByteStream, ListOptions, LtxFileInfo, LtxFileName, OpenOptions, ReplicaClient } from '../types.ts'
import type { HttpConnection } from './connection.ts'
import type { watchEvents } from './events.ts'
import type { FileFinder } from './finder.ts'
import { readRange } from './read.ts'

/** A replica read over nothing but `fetch`. How its files are found is the finder's matter. */
export class HttpReplica extends ReadOnlyReplica implements ReplicaClient, Observable {
  /** Present where a catalog tells all files. */
  readonly listAll?: (signal?: AbortSignal) => Promise<readonly LtxFileInfo[]>
  /** Present where a catalog may name one. */
  readonly readPageMap?: (signal?: AbortSignal) => Promise<Uint8Array | undefined>
  /** Present where the server is a gateway. */
  readonly watch?: NonNullable<ReplicaClient['watch']>
  readonly #connection: HttpConnection
  readonly #finder: FileFinder

  /**
   * Nothing is sent yet.
   * @param place its `watch`: where the server announces new transactions
   */
  constructor(
    place: { readonly type: string; readonly url: string; readonly watch?: typeof watchEvents | undefined },
    connection: HttpConnection,
    finder: FileFinder,
  ) {
    super(place.type, place.url)
    this.#connection = connection
    this.#finder = finder
    const { watch } = place
    if (watch) this.watch = (onChange) => watch(connection, onChange, { signal: this.ended })
    if (finder.listAll) {
      this.listAll = async (signal) => {
        this.check(signal)
        return await finder.listAll!(signal)
      }
    }
    if (finder.readPageMap) {
      this.readPageMap = async (signal) => {
        this.check(signal)
        return await finder.readPageMap!(signal)
      }
    }
  }

  async *list(level: number, options: ListOptions = {}): AsyncIterable<LtxFileInfo> {
    this.check(options.signal)
    yield* this.#finder.list(level, options)
  }

  async open(file: LtxFileName, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    this.check(options.signal)
    return await readRange(this.#connection, await this.#finder.find(file, options.signal), options)
  }

  override async close(): Promise<void> {
    await super.close()
    this.#connection.close(this.ended.reason)
  }

  observe(observer: RequestObserver): () => void {
    return this.#connection.observe(observer)
  }
}
