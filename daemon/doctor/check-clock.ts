import type { StoreProbe } from '../../storage/index.ts'
import { type Finding, failure, ok, warning } from './finding.ts'

/** Beyond this S3 refuses signatures. */
const REFUSED_MS = 15 * 60_000
const NOTABLE_MS = 60_000

/** Compare this machine's clock with the store's. */
export async function checkClock(probe: StoreProbe, now: () => number): Promise<Finding> {
  const theirs = await probe.clock?.()
  if (theirs === undefined) return ok('clock', 'The store has no clock of its own')
  return judgeClock(now() - theirs)
}

/** @param aheadMs by how much this machine's clock is ahead of the store's */
export function judgeClock(aheadMs: number): Finding {
  const off = Math.abs(aheadMs)
  const difference = `This clock is ${Math.round(off / 1000)} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the store's`
  const hint = 'Set the clock, and let NTP keep it: restores to a time go by it.'
  if (off > REFUSED_MS) return failure('clock', `${difference}: signed requests are refused from 15 minutes on`, hint)
  return off > NOTABLE_MS ? warning('clock', difference, hint) : ok('clock', difference)
}
