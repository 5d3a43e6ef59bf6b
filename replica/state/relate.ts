import { SNAPSHOT_LEVEL, type TXID } from '../../ltx/index.ts'
import type { LtxFileName } from '../../storage/index.ts'
import type { OpenSnapshotContext } from './open-snapshot.ts'
import { openOnce } from './opened-files.ts'
import { FileGone } from './range-reader.ts'
import type { Snapshot } from './snapshot.ts'
import { isThere, type ProofContext, type Standing, standingOf } from './standing.ts'

/**
 * What a state that was planned from listings is to one that was known before. TXIDs cannot tell: they begin again in a
 * place that was emptied, or set back to the past, and listings may be old.
 *
 * @param known of `base`, where that is known for good: 'other'
 * @returns `found`, in the history of `base` where that is proved; `base` itself where that is still the newest, or where
 *   nothing proves that it is not
 * @throws StorageError, ReplicaError
 */
export async function relate(
  base: Snapshot,
  found: Snapshot,
  context: OpenSnapshotContext,
  known?: Standing,
): Promise<Snapshot> {
  let standing = known
  if (standing !== 'other') {
    // After all that `found` is made of has been read.
    context.account.roundTrip()
    standing = await standingOf(base, context)
  }
  if (standing === 'there') return found.txid < base.txid ? base : found.inHistoryOf(base)
  if (standing === 'other') return found
  if (found.txid >= base.txid) return (await holdsEndOf(base, found, context)) ? found.inHistoryOf(base) : found
  return (await isNewest(found, base, context)) ? found : base
}

/** A compacted file has the time of the last one that went into it (facts 1.9): one that ends where `base` did is its own. */
async function holdsEndOf(base: Snapshot, found: Snapshot, context: OpenSnapshotContext): Promise<boolean> {
  const end = found.files().find(({ info: { level, maxTXID } }) => {
    return level > 0 && level < SNAPSHOT_LEVEL && maxTXID === base.txid
  })
  if (end === undefined) return false
  try {
    return (await openOnce(end.info, 'header', context)).head.timestamp === base.timestamp
  } catch (error) {
    if (error instanceof FileGone) return false // it proves nothing any more
    throw error
  }
}

/**
 * Whether a place ends with `found`, though it once went further: it is another history then. The newest file of level 0
 * is never deleted, and none before those that are older (facts 5): so a file that is there after the next one was not
 * there is the newest.
 */
async function isNewest(found: Snapshot, base: Snapshot, context: ProofContext): Promise<boolean> {
  context.account.roundTrip()
  if (await isThere(levelZero(found.txid + 1n), context)) return false
  context.account.roundTrip()
  if (found.newest.info.level === 0) return (await standingOf(found, context)) === 'there'
  if (await isThere(levelZero(found.txid), context)) return true
  return found.timestamp > base.timestamp // a place without a level 0: by the times, which ascend with TXIDs (facts 11)
}

function levelZero(txid: TXID): LtxFileName {
  return { level: 0, minTXID: txid, maxTXID: txid }
}
