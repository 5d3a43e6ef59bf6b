import type { LtxFileInfo } from '../../storage/index.ts'
import { fileKey } from '../core/file-key.ts'
import { type FileFront, type OpenFileContext, openFile } from './open-file.ts'
import type { OpenedFile } from './snapshot.ts'

/**
 * Files that are known to have been in one place together: they were read at one moment, or proved since. The lower one was
 * read before the other.
 */
export interface Batch {
  readonly order: number
}

/** A file that is open, or being opened for as long as the signal lets. */
interface Opening {
  readonly opened: Promise<OpenedFile>
  readonly signal?: AbortSignal | undefined
  batch: Batch
}

/** Files that were opened, to be used again when a state is planned anew. */
export type OpenedFiles = Map<string, Opening>

let batches = 0

/** For what is read from now on. */
export function newBatch(): Batch {
  return { order: ++batches }
}

/** Files that are open were in one place together just now. */
export function joinBatch(files: OpenedFiles, infos: readonly LtxFileInfo[], batch: Batch): void {
  for (const info of infos) {
    const opening = files.get(keyOf(info))
    if (opening) opening.batch = batch
  }
}

/** Of several open files the one that was read first, where they are not of one batch. */
export function firstOfSeveral(files: OpenedFiles, infos: readonly LtxFileInfo[]): LtxFileInfo | undefined {
  const orders = infos.map((info) => files.get(keyOf(info))?.batch.order ?? Number.POSITIVE_INFINITY)
  const first = Math.min(...orders)
  return orders.every((order) => order === first) ? undefined : infos[orders.indexOf(first)]
}

/**
 * Open a file, or take the one that is open already.
 * @param context.batch of what is opened. Default: one of its own
 * @throws what `openFile` throws
 */
export function openOnce(
  info: LtxFileInfo,
  front: FileFront,
  context: OpenFileContext & { readonly opened: OpenedFiles; readonly batch?: Batch },
): Promise<OpenedFile> {
  const { opened: files, signal, batch = newBatch() } = context
  const key = keyOf(info)
  const known = files.get(key)
  if (known) {
    return known.opened.catch((error) => {
      // Somebody else gave up, and takes nobody along.
      if (known.signal?.aborted && !signal?.aborted) return openOnce(info, front, context)
      throw error
    })
  }
  const opening: Opening = { opened: openFile(info, front, context), signal, batch }
  files.set(key, opening)
  opening.opened.catch(() => {
    if (files.get(key) === opening) files.delete(key)
  })
  return opening.opened
}

/** Take in a file that was opened otherwise. */
export function addOpened(files: OpenedFiles, file: OpenedFile): void {
  files.set(keyOf(file.file.info), { opened: Promise.resolve(file), batch: newBatch() })
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
