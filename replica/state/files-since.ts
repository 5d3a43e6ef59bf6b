import type { LtxFileInfo } from '../../storage/index.ts'
import { fileKey } from '../core/file-key.ts'
import { highestTXID } from '../plan/txid-range.ts'
import type { OpenSnapshotContext } from './open-snapshot.ts'
import { openOnce } from './opened-files.ts'
import type { Snapshot } from './snapshot.ts'

/** So many files that came since are applied one by one; more are read as compacted files, by planning anew. */
export const MAX_STEPS = 32

/**
 * The files of level 0 that by their names lead on from a state to the newest one.
 * @param files of level 0, or of all levels
 * @returns undefined when they do not, or are too many: plan anew then
 */
export function filesSince(state: Snapshot, files: readonly LtxFileInfo[]): readonly LtxFileInfo[] | undefined {
  const newer = files.filter(({ level, maxTXID }) => level === 0 && maxTXID > state.txid)
  const goesOn = newer.every(({ minTXID }, i) => minTXID === state.txid + 1n + BigInt(i))
  const arrives = highestTXID(files) === state.txid + BigInt(newer.length)
  return goesOn && arrives && newer.length <= MAX_STEPS ? newer : undefined
}

/** Whether a catalog has a file as it is known. Names alone tell little: a place that was begun anew has the same ones. */
export function isListed({ info }: { readonly info: LtxFileInfo }, files: readonly LtxFileInfo[]): boolean {
  const wanted = listing(info)
  return files.some((file) => file.level === info.level && listing(file) === wanted)
}

/** What a listing says of a file that is the same. */
export function listing(info: LtxFileInfo): string {
  return `${fileKey(info)} ${info.size} ${info.createdAt}`
}

/**
 * Whether files are those that a catalog listed: it has the time in each one's header.
 * @param files that are open
 */
export async function areAsListed(files: readonly LtxFileInfo[], context: OpenSnapshotContext): Promise<boolean> {
  const opened = await Promise.all(files.map((info) => openOnce(info, 'recent', context)))
  return opened.every(({ head }, i) => head.timestamp === files[i]!.createdAt)
}
