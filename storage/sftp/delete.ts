import { tryEach } from '../try-each.ts'
import { readFolder } from './folder.ts'
import type { SftpSession } from './session.ts'
import { isAbsent, type SftpErrorContext, sftpError } from './sftp-error.ts'

/** Requests under way together. */
const AT_ONCE = 32

/**
 * Delete files; absent ones are fine. Every file is tried before a failure is thrown.
 * @throws StorageError the first failure
 */
export async function deleteFiles(
  session: SftpSession,
  paths: readonly string[],
  context: Omit<SftpErrorContext, 'path'>,
): Promise<void> {
  await tryEach(paths, { atOnce: AT_ONCE, signal: context.signal }, async (path) => {
    try {
      await session.request<void>((sftp, answer) => sftp.unlink(path, answer), context.signal)
    } catch (error) {
      if (!isAbsent(error)) throw sftpError(error, { ...context, path })
    }
  })
}

/** Empty a folder, with all folders below; the folder itself stays. */
export async function emptyFolder(session: SftpSession, context: SftpErrorContext): Promise<void> {
  const { path, signal } = context
  const entries = await readFolder(session, path, signal).catch((error) => {
    throw sftpError(error, context)
  })
  const inside = entries.map(({ filename, attrs }) => ({ path: `${path}/${filename}`, folder: attrs.isDirectory() }))
  const files = inside.filter(({ folder }) => !folder)
  await deleteFiles(
    session,
    files.map((file) => file.path),
    context,
  )
  for (const { path: below, folder } of inside) {
    if (!folder) continue
    await emptyFolder(session, { ...context, path: below })
    await session
      .request<void>((sftp, answer) => sftp.rmdir(below, answer), signal)
      .catch((error) => {
        if (!isAbsent(error)) throw sftpError(error, { ...context, path: below })
      })
  }
}
