import { SNAPSHOT_LEVEL, type TXID } from '../../ltx/index.ts'
import type { LtxFileInfo, ReplicaClient } from '../../storage/index.ts'
import type { Account } from '../core/account.ts'
import { isReplicaError, ReplicaError } from '../core/errors.ts'
import { fileKey } from '../core/file-key.ts'
import { byLevel, listLevel, listLevels, listRequests } from '../plan/list-levels.ts'
import { outlivedBy } from '../plan/outlived-by.ts'
import { extendPlan, findGap, type Levels, planRestore } from '../plan/plan-restore.ts'
import { CLOCK_SLACK_MS } from './goes-on.ts'
import { layerFiles } from './layer-files.ts'
import { type OpenFileContext, readHead } from './open-file.ts'
import {
  type Batch,
  firstOfSeveral,
  joinBatch,
  keepOpened,
  newBatch,
  type OpenedFiles,
  openOnce,
} from './opened-files.ts'
import { FileGone } from './range-reader.ts'
import type { OpenedFile, Snapshot } from './snapshot.ts'
import type { SourceFile } from './source-file.ts'
import { standingOfFile } from './standing.ts'

/** Levels in the order in which they are listed: rather few files, then very many of which few are needed. */
const FIRST_LEVELS = [9, 8, 7, 6, 5, 4, 3, 2]
const SECOND_LEVELS = [1, 0]
/**
 * Files are named by their first TXID, so one that straddles the point from which a level is listed is missed if it
 * began too far before. This many TXIDs back is far enough in nearly every bucket; where it is not, all is listed.
 */
const STRADDLE: Readonly<Record<number, bigint>> = { 0: 1n, 1: 512n }
/** The files change while they are looked at; each attempt sees them as they are then, and has most of them open. */
const MAX_ATTEMPTS = 16
/** After so many attempts with levels listed in stages all are listed at once, which takes half of the time. */
const STAGED_ATTEMPTS = 2

/** Levels are listed at different moments: a hole between them is believed when it is seen again. */
const HOLE_ATTEMPTS = 2

export interface OpenSnapshotContext extends OpenFileContext {
  readonly client: ReplicaClient
  readonly opened: OpenedFiles
  /** Of files that are opened now. */
  readonly batch?: Batch
}

/**
 * The newest state. Levels are listed and files opened side by side: while the many files of the lowest levels are
 * listed, those of the others are being opened.
 *
 * @throws ReplicaError REPLICA_EMPTY, REPLICA_NON_CONTIGUOUS, REPLICA_TX_NOT_AVAILABLE, REPLICA_DAMAGED,
 *   REPLICA_SNAPSHOT_GONE; StorageError
 * @param files all there are, if that is known already
 */
export async function openNewest(context: OpenSnapshotContext, files?: readonly LtxFileInfo[]): Promise<Snapshot> {
  return await openPlanned(async (attempt, own) => {
    if (files && attempt === 1) return await planNewest(byLevel(files), own)
    const staged = context.client.listAll === undefined && attempt <= STAGED_ATTEMPTS
    return (staged ? await planInStages(own) : undefined) ?? (await planFromAll(own))
  }, context)
}

/**
 * The state that a plan's files give; planned again when some of them were deleted meanwhile.
 * @throws ReplicaError REPLICA_SNAPSHOT_GONE when that happens again and again; what planning and opening throw
 */
export async function openPlanned(
  plan: (attempt: number, context: OpenSnapshotContext) => Promise<readonly LtxFileInfo[]>,
  given: OpenSnapshotContext,
): Promise<Snapshot> {
  for (let attempt = 1; ; attempt++) {
    const context = { ...given, batch: newBatch() }
    try {
      return await openAll(await plan(attempt, context), context)
    } catch (error) {
      const hole = isReplicaError(error, 'REPLICA_NON_CONTIGUOUS', 'REPLICA_TX_NOT_AVAILABLE')
      if (hole && attempt < HOLE_ATTEMPTS) continue
      if (!(error instanceof FileGone)) throw error
      if (attempt >= MAX_ATTEMPTS) throw vanishing(context.client.url, error)
    }
  }
}

/**
 * The state that a plan's files give, which are opened side by side.
 *
 * Listings of different moments may be of two histories, and files that were read before are not missed when they are
 * gone. So of files that were not read together the first has to be there after the last: a place is begun anew only when
 * it is empty.
 *
 * @throws FileGone; StorageError, ReplicaError
 */
export async function openAll(plan: readonly LtxFileInfo[], given: OpenSnapshotContext): Promise<Snapshot> {
  const { batch = newBatch(), ...rest } = given
  const context = { ...rest, batch }
  context.account.roundTrip()
  const files = await Promise.all(plan.map((info, i) => openOne(plan, info, i === plan.length - 1, context)))
  const first = firstOfSeveral(context.opened, plan)
  if (first) await proveFirst(files[plan.indexOf(first)]!.file, context)
  joinBatch(context.opened, plan, batch)
  return layerFiles(files)
}

