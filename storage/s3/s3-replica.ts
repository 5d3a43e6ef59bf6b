import { writeLtx } from '../body.ts'
import { CATALOG_NAME, PAGE_MAP_NAME, type SidecarName, sidecarKey } from '../catalog.ts'
import { StorageError } from '../errors.ts'
import { leaseKey, s3Key } from '../keys.ts'
import type { Observable, RequestObserver } from '../observe.ts'
import type { StoreProbe } from '../probe.ts'
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
import type { V3Store } from '../v3.ts'
import { ConditionalSupport } from './conditional.ts'
import { S3Connection } from './connection.ts'
import { deleteObjects, deletePrefix } from './delete.ts'
import { listLevel } from './list.ts'
import { readObject } from './read.ts'
import { S3LeaseStore } from './s3-lease-store.ts'
import { S3Probe } from './s3-probe.ts'
import { S3V3Store } from './s3-v3-store.ts'
import { resolveSettings, type S3ReplicaOptions, type S3Settings } from './settings.ts'
import { uploadObject } from './upload.ts'
import { writeSidecar } from './write-sidecar.ts'

/**
 * A replica on S3 or a server that speaks its protocol: `<path>/%04x/<name>`, the LTX timestamp kept as user metadata
 * (facts 2.1, 2.2, 2.4).
 */
export class S3Replica implements ReplicaClient, Observable {
  readonly type: 's3' | 'oss'
  readonly url: string
  /** Absent where conditional writes are known not to be there (OSS). */
  readonly lease?: LeaseStore
  readonly v3: V3Store
  readonly probe: StoreProbe
  readonly #connection: S3Connection
  readonly #support: ConditionalSupport
  #closed = false

  /** Nothing is sent yet. @throws StorageError STORAGE_BAD_OPTION */
  constructor(options: S3ReplicaOptions) {
    const settings = resolveSettings(options)
    this.type = settings.scheme
    this.url = displayURL(settings)
    this.#connection = new S3Connection(settings)
    this.#support = new ConditionalSupport(settings.conditionalWrites)
    this.v3 = new S3V3Store(this.#connection)
    this.probe = new S3Probe(this.#connection)
    if (settings.conditionalWrites) this.lease = new S3LeaseStore(this.#connection, leaseKey(settings.path))
  }

  /** True until the server has refused `If-None-Match: *` (MinIO of 2023, some others). */
  get createsExclusively(): boolean {
    return this.#support.supported
  }

  async *list(level: number, options: ListOptions = {}): AsyncIterable<LtxFileInfo> {
    this.#check(options.signal)
    yield* listLevel(this.#connection, level, options)
  }

  async open(file: LtxFileName, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    this.#check(options.signal)
    return readObject(this.#connection, s3Key(this.#connection.settings.path, file), options)
  }

  /**
   * An exclusive write that ends in STORAGE_PRECONDITION_FAILED may have been ours: if the answer to a PUT is lost, it
   * is sent again and then finds its own object. Who needs to know compares the bytes.
   * Exclusive writes above 8 MiB are only as atomic as the server's completion of multipart uploads.
   */
  async write(file: LtxFileName, body: Uint8Array | ByteStream, options: WriteOptions = {}): Promise<LtxFileInfo> {
    this.#check(options.signal)
    const key = s3Key(this.#connection.settings.path, file)
    return await writeLtx(file, body, key, ({ body: whole, timestamp }) =>
      uploadObject(this.#connection, whole, {
        key,
        timestamp,
        exclusive: options.exclusive ?? false,
        support: this.#support,
        signal: options.signal,
      }),
    )
  }

  async delete(files: readonly LtxFileName[], signal?: AbortSignal): Promise<void> {
    this.#check(signal)
    const { path } = this.#connection.settings
    await deleteObjects(
      this.#connection,
      files.map((file) => s3Key(path, file)),
      signal,
    )
  }

  async deleteAll(signal?: AbortSignal): Promise<void> {
    this.#check(signal)
    const { path } = this.#connection.settings
    await deletePrefix(this.#connection, `${path}/`, signal)
    // Without a path the files' keys begin with a slash, those of what lies beside them do not (`sidecarKey`).
    if (path !== '') return
    const beside = [sidecarKey(path, CATALOG_NAME), sidecarKey(path, PAGE_MAP_NAME)]
    await deleteObjects(this.#connection, beside, signal)
  }

  async writeSidecar(name: SidecarName, body: Uint8Array, signal?: AbortSignal): Promise<void> {
    this.#check(signal)
    await writeSidecar(this.#connection, name, body, signal)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#connection.close()
  }

  observe(observer: RequestObserver): () => void {
    // A wrapper of its own, so that one function may observe twice.
    const own: RequestObserver = (verb) => observer(verb)
    this.#connection.observers.add(own)
    return () => this.#connection.observers.delete(own)
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted()
    if (this.#closed) throw new StorageError('STORAGE_CLOSED', `${this.url} has been closed`)
  }
}

/** What may be shown: where it is, not with what keys. */
function displayURL(settings: S3Settings): string {
  const endpoint = settings.endpoint && `?endpoint=${settings.endpoint}`
  return `${settings.scheme}://${settings.bucket}/${settings.path}${endpoint ?? ''}`
}
