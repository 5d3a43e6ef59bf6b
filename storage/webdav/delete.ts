import { StorageError } from '../errors.ts'
import { drain, type WebdavConnection } from './connection.ts'
import { statusOf, type WebdavErrorContext, webdavError } from './webdav-error.ts'

/**
 * Delete a file, or a folder with all that is in it; an absent one is fine.
 * @throws StorageError STORAGE_DELETE_FAILED if a part of a folder remains; the signal's reason
 */
export async function deletePath(connection: WebdavConnection, context: WebdavErrorContext): Promise<void> {
  const { path, endpoint } = context
  try {
    const { status, body } = await connection.send({ method: 'DELETE' }, context)
    drain(body)
    if (status !== 207) return
    const message = `Cannot delete ${endpoint}${path}: the server could not delete all that is in it`
    throw new StorageError('STORAGE_DELETE_FAILED', message, { at: { key: path, endpoint, status } })
  } catch (error) {
    if (statusOf(error) !== 404) throw webdavError(error, context)
  }
}
