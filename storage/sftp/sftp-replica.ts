import { writeLtx } from '../body.ts'
import { type SidecarName, sidecarKey } from '../catalog.ts'
import { StorageError } from '../errors.ts'
import { fileKey, levelDir } from '../keys.ts'
import { NumberedLeaseStore } from '../numbered-lease-store.ts'
import { SharedConnection } from '../shared-connection.ts'
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
import { connectSftp } from './connect.ts'
import { deleteFiles, emptyFolder } from './delete.ts'
import { leaseFolder } from './lease-folder.ts'
import { listLevel } from './list.ts'
import { readFile } from './read.ts'
import type { SftpSession } from './session.ts'
import { resolveSettings, type SftpReplicaOptions, type SftpSettings } from './settings.ts'
import type { SftpErrorContext } from './sftp-error.ts'
import { writeFile } from './write.ts'

/**
 * A replica on an SFTP server: `<path>/ltx/<n>/<name>`, the LTX time as modification time in whole seconds
 * (facts 2.1, 2.2, 2.8). One connection for everything, made when it is first needed and again after it broke.
 */
export class SftpReplica implements ReplicaClient {
  readonly type = 'sftp'
  readonly url: string
  readonly lease: LeaseStore
  readonly #settings: SftpSettings
  readonly #connection: SharedConnection<SftpSession>
  #hardLinks = true
  #warned = false
  #closed = false

  /** Nothing is sent yet. @throws StorageError STORAGE_BAD_OPTION */
  constructor(options: SftpReplicaOptions) {
    const settings = resolveSettings(options)
    this.#settings = settings
    this.url = `sftp://${settings.user}@${settings.endpoint}${settings.path}`
    this.#connection = new SharedConnection({
      connect: () => this.#connect(),
      end: async (session) => session.end(),
    })
    this.lease = new NumberedLeaseStore(
      leaseFolder(settings.path, {
        session: (signal) => this.#session(signal),
        context: (verb, path, signal) => this.#context(verb, path, signal),
      }),
    )
  }

  /** True until the server could not make hard links. */
  get createsExclusively(): boolean {
    return this.#hardLinks
  }

  async *list(level: number, options: ListOptions = {}): AsyncIterable<LtxFileInfo> {
    const session = await this.#session(options.signal)
    const context = this.#context('list', levelDir(this.#settings.path, level), options.signal)
    yield* listLevel(session, context, { ...options, level })
  }

  async open(file: LtxFileName, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    const session = await this.#session(options.signal)
    return readFile(session, this.#context('read', fileKey(this.#settings.path, file), options.signal), options)
  }

  async write(file: LtxFileName, body: Uint8Array | ByteStream, options: WriteOptions = {}): Promise<LtxFileInfo> {
    const path = fileKey(this.#settings.path, file)
    this.#check(options.signal)
    return await writeLtx(file, body, path, async ({ body: whole, createdAt }) => {
      const session = await this.#session(options.signal)
      const { size, atomic } = await writeFile(session, this.#context('write', path, options.signal), whole, {
        mtime: createdAt,
        exclusive: options.exclusive ?? false,
        concurrent: this.#settings.concurrentWrites,
      })
      if (!atomic) this.#hardLinks = false
      return size
    })
  }

  async delete(files: readonly LtxFileName[], signal?: AbortSignal): Promise<void> {
    const session = await this.#session(signal)
    const paths = files.map((file) => fileKey(this.#settings.path, file))
    await deleteFiles(session, paths, this.#context('delete', this.#settings.path, signal))
  }

  /** Empties the replica's folder; the folder itself stays. */
  async deleteAll(signal?: AbortSignal): Promise<void> {
    const { path } = this.#settings
    if (path === '/') {
      throw new StorageError('STORAGE_BAD_OPTION', 'Refused to delete everything below /: it is no replica folder')
    }
    const session = await this.#session(signal)
    await emptyFolder(session, this.#context('delete', path, signal))
  }

  async writeSidecar(name: SidecarName, body: Uint8Array, signal?: AbortSignal): Promise<void> {
    const session = await this.#session(signal)
    const context = this.#context('write', sidecarKey(this.#settings.path, name), signal)
    await writeFile(session, context, body, { concurrent: this.#settings.concurrentWrites })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#connection.close()
  }

  async #session(signal: AbortSignal | undefined): Promise<SftpSession> {
    this.#check(signal)
    const { connectTimeoutMs, endpoint } = this.#settings
    const late = (): StorageError =>
      new StorageError('STORAGE_TIMEOUT', `Cannot open ${this.url}: ${endpoint} did not answer in time`)
    // ssh2 has the same limit for its part, the subsystem comes after that.
    return within(this.#connection.get(), { ms: 2 * connectTimeoutMs, signal, late })
  }

  async #connect(): Promise<SftpSession> {
    const { hostKey, endpoint, warn } = this.#settings
    if (!hostKey && !this.#warned) {
      this.#warned = true
      warn(`The host key of ${endpoint} is not verified: anybody could answer in its place; set host-key`)
    }
    const session = await connectSftp(this.#settings)
    session.whenLost(() => this.#connection.drop(session))
    return session
  }

  #context(verb: string, path: string, signal: AbortSignal | undefined): SftpErrorContext {
    const { endpoint, user } = this.#settings
    return { verb, path, endpoint, user, signal }
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted()
    if (this.#closed) throw new StorageError('STORAGE_CLOSED', `${this.url} has been closed`)
  }
}
