import type { LtxFileInfo } from '../../storage/index.ts'

/**
 * What speaks against a file: one of level 0 that is no further than it. It went into the file, or would have, so it
 * cannot be younger; where it is, the file is of a history that has ended, whose deletion is still under way.
 *
 * @param levelZero in ascending order
 * @returns undefined where nothing speaks against it, by the times that listings give: those may be of an upload, or of a
 *   copy, so that headers have the last word
 */
export function outlivedBy(file: LtxFileInfo, levelZero: readonly LtxFileInfo[]): LtxFileInfo | undefined {
  if (file.level === 0) return undefined
  const last = levelZero.findLast(({ maxTXID }) => maxTXID <= file.maxTXID)
  return last !== undefined && last.createdAt > file.createdAt ? last : undefined
}
