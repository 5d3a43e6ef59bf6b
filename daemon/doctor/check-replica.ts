import { formatTXID, SNAPSHOT_LEVEL, type TXID } from '../../ltx/index.ts'
import { describeGap, highestTXID, type Levels } from '../../replica/index.ts'
import { type Finding, failure, ok, warning } from './finding.ts'

const LATE_MS = 5 * 60_000

/** Every file of a level continues the one before it, or overlaps it. */
export function judgeGaps(levels: Levels): Finding {
  for (const [level, files] of levels.entries()) {
    if (level === SNAPSHOT_LEVEL) continue
    let after: TXID | undefined
    for (const { minTXID, maxTXID } of files) {
      if (after !== undefined && minTXID > after + 1n) {
        const hole = describeGap({ after, before: minTXID })
        const hint = 'States inside the hole cannot be restored. A new snapshot mends what comes after it.'
        return failure('levels', `Level ${level} has a hole: ${hole}`, hint)
      }
      if (after === undefined || maxTXID > after) after = maxTXID
    }
  }
  return ok('levels', `No level has a hole; ${levels.flat().length} files`)
}

/** @param local the last TXID beside the database; undefined where there is no local state */
export function judgeWriter(levels: Levels, local: TXID | undefined): Finding {
  const files = levels.flat()
  if (files.length === 0) return ok('other writer', 'The replica is empty')
  const remote = highestTXID(files)
  const where = `the replica is at TXID ${formatTXID(remote)}`
  if (local === undefined) {
    const hint = 'If it is not of this database, choose another path. If it is, litetap goes on behind it.'
    return warning('other writer', `There is no local state, and ${where}`, hint)
  }
  if (remote <= local) return ok('other writer', `Local state is at TXID ${formatTXID(local)}, ${where}`)
  const hint = 'Make sure that no other program writes to this place; litetap stops when it meets one.'
  return warning('other writer', `Local state is at TXID ${formatTXID(local)} only, ${where}`, hint)
}

/**
 * @param changedAt when the database or its WAL was last written; ms since the Unix epoch
 * @param now likewise
 */
export function judgeAge(levels: Levels, { changedAt, now }: { changedAt: number; now: number }): Finding {
  const files = levels.flat()
  if (files.length === 0) return ok('last upload', 'Nothing has been uploaded yet')
  const uploadedAt = files.reduce((time, { createdAt }) => Math.max(time, createdAt), 0)
  const uploaded = `The last upload is from ${new Date(uploadedAt).toISOString()}`
  const waiting = Math.min(now, changedAt) - uploadedAt
  if (waiting <= LATE_MS) return ok('last upload', uploaded)
  const minutes = Math.round(waiting / 60_000)
  const hint = 'See whether litetap replicate runs, and what it logs.'
  return warning('last upload', `${uploaded}; the database was written ${minutes} minutes later`, hint)
}
