import type { ExpiryRule, StoreProbe } from '../../storage/index.ts'
import { attempt, type Finding, failure, ok, warning } from './finding.ts'

/** Settings of a bucket that work against retention. That they may not be read is a warning. */
export async function checkBucket(probe: StoreProbe): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const { expiryRules, keepsVersions } = probe
  if (expiryRules) {
    findings.push(await attempt('lifecycle', async () => judgeRules(await probe.expiryRules!()), 'warning'))
  }
  if (keepsVersions) {
    findings.push(await attempt('versioning', async () => judgeVersioning(await probe.keepsVersions!()), 'warning'))
  }
  return findings
}

/** @param rules that delete what lies below the replica's path */
export function judgeRules(rules: readonly ExpiryRule[]): Finding {
  const [rule] = rules
  if (rule === undefined) return ok('lifecycle', 'No rule of the bucket deletes files of the replica')
  const name = rule.id === '' ? 'A rule' : `Rule ${JSON.stringify(rule.id)}`
  const age = rule.days > 0 ? `${rule.days} days` : 'a date'
  return failure(
    'lifecycle',
    `${name} of the bucket deletes keys that begin with ${JSON.stringify(rule.prefix)} after ${age}`,
    'Remove it, or let it leave out the replica: snapshots that newer files need would go. Retention is for litetap to do.',
  )
}

export function judgeVersioning(keepsVersions: boolean): Finding {
  if (!keepsVersions) return ok('versioning', 'The bucket keeps no old versions')
  const hint = 'Add a lifecycle rule that ends noncurrent versions after some days.'
  return warning('versioning', 'The bucket keeps what is deleted as old versions, which cost on', hint)
}
