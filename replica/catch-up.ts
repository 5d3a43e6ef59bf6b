import type { LtxFileInfo } from '../storage/index.ts'
import type { OpenSnapshotContext } from './open-snapshot.ts'
import type { Snapshot } from './snapshot.ts'
import { highestTXID } from './txid-range.ts'

/** So many files that came since are applied one by one; more are read as compacted files, by planning anew. */
export const MAX_STEPS = 32

/**
 * The files of level 0 that lead on from a state to the newest one.
 * @param files of level 0, or of all levels
 * @returns undefined when they do not, or are too many: plan anew then
 */
export function filesSince(state: Snapshot, files: readonly LtxFileInfo[]): readonly LtxFileInfo[] | undefined {
  const newer = files.filter(({ level, maxTXID }) => level === 0 && maxTXID > state.txid)
  const goesOn = newer.every(({ minTXID }, i) => minTXID === state.txid + 1n + BigInt(i))
  const arrives = highestTXID(files) === state.txid + BigInt(newer.length)
  return goesOn && arrives && newer.length <= MAX_STEPS ? newer : undefined
}

/**
 * A state after the files that lead on from it, which are opened side by side.
 * @throws FileGone; StorageError, ReplicaError
 */
export async function catchUp(
  state: Snapshot,
  newer: readonly LtxFileInfo[],
  context: OpenSnapshotContext,
): Promise<Snapshot> {
  if (newer.length === 0) return state
  const files = await Promise.all(newer.map((info) => context.opened.open(info, 'header', context)))
  return files.reduce((before, file) => before.with(file), state)
}
