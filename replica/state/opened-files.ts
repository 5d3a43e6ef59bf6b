import type { LtxFileInfo } from '../../storage/index.ts'
import { fileKey } from '../core/file-key.ts'
import { type FileFront, type OpenFileContext, openFile, readHead } from './open-file.ts'
import type { OpenedFile } from './snapshot.ts'

/** Files that were opened, to be used again when a state is planned anew. */
export type OpenedFiles = Map<string, Promise<OpenedFile>>

/** Open a file, or take the one that is open already. @throws what `openFile` throws */
export function openOnce(
  info: LtxFileInfo,
  front: FileFront,
  context: OpenFileContext & { readonly opened: OpenedFiles },
): Promise<OpenedFile> {
  const { opened: files } = context
  const key = keyOf(info)
  const known = files.get(key)
  const opened = known
    ? known.then(async (file) =>
        front === 'none' || file.head ? file : { ...file, head: await readHead(info, context) },
      )
    : openFile(info, front, context)
  files.set(key, opened)
  opened.catch(() => {
    if (files.get(key) === opened) files.delete(key)
  })
  return opened
}

/** Take in a file that was opened otherwise. */
export function addOpened(files: OpenedFiles, file: OpenedFile): void {
  files.set(keyOf(file.file.info), Promise.resolve(file))
}

/** Forget all but these. */
export function keepOpened(files: OpenedFiles, infos: readonly LtxFileInfo[]): void {
  const keys = new Set(infos.map(keyOf))
  for (const key of files.keys()) if (!keys.has(key)) files.delete(key)
}

function keyOf(info: LtxFileInfo): string {
  return `${fileKey(info)} ${info.size}`
}
