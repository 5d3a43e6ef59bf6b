import { isStorageError, readAll, type StoreProbe } from '../../storage/index.ts'
import { attempt, type Finding, failure, ok, warning } from './finding.ts'

const BODY = new TextEncoder().encode('litetap doctor was here; this may be deleted\n')
const RANGE = { offset: 8, size: 6 }

/**
 * Try out what replication does with a store, on one small object that is gone afterwards.
 *
 * @param name of the object, unique
 */
export async function checkAccess(probe: StoreProbe, name: string): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const written = await attempt('put', async () => {
    await probe.put(name, BODY, { exclusive: false })
    return ok('put', 'Objects can be written')
  })
  findings.push(written)
  if (written.status !== 'ok') return findings
  findings.push(await attempt('get', () => readBack(probe, name)))
  findings.push(await attempt('range get', () => readRange(probe, name)))
  const deleted = await attempt('delete', () => remove(probe, name))
  findings.push(deleted)
  if (deleted.status === 'ok') findings.push(await checkConditions(probe, name))
  return findings
}

async function readBack(probe: StoreProbe, name: string): Promise<Finding> {
  const body = await probe.get(name)
  if (body === undefined) return failure('get', 'What was written is not there', 'Use a store that is consistent.')
  if (Buffer.compare(await readAll(body), BODY) === 0) return ok('get', 'Objects can be read')
  return failure('get', 'What is read is not what was written', 'See whether a proxy or a cache is in between.')
}

async function readRange(probe: StoreProbe, name: string): Promise<Finding> {
  const body = await probe.get(name, RANGE)
  const expected = BODY.subarray(RANGE.offset, RANGE.offset + RANGE.size)
  if (body && Buffer.compare(await readAll(body), expected) === 0)
    return ok('range get', 'Parts of objects can be read')
  return failure('range get', 'A part of an object came back wrong', 'See whether a proxy or a cache is in between.')
}

async function remove(probe: StoreProbe, name: string): Promise<Finding> {
  await probe.delete(name)
  const left = await probe.get(name)
  if (left === undefined) return ok('delete', 'Objects can be deleted')
  await readAll(left)
  return failure('delete', 'What was deleted is still there', 'See whether an object lock keeps it.')
}

/** Two writers want to create one object: exactly one may. */
async function checkConditions(probe: StoreProbe, name: string): Promise<Finding> {
  const check = 'conditional write'
  const hint = 'Let one program write to this place only: a second one is noticed late here. Leases are not possible.'
  return await attempt(
    check,
    async () => {
      try {
        const outcomes = await Promise.all([create(probe, name), create(probe, name)])
        const created = outcomes.filter(Boolean).length
        if (created === 1) return ok(check, 'Of two writers that create an object, one is refused')
        return warning(check, `Of two writers that create an object, ${created} succeed`, hint)
      } catch (error) {
        if (!isStorageError(error, 'STORAGE_NO_CONDITIONAL_WRITES')) throw error
        return warning(check, error.message, hint)
      } finally {
        await probe.delete(name)
      }
    },
    'warning',
  )
}

async function create(probe: StoreProbe, name: string): Promise<boolean> {
  try {
    await probe.put(name, BODY, { exclusive: true })
    return true
  } catch (error) {
    if (isStorageError(error, 'STORAGE_PRECONDITION_FAILED')) return false
    throw error
  }
}
