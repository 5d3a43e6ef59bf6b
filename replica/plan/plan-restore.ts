import type { TXID } from '../../ltx/index.ts'
import { formatTXID, SNAPSHOT_LEVEL } from '../../ltx/index.ts'
import type { LtxFileInfo } from '../../storage/index.ts'
import { ReplicaError } from '../core/errors.ts'
import { better, LevelCursor } from './level-cursor.ts'

/** Every level's files in ascending name order; the position in the outer array is the level, 0 to 9. */
export type Levels = readonly (readonly LtxFileInfo[])[]

/** What to restore: nothing set is the newest state. At most one of the two may be set. */
export interface RestoreTarget {
  /** Exactly this state. */
  readonly txid?: TXID
  /** The newest state made strictly before this time (milliseconds since the Unix epoch). */
  readonly timestamp?: number
}

/** A hole in the TXID sequence: the last TXID before it and the first one after it. */
export interface TxidGap {
  readonly after: TXID
  readonly before: TXID
}

/**
 * Choose the files that, applied in order, give the state asked for (facts 6.2).
 *
 * The plan starts at TXID 1, every file continues or overlaps the one before and reaches further, and it
 * consists of as few files as the listing allows: the newest fitting snapshot, then always the file that
 * reaches furthest.
 *
 * @param levels as listed; levels 1 to 8 count whether or not anybody configured them
 * @returns at least one file
 * @throws ReplicaError REPLICA_TX_NOT_AVAILABLE when the target cannot be reached,
 *   REPLICA_NON_CONTIGUOUS when the newest state is wanted and files lie beyond a hole
 * @see litestream 63225f1 replica.go CalcRestorePlan
 */
export function planRestore(levels: Levels, target: RestoreTarget = {}): LtxFileInfo[] {
  const { txid, timestamp } = target
  if (txid !== undefined && timestamp !== undefined) {
    throw new ReplicaError('REPLICA_USAGE', 'Cannot plan a restore: a TXID and a timestamp exclude each other', {
      at: { txid, timestamp },
    })
  }
  const eligible = eligibleFor(target)
  const snapshot = levels[SNAPSHOT_LEVEL]?.findLast(eligible)
  const plan = extendPlan(snapshot === undefined ? [] : [snapshot], levels, target)
  const last = plan.at(-1)
  if (last === undefined || (txid !== undefined && last.maxTXID < txid)) throw notAvailable(target, last?.maxTXID)
  if (txid === undefined && timestamp === undefined) {
    const gap = findGap(levels, target, last.maxTXID)
    if (gap !== undefined) {
      throw new ReplicaError('REPLICA_NON_CONTIGUOUS', `Cannot plan a restore: ${describeGap(gap)}`, { at: { gap } })
    }
  }
  return plan
}

/**
 * The hole that ends a plan: set when files fit for the target exist, but none of them continues `reached`.
 * A plan for a time ends there silently, as upstream's does; this is how to notice.
 */
export function findGap(levels: Levels, target: RestoreTarget, reached: TXID): TxidGap | undefined {
  const eligible = eligibleFor(target)
  let before: TXID | undefined
  for (const files of levels.slice(0, SNAPSHOT_LEVEL)) {
    const next = files.find((file) => file.minTXID > reached + 1n && eligible(file))
    if (next !== undefined && (before === undefined || next.minTXID < before)) before = next.minTXID
  }
  return before === undefined ? undefined : { after: reached, before }
}

/** `TXIDs 0…5 to 0…7 are missing`, for messages. */
export function describeGap(gap: TxidGap): string {
  const [from, to] = [gap.after + 1n, gap.before - 1n]
  return from === to
    ? `TXID ${formatTXID(from)} is missing`
    : `TXIDs ${formatTXID(from)} to ${formatTXID(to)} are missing`
}

/**
 * Go on with a plan as far as files of levels 0 to 8 carry it.
 * @returns the plan, with more files behind those it had
 */
export function extendPlan(plan: readonly LtxFileInfo[], levels: Levels, target: RestoreTarget = {}): LtxFileInfo[] {
  const extended = [...plan]
  const eligible = eligibleFor(target)
  const cursors = levels.slice(0, SNAPSHOT_LEVEL).map((files) => new LevelCursor(files.filter(eligible)))
  let reached = extended.at(-1)?.maxTXID ?? 0n
  while (target.txid === undefined || reached < target.txid) {
    let best: LtxFileInfo | undefined
    for (const cursor of cursors) best = better(best, cursor.best(reached))
    if (best === undefined) break
    extended.push(best)
    reached = best.maxTXID
  }
  return extended
}

function eligibleFor({ txid, timestamp }: RestoreTarget): (file: LtxFileInfo) => boolean {
  return (file) =>
    (txid === undefined || file.maxTXID <= txid) && (timestamp === undefined || file.createdAt < timestamp)
}

function notAvailable({ txid, timestamp }: RestoreTarget, reached: TXID | undefined): ReplicaError {
  const what =
    txid !== undefined
      ? `TXID ${formatTXID(txid)} is not available`
      : timestamp !== undefined
        ? `no state from before ${new Date(timestamp).toISOString()} is available`
        : 'there are no files to restore from'
  const how = reached === undefined ? '' : `, the nearest state before it is TXID ${formatTXID(reached)}`
  return new ReplicaError('REPLICA_TX_NOT_AVAILABLE', `Cannot plan a restore: ${what}${how}`, {
    at: { ...(txid !== undefined && { txid }), ...(timestamp !== undefined && { timestamp }) },
  })
}
