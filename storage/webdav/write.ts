import { randomBytes } from 'node:crypto'
import { posix } from 'node:path'
import { isStorageError } from '../errors.ts'
import type { WebdavConnection } from './connection.ts'
import type { Folders } from './folders.ts'
import type { StagedBody } from './staged-body.ts'
import type { WebdavErrorContext } from './webdav-error.ts'

const TYPE = 'application/octet-stream'

export interface WebdavUpload {
  readonly connection: WebdavConnection
  readonly folders: Folders
}

/**
 * Store a file so that it is visible only when complete: PUT under a temporary name, which readers ignore, then MOVE.
 * Its folder is made if need be. The temporary file is removed on failure.
 * @throws StorageError; the signal's reason
 */
export async function uploadFile(to: WebdavUpload, body: StagedBody, context: WebdavErrorContext): Promise<void> {
  const { connection } = to
  const temp = { ...context, path: `${context.path}.${randomBytes(8).toString('hex')}.tmp` }
  try {
    await putFile(to, body, temp, TYPE)
    const headers = { Destination: connection.address(context.path), Overwrite: 'T' }
    await connection.tell({ method: 'MOVE', headers }, { ...temp, verb: context.verb })
  } catch (error) {
    // Not by the caller's signal: it may be what ended the upload.
    await connection.tell({ method: 'DELETE' }, { ...temp, signal: undefined }).catch(() => {})
    throw error
  }
}

/**
 * One PUT. Servers that write into the file itself show a part of it meanwhile.
 * @throws StorageError; the signal's reason
 */
export async function putFile(
  { connection, folders }: WebdavUpload,
  body: StagedBody,
  context: WebdavErrorContext,
  type: string,
): Promise<void> {
  const folder = posix.dirname(context.path)
  const put = async (): Promise<void> => {
    await folders.make(folder, context.signal)
    const headers = { 'Content-Type': type, 'Content-Length': String(body.size) }
    await connection.tell({ method: 'PUT', headers, body: body.open() }, context)
  }
  // A large body cannot be sent a second time by the library when the server asks for another kind of login.
  if (!body.inMemory) await folders.ask(folder, context.signal)
  try {
    await put()
  } catch (error) {
    // Somebody may have removed the folder since it was made.
    if (!isStorageError(error) || ![404, 409].includes(error.at.status ?? 0)) throw error
    folders.forget()
    await put()
  }
}
