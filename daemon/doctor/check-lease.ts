import { decodeLease, type LeaseStore } from '../../storage/index.ts'
import { type Finding, ok, warning } from './finding.ts'

/** Who holds the right to write, if it is used here. */
export async function checkLease(lease: LeaseStore, now: number): Promise<Finding> {
  const found = await lease.get()
  if (found === undefined) return ok('lease', 'Nobody holds a lease')
  const { owner, expiresAt } = decodeLease(found.body)
  const holder = owner || 'somebody'
  const until = new Date(expiresAt).toISOString()
  if (expiresAt < now) return ok('lease', `The lease of ${holder} ended ${until}; it can be taken`)
  const hint = 'That is well if it is the writer of this database.'
  return warning('lease', `The lease is held by ${holder} until ${until}`, hint)
}
