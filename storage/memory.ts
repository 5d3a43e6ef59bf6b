import { parseFilename } from '../ltx/index.ts'
import { copyOf, ownedStream, readAll, writeLtx } from './body.ts'
import { type SidecarName, sidecarKey } from './catalog.ts'
import { StorageError } from './errors.ts'
import { fileKey, joinPath, leaseKey, levelDir } from './keys.ts'
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

/** One object of a memory bucket. */
export interface MemoryObject {
  readonly bytes: Uint8Array
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number
}

/** Objects by key; several replicas may share one. */
export type MemoryBucket = Map<string, MemoryObject>

export interface MemoryReplicaOptions {
  /** Where the objects live. Default: a fresh one. */
  readonly bucket?: MemoryBucket
  /** Prefix of this replica within the bucket. Default: none. */
  readonly path?: string
}

/** A replica that lives in this process and is gone with it. Keys as on a file system: `<path>/ltx/<n>/<name>`. */
export class MemoryReplica implements ReplicaClient {
  readonly type = 'memory'
  readonly url: string
  readonly createsExclusively = true
  readonly lease: LeaseStore
  readonly bucket: MemoryBucket
  readonly #path: string
  #closed = false

  constructor(options: MemoryReplicaOptions = {}) {
    this.bucket = options.bucket ?? new Map()
    this.#path = options.path ?? ''
    this.url = `memory:${this.#path}`
    this.lease = new MemoryLeaseStore(this.bucket, leaseKey(this.#path))
  }

  async *list(level: number, options: ListOptions = {}): AsyncIterable<LtxFileInfo> {
    this.#check(options.signal)
    const prefix = `${levelDir(this.#path, level)}/`
    const names = [...this.bucket.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))
    for (const name of names.sort()) {
      const txids = parseFilename(name)
      const object = this.bucket.get(prefix + name)
      if (!txids || !object || txids.minTXID < (options.seek ?? 0n)) continue
      this.#check(options.signal)
      yield { level, ...txids, size: object.bytes.length, createdAt: object.createdAt }
    }
  }

  async open(file: LtxFileName, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    this.#check(options.signal)
    const object = this.bucket.get(fileKey(this.#path, file))
    if (!object) return undefined
    const offset = options.offset ?? 0
    let rest: Uint8Array | undefined = object.bytes.slice(offset, options.size ? offset + options.size : undefined)
    const next = async (): Promise<Uint8Array | undefined> => {
      options.signal?.throwIfAborted()
      const chunk = rest
      rest = undefined
      return chunk && chunk.length > 0 ? chunk : undefined
    }
    return ownedStream(next, async () => {})
  }

  async write(file: LtxFileName, body: Uint8Array | ByteStream, options: WriteOptions = {}): Promise<LtxFileInfo> {
    this.#check(options.signal)
    const key = fileKey(this.#path, file)
    return await writeLtx(file, body, key, async ({ body: whole, createdAt }) => {
      const bytes = whole instanceof Uint8Array ? copyOf(whole) : await readAll(stopAtAbort(whole, options.signal))
      if (options.exclusive && this.bucket.has(key)) {
        throw new StorageError('STORAGE_PRECONDITION_FAILED', `${key} exists already`, { at: { key } })
      }
      this.bucket.set(key, { bytes, createdAt })
      return bytes.length
    })
  }

  async delete(files: readonly LtxFileName[], signal?: AbortSignal): Promise<void> {
    this.#check(signal)
    for (const file of files) this.bucket.delete(fileKey(this.#path, file))
  }

  async deleteAll(signal?: AbortSignal): Promise<void> {
    this.#check(signal)
    const prefix = this.#path === '' ? '' : `${joinPath(this.#path)}/`
    for (const key of [...this.bucket.keys()]) if (key.startsWith(prefix)) this.bucket.delete(key)
  }

  async writeSidecar(name: SidecarName, body: Uint8Array, signal?: AbortSignal): Promise<void> {
    this.#check(signal)
    this.bucket.set(sidecarKey(this.#path, name), { bytes: copyOf(body), createdAt: Date.now() })
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted()
    if (this.#closed) throw new StorageError('STORAGE_CLOSED', `${this.url} has been closed`)
  }
}

/** A new replica in memory. */
export function memoryReplica(options: MemoryReplicaOptions = {}): MemoryReplica {
  return new MemoryReplica(options)
}

async function* stopAtAbort(stream: ByteStream, signal: AbortSignal | undefined): ByteStream {
  for await (const chunk of stream) {
    signal?.throwIfAborted()
    yield chunk
  }
  signal?.throwIfAborted()
}

class MemoryLeaseStore implements LeaseStore {
  readonly #bucket: MemoryBucket
  readonly #key: string

  constructor(bucket: MemoryBucket, key: string) {
    this.#bucket = bucket
    this.#key = key
  }

  async get(signal?: AbortSignal): Promise<{ body: Uint8Array; version: string } | undefined> {
    signal?.throwIfAborted()
    const object = this.#bucket.get(this.#key)
    return object && { body: object.bytes.slice(), version: versionOf(object) }
  }

  async put(body: Uint8Array, version: string | undefined, signal?: AbortSignal): Promise<string> {
    signal?.throwIfAborted()
    const object = this.#bucket.get(this.#key)
    if ((object && versionOf(object)) !== version) throw this.#lost()
    const fresh = { bytes: copyOf(body), createdAt: 0 }
    this.#bucket.set(this.#key, fresh)
    return versionOf(fresh)
  }

  async delete(version: string, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const object = this.#bucket.get(this.#key)
    if (!object) return
    if (versionOf(object) !== version) throw this.#lost()
    this.#bucket.delete(this.#key)
  }

  #lost(): StorageError {
    return new StorageError('STORAGE_PRECONDITION_FAILED', `${this.#key} was changed by somebody else`, {
      at: { key: this.#key },
    })
  }
}

/** Shared, so that replicas over one bucket agree. Keyed by value: an object put by hand is a new version too. */
const versions = new WeakMap<MemoryObject, string>()
let lastVersion = 0

function versionOf(object: MemoryObject): string {
  const known = versions.get(object)
  if (known !== undefined) return known
  lastVersion += 1
  versions.set(object, String(lastVersion))
  return String(lastVersion)
}
