import { CATALOG_NAME, type Catalog, decodeCatalog, layoutPath } from '../catalog.ts'
import { StorageError } from '../errors.ts'
import type { Observable, RequestObserver } from '../observe.ts'
import type { ByteStream, ListOptions, LtxFileInfo, LtxFileName, OpenOptions, ReplicaClient } from '../types.ts'
import { HttpConnection, type HttpOptions } from './connection.ts'
import { watchEvents } from './events.ts'
import { readRange, readSmall } from './read.ts'

export interface HttpReplicaOptions extends HttpOptions {
  /** Where the replica is: `https://host/path`. A query, as presigned URLs have it, goes with every request. */
  readonly url: string
  /** The server is a gateway (`litetap serve`), which announces new transactions. Default false. */
  readonly events?: boolean
}

/** A replica on any web server: read-only, found through its catalog (`catalog.ts`). */
export class HttpReplica implements ReplicaClient, Observable {
  readonly type = 'http'
  readonly url: string
  readonly createsExclusively = false
  /** Present with the option `events`. */
  readonly watch?: NonNullable<ReplicaClient['watch']>
  readonly #ending = new AbortController()
  readonly #connection: HttpConnection
  #known: { readonly catalog: Catalog; readonly etag: string | null } | undefined
  #closed = false

  /** Nothing is sent yet. @throws StorageError STORAGE_BAD_URL */
  constructor({ url, events = false, ...options }: HttpReplicaOptions) {
    this.#connection = new HttpConnection(url, options)
    this.url = this.#connection.shown
    const { signal } = this.#ending
    if (events) this.watch = (onChange) => watchEvents(this.#connection, onChange, { signal })
  }

  async *list(level: number, options: ListOptions = {}): AsyncIterable<LtxFileInfo> {
    const { seek = 0n, signal } = options
    for (const file of await this.listAll(signal)) if (file.level === level && file.minTXID >= seek) yield file
  }

  async listAll(signal?: AbortSignal): Promise<readonly LtxFileInfo[]> {
    return (await this.#catalog(signal)).files
  }

  async open(file: LtxFileName, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    this.#check(options.signal)
    const { layout } = this.#known?.catalog ?? (await this.#catalog(options.signal))
    return await readRange(this.#connection, layoutPath(layout, file), options)
  }

  write(): Promise<never> {
    return this.#refuse()
  }

  delete(): Promise<never> {
    return this.#refuse()
  }

  deleteAll(): Promise<never> {
    return this.#refuse()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#ending.abort()
  }

  observe(observer: RequestObserver): () => void {
    return this.#connection.observe(observer)
  }

  async #catalog(signal: AbortSignal | undefined): Promise<Catalog> {
    this.#check(signal)
    const etag = this.#known?.etag
    const reply = await readSmall(this.#connection, CATALOG_NAME, { ...(etag && { etag }), signal })
    if (reply === 'unchanged') return this.#known!.catalog
    if (reply === undefined) throw noCatalog(this.url)
    const catalog = decodeCatalog(reply.bytes, `${this.url}/${CATALOG_NAME}`)
    this.#known = { catalog, etag: reply.etag }
    return catalog
  }

  async #refuse(): Promise<never> {
    throw new StorageError('STORAGE_REFUSED', `Cannot write to ${this.url}: a replica is only read over HTTP`)
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted()
    if (this.#closed) throw new StorageError('STORAGE_CLOSED', `${this.url} has been closed`)
  }
}

function noCatalog(url: string): StorageError {
  const message =
    `Cannot open ${url}: there is no ${CATALOG_NAME} below it, and a web server cannot be asked what it has. ` +
    'Write one with `litetap catalog URL` (`litetap replicate -catalog` keeps it current), or correct the URL'
  return new StorageError('STORAGE_NOT_FOUND', message, { at: { key: CATALOG_NAME } })
}
