import { writeLtx } from '../body.ts'
import type { SidecarName } from '../catalog.ts'
import { isStorageError, StorageError } from '../errors.ts'
import { fileKey, leaseKey, levelDir } from '../keys.ts'
import { SharedConnection } from '../shared-connection.ts'
import { tryEach } from '../try-each.ts'
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
import { within } from '../within.ts'
import { connectNats, type NatsBucket } from './connect.ts'
import { deleteObject, emptyBucket } from './delete.ts'
import { listLevel, TIMESTAMP_HEADER } from './list.ts'
import { chooseLogin, type NatsLogin } from './login.ts'
import type { NatsErrorContext } from './nats-error.ts'
import { NatsLeaseStore } from './nats-lease-store.ts'
import { readObject } from './read.ts'
import { type NatsReplicaOptions, type NatsSettings, resolveSettings } from './settings.ts'
import { putObject } from './write.ts'

/** Deletions under way together. */
const DELETES_AT_ONCE = 16

/**
 * A replica in an object store of NATS JetStream: objects `ltx/<n>/<name>`, the LTX time as their header (facts 2.1,
 * 2.2, 2.10). One bucket is one replica, and must exist. One connection, which reconnects by itself.
 */
export class NatsReplica implements ReplicaClient {
  readonly type = 'nats'
  readonly url: string
  readonly createsExclusively = true
  readonly lease: LeaseStore
  readonly #settings: NatsSettings
  readonly #login: NatsLogin
  readonly #shared: SharedConnection<NatsBucket>
  #closed = false

  /** Nothing is sent yet. @throws StorageError STORAGE_BAD_OPTION */
  constructor(options: NatsReplicaOptions) {
    this.#settings = resolveSettings(options)
    this.#login = chooseLogin(options)
    this.url = `${options.server}/${options.bucket}`
    this.#shared = new SharedConnection({
      connect: () => this.#connect(),
      end: ({ connection }) => connection.close().catch(() => {}),
    })
    const { timeoutMs } = this.#settings
    const access = {
      timeoutMs,
      bucket: (signal: AbortSignal | undefined) => this.#bucket(signal),
      context: (verb: string, key: string, signal: AbortSignal | undefined) => this.#context(verb, key, signal),
    }
    this.lease = new NatsLeaseStore(access, leaseKey(''))
  }

  async *list(level: number, options: ListOptions = {}): AsyncIterable<LtxFileInfo> {
    const bucket = await this.#bucket(options.signal)
    const context = this.#context('list', levelDir('', level), options.signal)
    try {
      yield* listLevel(bucket, { ...options, level }, context)
    } catch (error) {
      throw this.#distrust(bucket, error)
    }
  }

  async open(file: LtxFileName, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    const key = fileKey('', file)
    const context = this.#context('read', key, options.signal)
    return this.#use(options.signal, (bucket) => readObject(bucket, key, options, context))
  }

  async write(file: LtxFileName, body: Uint8Array | ByteStream, options: WriteOptions = {}): Promise<LtxFileInfo> {
    this.#check(options.signal)
    const key = fileKey('', file)
    return await writeLtx(file, body, key, async ({ body: whole, timestamp }) => {
      const write = {
        name: key,
        headers: { [TIMESTAMP_HEADER]: timestamp },
        timeoutMs: this.#settings.timeoutMs,
        ...(options.exclusive && { only: 'new' as const }),
      }
      const { size } = await this.#use(options.signal, (bucket) =>
        putObject(bucket, whole, write, this.#context('write', key, options.signal)),
      )
      return size
    })
  }

  async delete(files: readonly LtxFileName[], signal?: AbortSignal): Promise<void> {
    await this.#use(signal, (bucket) =>
      tryEach(files, { atOnce: DELETES_AT_ONCE, signal }, (file) => {
        const key = fileKey('', file)
        return deleteObject(bucket, key, this.#context('delete', key, signal))
      }),
    )
  }

  async deleteAll(signal?: AbortSignal): Promise<void> {
    await this.#use(signal, (bucket) => emptyBucket(bucket, this.#context('empty', undefined, signal)))
  }

  async writeSidecar(name: SidecarName, body: Uint8Array, signal?: AbortSignal): Promise<void> {
    const write = { name, timeoutMs: this.#settings.timeoutMs }
    await this.#use(signal, (bucket) => putObject(bucket, body, write, this.#context('write', name, signal)))
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#shared.close()
  }

  /** Do something in the bucket. After a silence its connection is not trusted any more. */
  async #use<T>(signal: AbortSignal | undefined, act: (bucket: NatsBucket) => Promise<T>): Promise<T> {
    const bucket = await this.#bucket(signal)
    try {
      return await act(bucket)
    } catch (error) {
      throw this.#distrust(bucket, error)
    }
  }

  #distrust(bucket: NatsBucket, error: unknown): unknown {
    if (isStorageError(error, 'STORAGE_TIMEOUT')) this.#shared.drop(bucket)
    return error
  }

  async #bucket(signal: AbortSignal | undefined): Promise<NatsBucket> {
    this.#check(signal)
    const { timeoutMs, server } = this.#settings
    const late = (): StorageError =>
      new StorageError('STORAGE_TIMEOUT', `Cannot open ${this.url}: ${server} did not answer in time`)
    // To connect and to ask for the bucket have a limit of their own each.
    return within(this.#shared.get(), { ms: 4 * timeoutMs, signal, late })
  }

  async #connect(): Promise<NatsBucket> {
    const bucket = await connectNats(this.#settings, this.#login)
    void bucket.connection.closed().then(() => this.#shared.drop(bucket))
    return bucket
  }

  #context(verb: string, key: string | undefined, signal: AbortSignal | undefined): NatsErrorContext {
    const { bucket, server } = this.#settings
    return { verb, bucket, server, signal, ...(key !== undefined && { key }) }
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted()
    if (this.#closed) throw new StorageError('STORAGE_CLOSED', `${this.url} has been closed`)
  }
}
