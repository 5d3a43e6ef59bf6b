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
import { AbsLeaseStore } from './abs-lease-store.ts'
import { AbsConnection } from './connection.ts'
import { deleteBlobs, deletePrefix } from './delete.ts'
import { listLevel, TIMESTAMP_FIELD } from './list.ts'
import { readBlob } from './read.ts'
import { type AbsReplicaOptions, checkAbsOptions } from './settings.ts'
import { putBlob, uploadBlob } from './upload.ts'

/**
 * A replica on Azure Blob Storage: `<path>/ltx/<n>/<name>`, the LTX timestamp kept as blob metadata, which comes with listings.
 * @see facts 2.1, 2.2, 2.7
 */
export class AbsReplica implements ReplicaClient, Observable {
  readonly type = 'abs'
  readonly url: string
  /** Conditions on ETags are atomic. */
  readonly createsExclusively = true
  readonly lease: LeaseStore
  readonly #connection: AbsConnection
  readonly #path: string
  #closed = false

  /** Nothing is sent yet. @throws StorageError STORAGE_BAD_OPTION */
  constructor(options: AbsReplicaOptions) {
    const settings = checkAbsOptions(options)
    this.#connection = new AbsConnection(settings)
    this.#path = settings.path
    this.url = this.#connection.nameOf(settings.path)
    this.lease = new AbsLeaseStore(this.#connection, leaseKey(settings.path))
  }

  async *list(level: number, options: ListOptions = {}): AsyncIterable<LtxFileInfo> {
    this.#check(options.signal)
    yield* listLevel(this.#connection, level, options)
  }

  async open(file: LtxFileName, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    this.#check(options.signal)
    return await readBlob(this.#connection, fileKey(this.#path, file), options)
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
      uploadBlob(this.#connection, whole, {
        key,
        doing: 'write',
        contentType: 'application/octet-stream',
        metadata: { [TIMESTAMP_FIELD]: timestamp },
        tier: 'Hot',
        ...(exclusive && { replaces: { version: undefined } }),
        signal,
      }),
    )
  }

  async delete(files: readonly LtxFileName[], signal?: AbortSignal): Promise<void> {
    this.#check(signal)
    const keys = files.map((file) => fileKey(this.#path, file))
    await deleteBlobs(this.#connection, keys, signal)
  }

  async deleteAll(signal?: AbortSignal): Promise<void> {
    this.#check(signal)
    for (const prefix of replicaPrefixes(this.#path)) await deletePrefix(this.#connection, prefix, signal)
  }

  async writeSidecar(name: SidecarName, body: Uint8Array, signal?: AbortSignal): Promise<void> {
    this.#check(signal)
    await putBlob(this.#connection, body, {
      key: sidecarKey(this.#path, name),
      doing: 'write',
      contentType: sidecarContentType(name),
      cacheControl: 'no-cache',
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
