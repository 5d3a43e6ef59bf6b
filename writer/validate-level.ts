import { formatTXID, type TXID } from '../ltx/index.ts'
import type { LtxFileName } from '../storage/index.ts'

/** Two neighbouring files of a level that do not go together. */
export interface LevelProblem {
  readonly kind: 'unsorted' | 'gap' | 'overlap'
  /** Last TXID of the one. */
  readonly after: string
  /** First TXID of the next. */
  readonly before: string
}

/**
 * Check that the files of one level follow each other without a gap.
 * @param files in listing order
 * @see facts 5.6
 */
export function findLevelProblems(files: readonly LtxFileName[]): LevelProblem[] {
  return files.slice(1).flatMap((file, i) => {
    const kind = problemOf(files[i]!, file)
    return kind ? [{ kind, after: formatTXID(files[i]!.maxTXID), before: formatTXID(file.minTXID) }] : []
  })
}

function problemOf(previous: LtxFileName, { minTXID }: LtxFileName): LevelProblem['kind'] | undefined {
  const expected: TXID = previous.maxTXID + 1n
  if (minTXID === expected) return undefined
  if (minTXID < previous.minTXID) return 'unsorted'
  return minTXID > expected ? 'gap' : 'overlap'
}
