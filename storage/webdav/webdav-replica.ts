import { writeLtx } from '../body.ts'
import { type SidecarName, sidecarContentType, sidecarKey } from '../catalog.ts'
import { StorageError } from '../errors.ts'
import { fileKey, levelDir } from '../keys.ts'
import { tryEach } from '../try-each.ts'
import type {
  ByteStream,
  ListOptions,
  LtxFileInfo,
  LtxFileName,
  OpenOptions,
  ReplicaClient,
  WriteOptions,
} from '../types.ts'
import { WebdavConnection } from './connection.ts'
import { deletePath } from './delete.ts'
import { Folders } from './folders.ts'
import { listLevel } from './list.ts'
import { readObject } from './read.ts'
import { resolveSettings, type WebdavReplicaOptions } from './settings.ts'
import { stageBody } from './staged-body.ts'
import type { WebdavErrorContext } from './webdav-error.ts'
import { putFile, uploadFile, type WebdavUpload } from './write.ts'

/** Deletions under way together. */
const DELETES_AT_ONCE = 8

/**
 * A replica on a WebDAV server: `<path>/ltx/<n>/<name>`, dated by the server (facts 2.1, 2.2, 2.9).
 * WebDAV's `If-None-Match: *` is not atomic (Apache lets two of eight win), hence no exclusive writes and no lease.
 */
export class WebdavReplica implements ReplicaClient {
  readonly type = 'webdav'
  readonly url: string
  readonly createsExclusively = false
  readonly #path: string
  readonly #to: WebdavUpload
  #closed = false

  /** Nothing is sent yet. @throws StorageError STORAGE_BAD_OPTION */
  constructor(options: WebdavReplicaOptions) {
    const settings = resolveSettings(options)
    const connection = new WebdavConnection(settings)
    this.#path = settings.path
    this.#to = { connection, folders: new Folders(connection) }
    this.url = settings.endpoint.replace(/^http/, 'webdav') + settings.path
  }

  async *list(level: number, options: ListOptions = {}): AsyncIterable<LtxFileInfo> {
    const context = this.#context('list', levelDir(this.#path, level), options.signal)
    yield* listLevel(this.#to.connection, context, { ...options, level })
  }

  async open(file: LtxFileName, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    const context = this.#context('read', fileKey(this.#path, file), options.signal)
    return readObject(this.#to.connection, context, options)
  }

  async write(file: LtxFileName, body: Uint8Array | ByteStream, options: WriteOptions = {}): Promise<LtxFileInfo> {
    const context = this.#context('write', fileKey(this.#path, file), options.signal)
    return await writeLtx(file, body, context.path, async ({ body: whole }) => {
      const staged = await stageBody(whole, options.signal)
      try {
        await uploadFile(this.#to, staged, context)
      } finally {
        await staged.discard()
      }
      return staged.size
    })
  }

  async delete(files: readonly LtxFileName[], signal?: AbortSignal): Promise<void> {
    const context = this.#context('delete', this.#path, signal)
    await tryEach(files, { atOnce: DELETES_AT_ONCE, signal }, (file) =>
      deletePath(this.#to.connection, { ...context, path: fileKey(this.#path, file) }),
    )
  }

  async deleteAll(signal?: AbortSignal): Promise<void> {
    const context = this.#context('delete', this.#path, signal)
    if (this.#path === '/') {
      throw new StorageError('STORAGE_BAD_OPTION', 'Refused to delete everything below /: it is no replica folder')
    }
    this.#to.folders.forget()
    // With the slash it is the folder: some servers answer with a redirect without.
    await deletePath(this.#to.connection, { ...context, path: `${this.#path}/` })
  }

  /** One PUT: a MOVE over a file that exists is, on Apache, a deletion first, after which a reader would find none. */
  async writeSidecar(name: SidecarName, body: Uint8Array, signal?: AbortSignal): Promise<void> {
    const context = this.#context('write', sidecarKey(this.#path === '/' ? '' : this.#path, name), signal)
    await putFile(this.#to, await stageBody(body, signal), context, sidecarContentType(name))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#to.connection.close()
  }

  #context(verb: string, path: string, signal: AbortSignal | undefined): WebdavErrorContext {
    signal?.throwIfAborted()
    if (this.#closed) throw new StorageError('STORAGE_CLOSED', `${this.url} has been closed`)
    return { verb, path, endpoint: this.#to.connection.settings.endpoint, signal }
  }
}