/** @throws FileGone, when all has to be opened anew */
async function proveFirst(file: SourceFile, context: OpenSnapshotContext): Promise<void> {
  context.account.roundTrip()
  if ((await standingOfFile(file, context)) === 'there') return
  keepOpened(context.opened, [])
  throw new FileGone(file.info)
}

/** @returns undefined when the stages do not fit together: something changed meanwhile, or a file straddles far */
async function planInStages(context: OpenSnapshotContext): Promise<LtxFileInfo[] | undefined> {
  const levels: LtxFileInfo[][] = Array.from({ length: SNAPSHOT_LEVEL + 1 }, () => [])
  await listInto(levels, FIRST_LEVELS, undefined, context)
  const snapshot = levels[SNAPSHOT_LEVEL]!.at(-1)
  const first = extendPlan(snapshot ? [snapshot] : [], levels)
  openEarly(first, context)
  await listInto(levels, SECOND_LEVELS, reached(first), context)
  const plan = extendPlan(first, levels)
  if (plan.length === 0 || findGap(levels, {}, reached(plan)) !== undefined) return undefined
  if ((await ended(plan, levels, context)).size > 0) return undefined
  return plan
}

/** Plan from everything there is. */
async function planFromAll(context: OpenSnapshotContext): Promise<LtxFileInfo[]> {
  return await planNewest(await listAll(context.client, context.account, context.signal), context)
}

async function planNewest(levels: Levels, context: OpenSnapshotContext): Promise<LtxFileInfo[]> {
  if (levels.every((files) => files.length === 0)) throw empty(context.client.url)
  const first = planRestore(levels)
  let plan = first
  for (let left = levels; ; ) {
    const without = await ended(plan, left, context)
    if (without.size === 0) return plan
    left = left.map((files) => files.filter((file) => !without.has(file)))
    try {
      plan = planRestore(left)
    } catch (error) {
      // Times alone are no proof: where nothing is left without those files, the primary's clock was ahead for a while.
      if (isReplicaError(error)) return first
      throw error
    }
  }
}

/** Files of a plan that are of a history that has ended, by the headers. @throws FileGone, StorageError, ReplicaError */
async function ended(
  plan: readonly LtxFileInfo[],
  levels: Levels,
  context: OpenSnapshotContext,
): Promise<ReadonlySet<LtxFileInfo>> {
  const found = new Set<LtxFileInfo>()
  const doubted = plan.map((file) => ({ file, witness: outlivedBy(file, levels[0] ?? []) }))
  await Promise.all(
    doubted.map(async ({ file, witness }) => {
      if (witness === undefined) return
      const [{ head }, later] = await Promise.all([openOne(plan, file, false, context), readHead(witness, context)])
      if (later.timestamp > head.timestamp + CLOCK_SLACK_MS) found.add(file)
    }),
  )
  return found
}

/** Start opening what a plan has so far; failures are met again when the plan is complete. */
function openEarly(plan: readonly LtxFileInfo[], context: OpenSnapshotContext): void {
  for (const info of plan) openOne(plan, info, false, context).catch(() => {})
}

function openOne(
  plan: readonly LtxFileInfo[],
  info: LtxFileInfo,
  newest: boolean,
  context: OpenSnapshotContext,
): Promise<OpenedFile> {
  return openOnce(info, info === plan[0] ? 'pages' : newest ? 'recent' : 'header', context)
}

async function listInto(
  levels: LtxFileInfo[][],
  some: readonly number[],
  from: TXID | undefined,
  { client, account, signal }: OpenSnapshotContext,
): Promise<void> {
  account.roundTrip()
  await Promise.all(
    some.map(async (level) => {
      account.request(0)
      const seek = from === undefined ? 0n : from + 1n - (STRADDLE[level] ?? 0n)
      levels[level] = await listLevel(client, level, { ...(seek > 0n && { seek }), ...(signal && { signal }) })
    }),
  )
}

function reached(plan: readonly LtxFileInfo[]): TXID {
  return plan.at(-1)?.maxTXID ?? 0n
}

function empty(url: string): ReplicaError {
  return new ReplicaError('REPLICA_EMPTY', `Cannot open ${url}: nothing has been replicated to this place`, {
    hint: 'Check the URL, or replicate a database to it first.',
  })
}

function vanishing(url: string, cause: FileGone): ReplicaError {
  return new ReplicaError(
    'REPLICA_SNAPSHOT_GONE',
    `Cannot open ${url}: each time its files were listed, some were deleted before they could be read (${cause.message})`,
    { at: { key: fileKey(cause.file) }, hint: 'Have the writer keep files longer after compaction.', cause },
  )
}

/** What is in all levels. */
export async function listAll(
  client: ReplicaClient,
  account: Account,
  signal: AbortSignal | undefined,
): Promise<Levels> {
  account.roundTrip()
  for (let i = listRequests(client); i > 0; i--) account.request(0)
  return await listLevels(client, signal ? { signal } : {})
}
