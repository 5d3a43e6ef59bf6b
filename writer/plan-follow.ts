import { SNAPSHOT_LEVEL, type TXID } from '../ltx/index.ts'
import { findGap, firstBest, LevelCursor, type Levels, type TxidGap } from '../replica/index.ts'
import type { LtxFileInfo } from '../storage/index.ts'

export interface FollowPlan {
  /** Files to apply in order. Empty: nothing new can be reached. */
  readonly files: readonly LtxFileInfo[]
  /** Set when files exist that `files` do not lead to: the follower cannot get there. */
  readonly gap?: TxidGap
}

/**
 * Choose the files that take a follower from `reached` as far as the replica goes (facts 6.5).
 *
 * L0 first, for it is the smallest; where it has a hole, the lowest level that bridges it; and when no level does,
 * the newest snapshot, applied as a whole (upstream never does, and stalls: #1515). Covered files are passed over,
 * straddling ones taken.
 *
 * @param levels as listed, L0 possibly only from `reached + 1` on; a level that was not listed is an empty array
 */
export function planFollow(levels: Levels, reached: TXID): FollowPlan {
  const cursors = levels.slice(0, SNAPSHOT_LEVEL).map((files) => new LevelCursor(files))
  const snapshot = levels[SNAPSHOT_LEVEL]?.at(-1)
  let files: LtxFileInfo[] = []
  let position = reached
  for (;;) {
    const next = firstBest(cursors, position)
    if (next !== undefined) files.push(next)
    else if (snapshot !== undefined && snapshot.maxTXID > position) files = [snapshot]
    else break
    position = files.at(-1)!.maxTXID
  }
  const gap = findGap(levels, {}, position)
  return gap === undefined ? { files } : { files, gap }
}
