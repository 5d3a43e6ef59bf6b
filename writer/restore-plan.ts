import { formatTXID, type TXID } from '../ltx/index.ts'
import {
  describeGap,
  fileKey,
  findGap,
  isReplicaError,
  type Levels,
  planRestore,
  type ReplicaError,
  type RestoreTarget,
} from '../replica/index.ts'
import type { LtxFileInfo } from '../storage/index.ts'
import { WriterError } from './errors.ts'
import type { SourceError } from './restore-fetch.ts'

export interface PlannedRestore {
  readonly files: readonly LtxFileInfo[]
  readonly txid: TXID
  /** For a time: that there are newer files from before it which cannot be reached. */
  readonly warning?: string
}

/**
 * Plan a restore, and say in the user's terms why when it cannot be.
 *
 * @param damaged files not to use; the state reached must be the same as with them
 * @throws WriterError WRITER_NO_BACKUP, WRITER_TX_NOT_AVAILABLE, WRITER_GAP;
 *   the newest SourceError of `damaged` when there is no way around those files
 */
export function planRestoreAround(
  levels: Levels,
  target: RestoreTarget,
  damaged: readonly SourceError[] = [],
): PlannedRestore {
  const planned = plan(levels, target)
  if (damaged.length === 0) return planned
  const keys = new Set(damaged.map((error) => fileKey(error.file)))
  const usable = levels.map((files) =>
    files.filter((file) => !keys.has(fileKey(file)) && !(file.createdAt >= (target.timestamp ?? Infinity))),
  )
  try {
    return { ...planned, files: planRestore(usable, { txid: planned.txid }) }
  } catch {
    throw withoutAlternative(damaged.at(-1)!, usable)
  }
}

function plan(levels: Levels, target: RestoreTarget): PlannedRestore {
  try {
    const files = planRestore(levels, target)
    const { txid, gap } = { txid: files.at(-1)!.maxTXID, gap: findGap(levels, target, files.at(-1)!.maxTXID) }
    if (gap === undefined || target.txid !== undefined) return { files, txid }
    return { files, txid, warning: `The replica has a hole: ${describeGap(gap)}; restoring what comes before it` }
  } catch (error) {
    if (isReplicaError(error)) throw translate(error, levels, target)
    throw error
  }
}

function translate(error: ReplicaError, levels: Levels, target: RestoreTarget): WriterError {
  const { message } = error
  if (error.code === 'REPLICA_USAGE') return new WriterError('WRITER_USAGE', message, { cause: error })
  if (levels.every((files) => files.length === 0)) {
    return new WriterError('WRITER_NO_BACKUP', 'Cannot restore: there is no backup at this place', {
      cause: error,
      hint: 'Check the URL, or replicate a database to it first.',
    })
  }
  const last = newestReachable(levels)
  if (error.code === 'REPLICA_NON_CONTIGUOUS') {
    return new WriterError('WRITER_GAP', message, {
      cause: error,
      at: { txid: error.at.gap!.after },
      hint: `Restore TXID ${formatTXID(error.at.gap!.after)}, the newest state before the hole.`,
    })
  }
  if (last === undefined) {
    return new WriterError('WRITER_TX_NOT_AVAILABLE', `${message}: no file starts at TXID 1`, { cause: error })
  }
  const at = target.txid === undefined ? {} : { txid: target.txid }
  const hint = target.txid === undefined ? describeTimes(levels) : describeTXIDs(levels, target.txid, last)
  return new WriterError('WRITER_TX_NOT_AVAILABLE', message, { at, cause: error, hint })
}

function withoutAlternative(error: SourceError, usable: Levels): SourceError {
  const txid = newestReachable(usable)
  const hint =
    txid === undefined
      ? 'Restore from another replica: without it this one leads to no state.'
      : `Restore TXID ${formatTXID(txid)}, the newest state without it.`
  return Object.assign(error, { hint })
}

function newestReachable(levels: Levels): TXID | undefined {
  try {
    // A time that never comes: like the newest state, but a hole is no error.
    return planRestore(levels, { timestamp: Infinity }).at(-1)!.maxTXID
  } catch {
    return undefined
  }
}

function describeTXIDs(levels: Levels, txid: TXID, last: TXID): string {
  const states = [...new Set(levels.flat().map((file) => file.maxTXID))].sort((a, b) => (a < b ? -1 : 1))
  const first = states.find((state) => isReachable(levels, state)) ?? last
  const after = states.find((state) => state > txid && isReachable(levels, state))
  const before = states.findLast((state) => state < txid && isReachable(levels, state))
  const near = [before, after].filter((state) => state !== undefined).map(formatTXID)
  return `Choose a TXID from ${formatTXID(first)} to ${formatTXID(last)}, the nearest to yours: ${near.join(' and ')}.`
}

function describeTimes(levels: Levels): string {
  const times = levels.flatMap((files) => files.filter((file) => file.minTXID === 1n).map((file) => file.createdAt))
  return `Choose a time after ${new Date(Math.min(...times)).toISOString()}, when the first state available was made.`
}

function isReachable(levels: Levels, txid: TXID): boolean {
  try {
    planRestore(levels, { txid })
    return true
  } catch {
    return false
  }
}
