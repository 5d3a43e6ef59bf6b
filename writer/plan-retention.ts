import type { TXID } from '../ltx/index.ts'
import type { LtxFileInfo } from '../storage/index.ts'

export interface SnapshotRetentionPlan {
  readonly files: readonly LtxFileInfo[]
  /** Files of levels 1 and up that end below this are no longer needed; 0: all are. */
  readonly floor: TXID
}

/**
 * Snapshots that are too old: created before `before`, but never the last one (facts 5.5).
 * The floor is where the newest deleted snapshot in front of the first kept one ended, so one more generation of
 * lower levels stays than the snapshots alone need: restores that have begun can finish.
 *
 * @param snapshots level 9 in ascending name order
 * @param before milliseconds since the Unix epoch, exclusive
 */
export function planSnapshotRetention(snapshots: readonly LtxFileInfo[], before: number): SnapshotRetentionPlan {
  const newest = snapshots.at(-1)
  const files = snapshots.filter((file) => file !== newest && file.createdAt < before)
  const firstKept = snapshots.findIndex((file) => !files.includes(file))
  return { files, floor: firstKept > 0 ? snapshots[firstKept - 1]!.maxTXID : 0n }
}

/** Files of a level 1 to 8 that end below the floor, but never the level's last one (facts 5.5). */
export function planLevelRetention(files: readonly LtxFileInfo[], floor: TXID): LtxFileInfo[] {
  const newest = files.at(-1)
  return files.filter((file) => file !== newest && file.maxTXID < floor)
}

export interface L0RetentionInput {
  /** Level 0 in ascending name order. */
  readonly files: readonly LtxFileInfo[]
  /** Highest TXID in level 1; 0 when it is empty, and then nothing may go. */
  readonly coveredTo: TXID
  /** Files created after this (milliseconds since the Unix epoch) are too young. */
  readonly before: number
  /** Creation time of the local copy, for stores that list none. */
  readonly localCreatedAt?: (file: LtxFileInfo) => number | undefined
}

/**
 * L0 files that may go (facts 5.5): from the oldest on, up to the first one that is too young, those that level 1
 * covers; never the newest. A file without any creation time counts as old enough.
 */
export function planL0Retention(input: L0RetentionInput): LtxFileInfo[] {
  const { files, coveredTo } = input
  if (coveredTo === 0n) return []
  const young = firstYoung(input)
  const walked = files.slice(0, young === -1 ? -1 : young)
  return walked.filter((file) => file.maxTXID <= coveredTo)
}

/** What the same rule sees in level 0, in the words of Litestream's metric (facts 8.4). */
export interface L0Counts {
  readonly eligible: number
  readonly notCompacted: number
  readonly tooRecent: number
}

/** Count the files of level 0 by what keeps them; all are 0 while nothing was compacted. */
export function countL0(input: L0RetentionInput): L0Counts {
  if (input.coveredTo === 0n) return { eligible: 0, notCompacted: 0, tooRecent: 0 }
  const young = firstYoung(input)
  const old = young === -1 ? input.files : input.files.slice(0, young)
  return {
    eligible: planL0Retention(input).length,
    notCompacted: old.filter((file) => file.maxTXID > input.coveredTo).length,
    tooRecent: input.files.length - old.length,
  }
}

function firstYoung({ files, before, localCreatedAt }: L0RetentionInput): number {
  return files.findIndex((file) => createdAt(file, localCreatedAt) > before)
}

function createdAt(file: LtxFileInfo, local: L0RetentionInput['localCreatedAt']): number {
  // Zero is what a store without times lists; anything before the epoch is Go's zero time.
  return file.createdAt > 0 ? file.createdAt : (local?.(file) ?? Number.NEGATIVE_INFINITY)
}
