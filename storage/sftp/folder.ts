import { posix } from 'node:path'
import type { FileEntryWithStats } from 'ssh2'
import { StorageError } from '../errors.ts'
import { MAX_FILES, TOO_MANY_HINT } from '../limits.ts'
import type { SftpSession } from './session.ts'
import { hasStatus, isAbsent, STATUS } from './sftp-error.ts'

/** Make a folder and its missing parents. One that is there is left as it is. */
export async function makeFolder(session: SftpSession, path: string): Promise<void> {
  const make = (): Promise<void> => session.request<void>((sftp, answer) => sftp.mkdir(path, answer))
  try {
    await make()
  } catch (error) {
    if (isAbsent(error) && posix.dirname(path) !== path) {
      await makeFolder(session, posix.dirname(path))
      await make().catch((again) => ignoreExisting(session, path, again))
    } else await ignoreExisting(session, path, error)
  }
}

/** What is in a folder, in no order; nothing if there is no such folder. @throws also StorageError STORAGE_TOO_LARGE */
export async function readFolder(
  session: SftpSession,
  path: string,
  signal?: AbortSignal,
): Promise<FileEntryWithStats[]> {
  const entries: FileEntryWithStats[] = []
  let handle: Buffer
  try {
    handle = await session.openHandle((sftp, answer) => sftp.opendir(path, answer), signal)
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
  try {
    // Each answer has a name at least, and a time limit.
    while (entries.length <= MAX_FILES) {
      const some = await session.request<FileEntryWithStats[]>((sftp, answer) => sftp.readdir(handle, answer), signal)
      if (some.length === 0) throw endless(path, 'an answer without a name')
      for (const entry of some) entries.push(entry)
    }
    throw endless(path, `more than ${MAX_FILES} names`)
  } catch (error) {
    if (!hasStatus(error, 1)) throw error // 1 is the end
    return entries
  } finally {
    session.closeHandle(handle)
  }
}

function endless(path: string, what: string): StorageError {
  const message = `Cannot read folder ${path}: the server gives ${what}; ${TOO_MANY_HINT}`
  return new StorageError('STORAGE_TOO_LARGE', message, { at: { key: path } })
}

/** Servers say no more than "failure" where a folder is there already. */
async function ignoreExisting(session: SftpSession, path: string, error: unknown): Promise<void> {
  if (!hasStatus(error, STATUS.FAILURE)) throw error
  const stats = await session.request<{ isDirectory(): boolean }>((sftp, answer) => sftp.stat(path, answer))
  if (!stats.isDirectory()) throw error
}
