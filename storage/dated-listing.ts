import { decodeHeader, HEADER_SIZE, isLtxError, SNAPSHOT_LEVEL } from '../ltx/index.ts'
import { readAll } from './body.ts'
import { fileInfoFault } from './file-info-fault.ts'
import type { ListOptions, LtxFileInfo, LtxFileName, ReplicaClient } from './types.ts'

/** Headers read at the same time. */
const CONCURRENCY = 32

/** Files by `nameKey`. */
export type FileMap = ReadonlyMap<string, LtxFileInfo>

export interface DatedListingOptions {
  /** What was listed or written before: those files' times are known. Absent: the store is asked for all. */
  readonly known?: FileMap | undefined
  /**
   * List the levels at once instead of from the lowest up: ten times faster, but a file that is moved up meanwhile may be
   * in no list. Whoever finds a hole lists again.
   */
  readonly atOnce?: boolean
  readonly signal?: AbortSignal | undefined
}

/** True when both are of the same files. */
export function sameFiles(a: FileMap, b: FileMap): boolean {
  return a === b || (a.size === b.size && [...a].every(([name, { size }]) => b.get(name)?.size === size))
}

/** What names a file within its replica. */
export function nameKey({ level, minTXID, maxTXID }: LtxFileName): string {
  return `${level}/${minTXID}-${maxTXID}`
}

/**
 * List all files of a replica, each with its own LTX timestamp. Where a listing does not tell it (facts 2.2), a file has to
 * be asked for it: with `known` that is done for new files only.
 *
 * The levels are listed from the lowest up, one after the other, unless told otherwise: a file that is moved up meanwhile
 * is in one list or in both, never in none.
 * @throws StorageError; the signal's reason
 */
export async function listDated(client: ReplicaClient, options: DatedListingOptions = {}): Promise<FileMap> {
  const { known, atOnce = false, signal } = options
  const levels: Promise<LtxFileInfo[]>[] = []
  for (let level = 0; level <= SNAPSHOT_LEVEL; level++) {
    const listing = listLevel(client, level, { useMetadata: known === undefined, ...(signal && { signal }) })
    levels.push(listing)
    if (!atOnce) await listing
  }
  const listed = (await Promise.all(levels)).flat()
  const files = known ? await date(client, listed, known, signal) : listed
  return new Map(files.map((file) => [nameKey(file), file]))
}

async function listLevel(client: ReplicaClient, level: number, options: ListOptions): Promise<LtxFileInfo[]> {
  const files: LtxFileInfo[] = []
  for await (const file of client.list(level, options)) files.push(file)
  return files
}

/** Files that are gone before they could be asked are left out. */
async function date(
  client: ReplicaClient,
  files: readonly LtxFileInfo[],
  known: FileMap,
  signal: AbortSignal | undefined,
): Promise<LtxFileInfo[]> {
  const dated: (LtxFileInfo | undefined)[] = new Array(files.length)
  let next = 0
  const work = async (): Promise<void> => {
    while (next < files.length) {
      const at = next++
      const file = files[at]!
      const before = known.get(nameKey(file))
      dated[at] = before?.size === file.size ? before : await readTime(client, file, signal)
    }
  }
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, files.length) }, work))
  return dated.filter((file) => file !== undefined)
}

async function readTime(
  client: ReplicaClient,
  file: LtxFileInfo,
  signal: AbortSignal | undefined,
): Promise<LtxFileInfo | undefined> {
  const stream = await client.open(file, { offset: 0, size: HEADER_SIZE, ...(signal && { signal }) })
  if (!stream) return undefined
  try {
    const dated = { ...file, createdAt: decodeHeader(await readAll(stream)).timestamp }
    return fileInfoFault(dated) === undefined ? dated : file
  } catch (error) {
    if (isLtxError(error)) return file // damaged: whoever reads it will say so
    throw error
  }
}
