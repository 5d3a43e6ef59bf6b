import type { LtxFileInfo } from '../../storage/index.ts'
import { fileKey } from '../core/file-key.ts'
import { type FileFront, type OpenFileContext, openFile } from './open-file.ts'
import type { OpenedFile } from './snapshot.ts'

/** A file that is open, or being opened for as long as the signal lets. */
interface Opening {
  readonly opened: Promise<OpenedFile>
  readonly signal?: AbortSignal | undefined
}

/** Files that were opened, to be used again when a state is planned anew. */
export type OpenedFiles = Map<string, Opening>

/** Open a file, or take the one that is open already. @throws what `openFile` throws */
export function openOnce(
  info: LtxFileInfo,
  front: FileFront,
  context: OpenFileContext & { readonly opened: OpenedFiles },
): Promise<OpenedFile> {
  const { opened: files, signal } = context
  const key = keyOf(info)
  const known = files.get(key)
  if (known) {
    return known.opened.catch((error) => {
      // Somebody else gave up, and takes nobody along.
      if (known.signal?.aborted && !signal?.aborted) return openOnce(info, front, context)
      throw error
    })
  }
  const opening: Opening = { opened: openFile(info, front, context), signal }
  files.set(key, opening)
  opening.opened.catch(() => {
    if (files.get(key) === opening) files.delete(key)
  })
  return opening.opened
}

/** Take in a file that was opened otherwise. */
export function addOpened(files: OpenedFiles, file: OpenedFile): void {
  files.set(keyOf(file.file.info), { opened: Promise.resolve(file) })
}

/** Forget all but these. */
export function keepOpened(files: OpenedFiles, infos: readonly LtxFileInfo[]): void {
  const keys = new Set(infos.map(keyOf))
  for (const key of files.keys()) if (!keys.has(key)) files.delete(key)
}

/** What a listing says of a file: a place that was begun anew has other files of the same names. */
function keyOf(info: LtxFileInfo): string {
  return `${fileKey(info)} ${info.size} ${info.createdAt}`
}
