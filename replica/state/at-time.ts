import { SNAPSHOT_LEVEL } from '../../ltx/index.ts'
import type { LtxFileInfo } from '../../storage/index.ts'
import type { StateTarget } from '../core/types.ts'
import { type Levels, planRestore } from '../plan/plan-restore.ts'
import { readHead } from './open-file.ts'
import type { OpenSnapshotContext } from './open-snapshot.ts'
import { listAll } from './open-snapshot.ts'

/**
 * The files of an older state.
 *
 * Times are those in the files' headers. A listing of S3 has the time of the upload instead, so headers are read, but
 * only as many as it takes to find the place in each level by bisection: timestamps ascend with TXIDs (facts 11). A
 * catalog has the headers' times.
 *
 * @throws ReplicaError REPLICA_TX_NOT_AVAILABLE, REPLICA_USAGE; StorageError
 */
export async function planAt(target: StateTarget, context: OpenSnapshotContext): Promise<LtxFileInfo[]> {
  const levels = await listAll(context.client, context.account, context.signal)
  const { txid, timestamp } = target
  if (timestamp === undefined || txid !== undefined || context.client.listAll !== undefined)
    return planRestore(levels, target)
  const before = await Promise.all(levels.map((files) => filesBefore(files, timestamp, context)))
  return planRestore(withTimes(before, timestamp), { timestamp })
}

/** The files of a level whose newest transaction was made before a time. */
async function filesBefore(
  files: readonly LtxFileInfo[],
  timestamp: number,
  context: OpenSnapshotContext,
): Promise<readonly LtxFileInfo[]> {
  let low = 0
  let high = files.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const head = await readHead(files[middle]!, context)
    if (head.timestamp < timestamp) low = middle + 1
    else high = middle
  }
  return files.slice(0, low)
}

/** What was found to be before a time is said to be so, whatever the listing said. */
function withTimes(levels: Levels, timestamp: number): Levels {
  return levels
    .slice(0, SNAPSHOT_LEVEL + 1)
    .map((files) => files.map((file) => ({ ...file, createdAt: Math.min(file.createdAt, timestamp - 1) })))
}
