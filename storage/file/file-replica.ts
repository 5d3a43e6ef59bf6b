import { readdir, rm, stat, unlink } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parseFilename } from '../../ltx/index.ts'
import { writeLtx } from '../body.ts'
import { type SidecarName, sidecarKey } from '../catalog.ts'
import { StorageError } from '../errors.ts'
import { fileKey, levelDir } from '../keys.ts'
import { listedFile } from '../listing.ts'
import { NumberedLeaseStore } from '../numbered-lease-store.ts'
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
import { type FileModes, syncDir, writeDurable } from './durable.ts'
import { fileError, hasCode } from './file-error.ts'
import { FileProbe } from './file-probe.ts'
import { FileV3Store } from './file-v3-store.ts'
import { leaseFolder } from './lease-folder.ts'
import { readFile } from './read-file.ts'

export interface FileReplicaOptions extends FileModes {
  /** Folder of the replica; made absolute. It need not exist yet. */
  readonly path: string
}

/** How many files one listing looks at together. */
const STAT_CONCURRENCY = 64

/** A replica in a folder: `<path>/ltx/<n>/<name>`, the LTX timestamp kept as modification time (facts 2.2, 2.11). */
export class FileReplica implements ReplicaClient {
  readonly type = 'file'
  readonly url: string
  readonly lease: LeaseStore
  readonly v3: V3Store
  readonly probe: StoreProbe
  readonly #path: string
  readonly #modes: FileModes
  #hardLinks = true
  #closed = false

  constructor(options: FileReplicaOptions) {
    this.#path = resolve(options.path)
    this.#modes = options
    this.url = `file://${this.#path}`
    this.v3 = new FileV3Store(this.#path)
    this.probe = new FileProbe(this.#path, options)
    this.lease = new NumberedLeaseStore(leaseFolder(this.#path, options))
  }

  /** True until a file system without hard links was met. */
  get createsExclusively(): boolean {
    return this.#hardLinks
  }

  async *list(level: number, options: ListOptions = {}): AsyncIterable<LtxFileInfo> {
    this.#check(options.signal)
    const dir = levelDir(this.#path, level)
    const seek = options.seek ?? 0n
    const names = (await this.#names(dir)).filter((name) => (parseFilename(name)?.minTXID ?? -1n) >= seek).sort()
    for (let at = 0; at < names.length; at += STAT_CONCURRENCY) {
      this.#check(options.signal)
      const some = names.slice(at, at + STAT_CONCURRENCY)
      const infos = await Promise.all(some.map((name) => this.#info(dir, name, level)))
      for (const info of infos) if (info) yield info
    }
  }

  async open(file: LtxFileName, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    this.#check(options.signal)
    return await readFile(fileKey(this.#path, file), options)
  }

  async write(file: LtxFileName, body: Uint8Array | ByteStream, options: WriteOptions = {}): Promise<LtxFileInfo> {
    this.#check(options.signal)
    const path = fileKey(this.#path, file)
    return await writeLtx(file, body, path, async ({ body: whole, createdAt }) => {
      const { size, atomic } = await writeDurable(path, whole, {
        ...this.#modes,
        mtime: createdAt,
        exclusive: options.exclusive ?? false,
        signal: options.signal,
      }).catch((error) => {
        throw fileError(error, 'write', path)
      })
      if (!atomic) this.#hardLinks = false
      return size
    })
  }

  async delete(files: readonly LtxFileName[], signal?: AbortSignal): Promise<void> {
    this.#check(signal)
    const failures: unknown[] = []
    const dirs = new Set<string>()
    for (const file of files) {
      signal?.throwIfAborted()
      const path = fileKey(this.#path, file)
      try {
        await unlink(path)
        dirs.add(dirname(path))
      } catch (error) {
        if (!hasCode(error, 'ENOENT')) failures.push(fileError(error, 'delete', path))
      }
    }
    for (const dir of dirs) await syncDir(dir).catch((error) => failures.push(fileError(error, 'flush folder', dir)))
    if (failures.length > 0) throw failures[0]
  }

  /** Empties the replica's folder; the folder itself stays, as it may be a mount point. */
  async deleteAll(signal?: AbortSignal): Promise<void> {
    this.#check(signal)
    if (this.#path === resolve('/')) {
      throw new StorageError('STORAGE_BAD_OPTION', 'Refused to delete everything below /: it is no replica folder')
    }
    for (const name of await this.#names(this.#path)) {
      signal?.throwIfAborted()
      const path = `${this.#path}/${name}`
      await rm(path, { recursive: true, force: true }).catch((error) => {
        throw fileError(error, 'delete', path)
      })
    }
  }

  async writeSidecar(name: SidecarName, body: Uint8Array, signal?: AbortSignal): Promise<void> {
    this.#check(signal)
    const path = sidecarKey(this.#path, name)
    try {
      await writeDurable(path, body, { ...this.#modes, signal })
    } catch (error) {
      throw fileError(error, 'write', path)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  /** Names in a folder; none if there is no such folder. */
  async #names(dir: string): Promise<string[]> {
    try {
      return await readdir(dir)
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return []
      throw fileError(error, 'read folder', dir)
    }
  }

  /** Undefined for a file that vanished meanwhile, and for a folder that is named like a file. */
  async #info(dir: string, name: string, level: number): Promise<LtxFileInfo | undefined> {
    const path = `${dir}/${name}`
    try {
      const info = await stat(path)
      if (!info.isFile()) return undefined
      const place = { name: dir, at: { key: path } }
      return listedFile(level, name, { size: info.size, createdAt: Math.round(info.mtimeMs), place })
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw fileError(error, 'look at', path)
    }
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted()
    if (this.#closed) throw new StorageError('STORAGE_CLOSED', `${this.url} has been closed`)
  }
}
