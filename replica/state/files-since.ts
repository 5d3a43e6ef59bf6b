import type { LtxFileInfo } from '../../storage/index.ts'
import { highestTXID } from '../plan/txid-range.ts'
import type { Snapshot } from './snapshot.ts'

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
