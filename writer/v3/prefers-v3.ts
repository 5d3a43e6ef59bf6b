import { SNAPSHOT_LEVEL } from '../../ltx/index.ts'
import type { Levels } from '../../replica/index.ts'
import type { V3FileInfo } from '../../storage/index.ts'
import { newestSnapshot } from './plan-v3-restore.ts'

/**
 * Whether a restore is made from the v0.3 backup rather than from the LTX files beside it.
 *
 * Without LTX files it is. For a time: when its newest snapshot up to then is newer than the LTX snapshots (level 9)
 * from before it. Else: when its newest file is newer than every LTX file.
 *
 * @param timestamp the time to be restored; ms since the Unix epoch
 * @see facts 6.6; litestream 63225f1 replica.go shouldUseV3Restore
 */
export function prefersV3(files: readonly V3FileInfo[], levels: Levels, timestamp: number | undefined): boolean {
  if (files.length === 0) return false
  const ltxFiles = levels.flat()
  if (ltxFiles.length === 0) return true
  if (timestamp === undefined) return newest(files) > newest(ltxFiles)
  const snapshot = newestSnapshot(files.filter(({ createdAt }) => createdAt <= timestamp))
  const before = (levels[SNAPSHOT_LEVEL] ?? []).filter(({ createdAt }) => createdAt < timestamp)
  return snapshot !== undefined && snapshot.createdAt > newest(before)
}

function newest(files: readonly { readonly createdAt: number }[]): number {
  return files.reduce((time, { createdAt }) => Math.max(time, createdAt), Number.NEGATIVE_INFINITY)
}
