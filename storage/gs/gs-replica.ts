import { writeLtx } from '../body.ts'
import { type SidecarName, sidecarContentType, sidecarKey } from '../catalog.ts'
import { StorageError } from '../errors.ts'
import { fileKey, leaseKey, replicaPrefixes } from '../keys.ts'
import type { Observable, RequestObserver } from '../observe.ts'
import type {
  ByteStream,
  LeaseStore,
  ListOptions,
  LtxFileInfo,
  LtxFileName,
  OpenOptions,
  ReplicaClient,
  WriteOptions,
} from '../types.ts'
import { GsConnection } from './connection.ts'
import { deleteObjects, deletePrefix } from './delete.ts'
import { GsLeaseStore } from './gs-lease-store.ts'
import { listLevel } from './list.ts'
import { readObject } from './read.ts'
import { checkGsOptions, type GsReplicaOptions } from './settings.ts'
import { putObject, uploadObject } from './upload.ts'

/**
 * A replica on Google Cloud Storage: `<path>/ltx/<n>/<name>`, the LTX timestamp kept as object metadata, which comes with
 * listings.
 * @see facts 2.1, 2.2, 2.6
 */
export class GsReplica implements ReplicaClient, Observable {
  readonly type = 'gs'
  readonly url: string
  /** Conditions on generations are atomic. */
  readonly createsExclusively = true
  readonly lease: LeaseStore
  readonly #connection: GsConnection
  readonly #path: string
  #closed = false

  /** Nothing is sent yet. @throws StorageError STORAGE_BAD_OPTION */
  constructor(options: GsReplicaOptions) {
    const settings = checkGsOptions(options)
    this.#connection = new GsConnection(settings)
    this.#path = settings.path
    this.url = this.#connection.nameOf(settings.path)
    this.lease = new GsLeaseStore(this.#connection, leaseKey(settings.path))
  }

  async *list(level: number, options: ListOptions = {}): AsyncIterable<LtxFileInfo> {
    this.#check(options.signal)
    yield* listLevel(this.#connection, level, options)
  }

  async open(file: LtxFileName, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    this.#check(options.signal)
    return await readObject(this.#connection, fileKey(this.#path, file), options)
  }

  /**
   * An exclusive write that ends in STORAGE_PRECONDITION_FAILED may have been ours: if the answer is lost, it is sent again
   * and then finds its own object. Who needs to know compares the bytes.
   */
  async write(file: LtxFileName, body: Uint8Array | ByteStream, options: WriteOptions = {}): Promise<LtxFileInfo> {
    const { exclusive, signal } = options
    this.#check(signal)
    const key = fileKey(this.#path, file)
    return await writeLtx(file, body, key, ({ body: whole, timestamp }) =>
      uploadObject(this.#connection, whole, {
        key,
        doing: 'write',
        resource: { contentType: 'application/octet-stream', metadata: { 'litestream-timestamp': timestamp } },
        ifGeneration: exclusive ? '0' : undefined,
        signal,
      }),
    )
  }

  async delete(files: readonly LtxFileName[], signal?: AbortSignal): Promise<void> {
    this.#check(signal)
    const keys = files.map((file) => fileKey(this.#path, file))
    await deleteObjects(this.#connection, keys, signal)
  }

  async deleteAll(signal?: AbortSignal): Promise<void> {
    this.#check(signal)
    for (const prefix of replicaPrefixes(this.#path)) await deletePrefix(this.#connection, prefix, signal)
  }

  async writeSidecar(name: SidecarName, body: Uint8Array, signal?: AbortSignal): Promise<void> {
    this.#check(signal)
    await putObject(this.#connection, body, {
      key: sidecarKey(this.#path, name),
      doing: 'write',
      resource: { contentType: sidecarContentType(name), cacheControl: 'no-cache' },
      signal,
    })
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  observe(observer: RequestObserver): () => void {
    return this.#connection.requests.observe(observer)
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted()
    if (this.#closed) throw new StorageError('STORAGE_CLOSED', `${this.url} has been closed`)
  }
}
