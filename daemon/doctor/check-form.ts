import { HEADER_SIZE, PAGE_HEADER_SIZE } from '../../ltx/index.ts'
import type { Levels } from '../../replica/index.ts'
import { type ReplicaClient, readAll } from '../../storage/index.ts'
import { type Finding, ok } from './finding.ts'

/** How the newest file frames its pages: it decides which Litestream can read it (facts 0). */
export async function checkForm(client: ReplicaClient, levels: Levels): Promise<Finding> {
  const newest = levels.flat().reduce((a, b) => (b.maxTXID > a.maxTXID ? b : a))
  const body = await client.open(newest, { offset: HEADER_SIZE, size: PAGE_HEADER_SIZE })
  const bytes = body && (await readAll(body))
  if (bytes === undefined || bytes.length < PAGE_HEADER_SIZE)
    return ok('page frames', 'The newest file is gone already')
  const block = ((bytes[4]! << 8) | bytes[5]!) !== 0
  if (block) return ok('page frames', 'In block form: Litestream 0.5.16 and newer reads them')
  return ok('page frames', 'In legacy form: every Litestream 0.5 reads them')
}
