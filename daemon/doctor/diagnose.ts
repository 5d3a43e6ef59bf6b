import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { listLevels } from '../../replica/index.ts'
import type { ReplicaClient } from '../../storage/index.ts'
import { localStatus, metaPath } from '../../writer/index.ts'
import { checkAccess } from './check-access.ts'
import { checkBucket } from './check-bucket.ts'
import { checkCatalog } from './check-catalog.ts'
import { checkClock } from './check-clock.ts'
import { adviseApplication, checkDatabase, checkPermissions } from './check-database.ts'
import { checkDisk } from './check-disk.ts'
import { checkForm } from './check-form.ts'
import { checkLease } from './check-lease.ts'
import { checkNode } from './check-node.ts'
import { checkDatabaseReadable, checkReplicaReadable } from './check-readable.ts'
import { judgeAge, judgeGaps, judgeWriter } from './check-replica.ts'
import { attempt, type Finding, ok, warning } from './finding.ts'

/** A database and the replica that it is to have. */
export interface Setup {
  /** Absolute. */
  readonly dbPath: string
  /** Local state; default: beside the database. */
  readonly metaPath?: string
  readonly client: ReplicaClient
}

export interface DiagnoseOptions {
  /** Try writing to the store. False: nothing is written anywhere. */
  readonly write: boolean
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
}

/**
 * Check a set-up, before or while it is used, and say what to do about each thing.
 * To be run in a process that does not hold the database open (see `checkDatabase`).
 */
export async function* diagnose(setup: Setup, options: DiagnoseOptions): AsyncGenerator<Finding> {
  yield checkNode(process.versions.node)
  yield* diagnoseDatabase(setup)
  yield* diagnoseStore(setup, options)
}

async function* diagnoseDatabase(setup: Setup): AsyncGenerator<Finding> {
  const findings = await checkDatabase(setup.dbPath)
  yield* findings
  if (findings[0]!.status === 'failure') return
  const meta = setup.metaPath ?? metaPath(setup.dbPath)
  yield await checkPermissions(setup.dbPath, meta)
  yield* await checkDisk(setup.dbPath).catch((error: Error) => [warning('disk space', error.message)])
  yield await attempt('metadata', () => checkMetadata(setup.dbPath, meta))
  yield await attempt('reader', () => checkDatabaseReadable(setup.dbPath), 'warning')
  yield adviseApplication()
}

async function checkMetadata(dbPath: string, meta: string): Promise<Finding> {
  const { status, txid } = await localStatus(dbPath, { metaPath: meta })
  if (txid !== undefined) return ok('metadata', `Local state is in ${meta}`)
  if (status === 'not initialized') return ok('metadata', `There is no local state yet; it will be in ${meta}`)
  return warning('metadata', `Local state in ${meta} cannot be read`, 'litetap reset begins it anew.')
}

async function* diagnoseStore({ dbPath, metaPath: meta, client }: Setup, options: DiagnoseOptions) {
  const { probe } = client
  // First, because a clock that is wrong is why all else fails.
  if (probe?.clock) yield await attempt('clock', () => checkClock(probe, options.now))
  const listing = await listLevels(client).catch((error: unknown) => error)
  yield await attempt('list', async () => {
    if (!Array.isArray(listing)) throw listing
    return ok('list', `The store can be listed: ${client.url}`)
  })
  if (!Array.isArray(listing)) return
  const levels = listing as Awaited<ReturnType<typeof listLevels>>
  if (probe && options.write) yield* await checkAccess(probe, `doctor-${randomBytes(8).toString('hex')}`)
  if (probe) yield* await checkBucket(probe)
  if (!probe) yield ok('access', `Reading and writing are not tried on ${client.type} stores`)
  const { txid } = await localStatus(dbPath, meta === undefined ? {} : { metaPath: meta })
  yield judgeWriter(levels, txid)
  const { lease } = client
  if (lease) yield await attempt('lease', () => checkLease(lease, options.now()))
  if (levels.flat().length === 0) return
  yield judgeGaps(levels)
  yield judgeAge(levels, { changedAt: await lastChange(dbPath), now: options.now() })
  yield await attempt('page frames', () => checkForm(client, levels))
  yield await attempt('replica reader', () => checkReplicaReadable(client), 'warning')
  if (probe) yield await attempt('catalog', () => checkCatalog(probe, levels), 'warning')
}

/** When the database or its WAL was last written; ms since the Unix epoch, 0 without a database. */
async function lastChange(path: string): Promise<number> {
  const times = [path, `${path}-wal`].map((file) =>
    stat(file).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    ),
  )
  return Math.max(...(await Promise.all(times)))
}
