import type { TXID } from '../ltx/index.ts'
import { firstBest, LevelCursor, type TxidGap } from '../replica/index.ts'
import type { LtxFileInfo } from '../storage/index.ts'

/** What is known when a level is compacted. */
export interface CompactionInput {
  /** Highest TXID in the destination level; 0 when it is empty. */
  readonly reached: TXID
  /** The level below the destination, in ascending name order. */
  readonly sources: readonly LtxFileInfo[]
  /** Levels below the source, nearest first: they may fill a hole in it. */
  readonly bridges?: readonly (readonly LtxFileInfo[])[]
  /** Most files to merge at once. Default: no limit. */
  readonly maxFiles?: number
}

export interface CompactionPlan {
  /** Files to merge, in order; without holes. Empty: there is nothing to compact. */
  readonly files: readonly LtxFileInfo[]
  /** The hole found: after `files`, or before them when the hole is where the destination ends. */
  readonly gap?: TxidGap
}

/**
 * Choose what is merged into a level (facts 5.4): everything below it that it does not have yet.
 *
 * A hole in the source level ends the plan when there is something before it, and is stepped over when it comes
 * first: compaction always goes on, and the caller hears of the hole and can make a snapshot (upstream stops for
 * good: #1155). A source file that straddles the destination's end is taken rather than left as a hole.
 */
export function planCompaction({ reached, sources, bridges = [], maxFiles }: CompactionInput): CompactionPlan {
  const files: LtxFileInfo[] = []
  const source = new LevelCursor(sources)
  const cursors = [source, ...bridges.map((level) => new LevelCursor(level))]
  let gap: TxidGap | undefined
  let position = reached
  // An empty level starts wherever its source starts (at TXID 1, unless retention was here first).
  if (position === 0n && sources.length > 0) position = sources[0]!.minTXID - 1n
  while (maxFiles === undefined || files.length < maxFiles) {
    const next = firstBest(cursors, position)
    if (next !== undefined) {
      files.push(next)
      position = next.maxTXID
      continue
    }
    const beyond = source.beyond
    if (beyond === undefined) break
    gap ??= { after: position, before: beyond.minTXID }
    if (files.length > 0) break
    position = beyond.minTXID - 1n
  }
  return gap === undefined ? { files } : { files, gap }
}

/** Places where neighbours in a level do not join exactly: `next.min === prev.max + 1` (facts 5.4 verify-compaction, 5.6). */
export interface LevelFault {
  readonly kind: 'gap' | 'overlap' | 'unsorted'
  readonly previous: LtxFileInfo
  readonly next: LtxFileInfo
}

/** Check that a level's files join without holes and overlaps. @returns every fault found, in order */
export function checkLevel(files: readonly LtxFileInfo[]): LevelFault[] {
  const faults: LevelFault[] = []
  for (let i = 1; i < files.length; i++) {
    const [previous, next] = [files[i - 1]!, files[i]!]
    const expected = previous.maxTXID + 1n
    if (next.minTXID < previous.minTXID) faults.push({ kind: 'unsorted', previous, next })
    else if (next.minTXID > expected) faults.push({ kind: 'gap', previous, next })
    else if (next.minTXID < expected) faults.push({ kind: 'overlap', previous, next })
  }
  return faults
}
