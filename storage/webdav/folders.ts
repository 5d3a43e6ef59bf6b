import { posix } from 'node:path'
import { StorageError } from '../errors.ts'
import { drain, type WebdavConnection } from './connection.ts'
import { statusOf, type WebdavErrorContext, webdavError } from './webdav-error.ts'

/** The folders of a replica: made when they are first needed, then taken for granted. */
export class Folders {
  readonly #connection: WebdavConnection
  readonly #made = new Set<string>()

  constructor(connection: WebdavConnection) {
    this.#connection = connection
  }

  /** Make a folder and its missing parents. @throws StorageError; the signal's reason */
  async make(path: string, signal: AbortSignal | undefined): Promise<void> {
    if (path === '/' || this.#made.has(path)) return
    // With the slash: some servers answer with a redirect without.
    const context = this.#context('make folder', `${path}/`, signal)
    const mkcol = async (): Promise<number | undefined> => {
      try {
        const { status, body } = await this.#connection.send({ method: 'MKCOL' }, context)
        drain(body)
        return status
      } catch (error) {
        const status = statusOf(error)
        if (status === 405) return status // it is there
        if (status === 409) return status // its parent is not
        throw webdavError(error, context)
      }
    }
    if ((await mkcol()) === 409) {
      await this.make(posix.dirname(path), signal)
      if ((await mkcol()) === 409) throw noParent(context)
    }
    this.#made.add(path)
  }

  /** A small question, by which the library learns how the server wants to be logged in to. */
  async ask(path: string, signal: AbortSignal | undefined): Promise<void> {
    const context = this.#context('look at', path, signal)
    try {
      drain((await this.#connection.send({ method: 'OPTIONS' }, context)).body)
    } catch (error) {
      if (statusOf(error) === undefined || statusOf(error) === 401) throw webdavError(error, context)
    }
  }

  /** They may be gone. */
  forget(): void {
    this.#made.clear()
  }

  #context(verb: string, path: string, signal: AbortSignal | undefined): WebdavErrorContext {
    return { verb, path, endpoint: this.#connection.settings.endpoint, signal }
  }
}

function noParent({ endpoint, path }: WebdavErrorContext): StorageError {
  const message = `Cannot make folder ${endpoint}${path}: the server does not see the folder it belongs in (409)`
  return new StorageError('STORAGE_REFUSED', message, { at: { key: path, endpoint, status: 409 } })
}
