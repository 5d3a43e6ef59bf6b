import type { LtxFileInfo } from '../../storage/index.ts'
import { isStorageError } from '../../storage/index.ts'
import { catchUp } from '../state/catch-up.ts'
import { areAsListed, filesSince, listing } from '../state/files-since.ts'
import type { OpenSnapshotContext } from '../state/open-snapshot.ts'
import { FileGone } from '../state/range-reader.ts'
import type { Snapshot } from '../state/snapshot.ts'
import { loadSnapshot } from './saved-snapshot.ts'

/**
 * The newest state by the page map that lies beside the catalog, and by the files that came since: two rounds, where opening
 * the files one by one takes many requests.
 *
 * @param files all there are, as the catalog lists them
 * @returns undefined where there is no page map, or not one of these files: it only saves time
 * @throws StorageError, ReplicaError for the files that came since
 */
export async function openPublished(
  files: readonly LtxFileInfo[],
  context: OpenSnapshotContext,
): Promise<Snapshot | undefined> {
  const bytes = await readPageMap(context)
  const state = bytes && loadSnapshot(bytes, context.cache)
  if (state === undefined || !isMadeOf(state, files)) return undefined
  const newer = filesSince(state, files)
  if (newer === undefined) return undefined
  if (newer.length === 0) return state
  context.account.roundTrip()
  try {
    const newest = await catchUp(state, newer, context)
    return (await areAsListed(newer, context)) ? newest : undefined
  } catch (error) {
    if (error instanceof FileGone) return undefined
    throw error
  }
}

async function readPageMap({ client, account, signal }: OpenSnapshotContext): Promise<Uint8Array | undefined> {
  try {
    const bytes = await client.readPageMap?.(signal)
    if (bytes === undefined) return undefined
    account.roundTrip()
    account.request(bytes.length)
    account.received(bytes.length)
    return bytes
  } catch (error) {
    if (isStorageError(error)) return undefined
    throw error
  }
}

/** Names alone tell little: a bucket that was emptied and begun anew uses the same ones. */
function isMadeOf(state: Snapshot, files: readonly LtxFileInfo[]): boolean {
  const listed = new Set(files.map(listing))
  return state.files().every(({ info }) => listed.has(listing(info)))
}
