import type { LtxFileInfo } from '../../storage/index.ts'
import { layerFile } from './layer-files.ts'
import type { OpenSnapshotContext } from './open-snapshot.ts'
import { openOnce } from './opened-files.ts'
import type { Snapshot } from './snapshot.ts'

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
  const files = await Promise.all(newer.map((info) => openOnce(info, 'recent', context)))
  return files.reduce(layerFile, state)
}
