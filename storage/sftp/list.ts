import { HEADER_SIZE } from '../../ltx/index.ts'
import { headerTimestamp, type ListedFile, levelFiles, withTimestamps } from '../listing.ts'
import type { ListOptions, LtxFileInfo } from '../types.ts'
import { readFolder } from './folder.ts'
import { readFile } from './read.ts'
import type { SftpSession } from './session.ts'
import { type SftpErrorContext, sftpError } from './sftp-error.ts'

/** Headers read at the same time. */
const TIMESTAMPS_AT_ONCE = 32

/**
 * Files of one level, ascending. Modification times have whole seconds (facts 2.2): with `useMetadata` each file's own
 * time is read from its header.
 * @param context its path is the level's folder
 */
export async function* listLevel(
  session: SftpSession,
  context: SftpErrorContext,
  { level, seek = 0n, useMetadata, signal }: ListOptions & { readonly level: number },
): AsyncGenerator<LtxFileInfo> {
  const prefix = `${context.path}/`
  const entries = await readFolder(session, context.path, signal).catch((error) => {
    throw sftpError(error, context)
  })
  const objects = entries
    .filter(({ attrs }) => attrs.isFile())
    .map(({ filename, attrs }) => ({ key: prefix + filename, size: attrs.size, lastModified: attrs.mtime * 1000 }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  const place = { name: `sftp://${context.endpoint}${context.path}`, at: { key: context.path } }
  const timestampOf = ({ object }: ListedFile): Promise<number | undefined> =>
    headerTimestamp(() =>
      readFile(session, { ...context, path: object.key }, { size: HEADER_SIZE, ...(signal && { signal }) }),
    )
  for await (const files of levelFiles(pageOf(objects), { level, prefix, seek, place })) {
    if (!useMetadata) for (const { info } of files) yield info
    else yield* await withTimestamps(files, { concurrency: TIMESTAMPS_AT_ONCE, signal, timestampOf })
  }
}

async function* pageOf<T>(page: T): AsyncGenerator<T> {
  yield page
}
