import { formatTXID } from '../ltx/index.ts'
import type { FollowEvent } from './deps.ts'
import { formatDuration } from './duration.ts'
import { errorMessage } from './errors.ts'
import type { Log } from './log.ts'

/** What lasts is said again so often, not at every poll. */
const REPEAT_MS = 30_000

/** Turns a follower's events into log lines: changes at once, a condition that lasts every half minute. */
export function followLogger(log: Log, now: () => number = () => performance.now()): (event: FollowEvent) => void {
  let lasting: string | undefined
  let saidAt = Number.NEGATIVE_INFINITY
  const say = (type: string, line: () => void) => {
    if (type === lasting && now() - saidAt < REPEAT_MS) return
    lasting = type
    saidAt = now()
    line()
  }
  return (event) => {
    switch (event.type) {
      case 'restored':
        return log.info('restored, following', { txid: event.result.txid })
      case 'resumed':
        return log.info('database is there, following on', { txid: event.txid })
      case 'applied':
        lasting = undefined
        return log.debug('applied', {
          txid: event.txid,
          files: event.files.length,
          took: formatDuration(event.durationMs),
        })
      case 'current':
        lasting = undefined
        return log.trace('nothing new', { txid: event.txid })
      case 'stalled':
        return say('stalled', () =>
          log.warn('the replica has newer states, but files that lead to them are missing', {
            txid: event.txid,
            missing: `${formatTXID(event.gap.after + 1n)}-${formatTXID(event.gap.before - 1n)}`,
          }),
        )
      case 'ahead':
        return log.warn('the replica ends before this database: it was reset, or is another one', {
          txid: event.txid,
          replica_txid: event.replicaTXID,
        })
      case 'busy':
        return say('busy', () =>
          log.warn('readers keep the database locked', { waited: formatDuration(event.waitedMs) }),
        )
      case 'error':
        return say('error', () =>
          log.error('cannot follow, trying on', {
            error: errorMessage(event.error),
            failures: event.failures,
            retry_in: formatDuration(event.retryInMs),
          }),
        )
    }
  }
}
