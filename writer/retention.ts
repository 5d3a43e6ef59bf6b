import type { TXID } from '../ltx/index.ts'
import { highestTXID, listLevel } from '../replica/index.ts'
import type { LtxFileInfo, ReplicaClient } from '../storage/index.ts'
import { countL0, type L0Counts, planL0Retention, planLevelRetention, planSnapshotRetention } from './plan-retention.ts'

export interface RetentionOptions {
  /** Milliseconds since the Unix epoch. */
  readonly now: number
  /** False: nothing is deleted remotely (`retention.enabled: false`). Default true. */
  readonly remoteDeletes?: boolean
  readonly signal?: AbortSignal
}

export interface RetentionResult {
  /** Files that were deleted from the replica. */
  readonly deleted: readonly LtxFileInfo[]
  /** L0 files whose local copies the caller deletes now, and then forgets its cached position. */
  readonly deleteLocal: readonly LtxFileInfo[]
}

/**
 * Delete snapshots older than `retentionMs`, and from levels 1 up what those alone needed (facts 5.5). Run it after
 * every attempt at a snapshot.
 *
 * @param options.levels the configured compaction levels. Default: all, 1 to 8
 */
export async function enforceSnapshotRetention(
  client: ReplicaClient,
  options: RetentionOptions & { retentionMs: number; levels?: readonly number[] },
): Promise<RetentionResult & { floor: TXID }> {
  const { signal } = options
  const snapshots = await listLevel(client, 9, list(signal))
  const { files, floor } = planSnapshotRetention(snapshots, options.now - options.retentionMs)
  const deleted: LtxFileInfo[] = await deleteRemote(client, files, options)
  if (floor > 0n) {
    for (const level of options.levels ?? [1, 2, 3, 4, 5, 6, 7, 8]) {
      const stale = planLevelRetention(await listLevel(client, level, list(signal)), floor)
      deleted.push(...(await deleteRemote(client, stale, options)))
    }
  }
  return { deleted, deleteLocal: [], floor }
}

/**
 * Delete L0 files that are older than `retentionMs` and covered by level 1 (facts 5.5). Run it after every
 * compaction into level 1, and from time to time.
 *
 * @param options.retentionMs 0 keeps all of L0 for ever
 * @param options.localCreatedAt for stores that list no times
 * @returns besides, when the next file can be old enough (ms since the Unix epoch; Infinity: none but the newest is
 *   left), what was seen in level 0, and the files of level 1
 */
export async function enforceL0Retention(
  client: ReplicaClient,
  options: RetentionOptions & {
    retentionMs: number
    localCreatedAt?: (file: LtxFileInfo) => number | undefined
  },
): Promise<RetentionResult & { nextAt: number; seen: L0Counts; levelOne: readonly LtxFileInfo[] }> {
  const { retentionMs, signal, localCreatedAt } = options
  const nothing = { deleted: [], deleteLocal: [], nextAt: Number.POSITIVE_INFINITY, seen: NOTHING_SEEN, levelOne: [] }
  if (retentionMs <= 0) return nothing
  const levelOne = await listLevel(client, 1, list(signal))
  const coveredTo = highestTXID(levelOne)
  const files = await listLevel(client, 0, list(signal))
  const before = options.now - retentionMs
  const input = { files, coveredTo, before, ...(localCreatedAt && { localCreatedAt }) }
  const stale = planL0Retention(input)
  const left = files.slice(stale.length)
  const nextAt = left.length <= 1 ? Number.POSITIVE_INFINITY : left[0]!.createdAt + retentionMs
  const deleted = await deleteRemote(client, stale, options)
  return { deleted, deleteLocal: stale, nextAt, seen: countL0(input), levelOne }
}

const NOTHING_SEEN: L0Counts = { eligible: 0, notCompacted: 0, tooRecent: 0 }

async function deleteRemote(
  client: ReplicaClient,
  files: readonly LtxFileInfo[],
  { remoteDeletes = true, signal }: RetentionOptions,
): Promise<LtxFileInfo[]> {
  if (!remoteDeletes || files.length === 0) return []
  signal?.throwIfAborted()
  await client.delete(files, signal)
  return [...files]
}

function list(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}
