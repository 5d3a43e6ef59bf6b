import { listLevels, type RestoreTarget } from '../../replica/index.ts'
import type { ReplicaClient, V3FileInfo } from '../../storage/index.ts'
import { WriterError } from '../errors.ts'
import { planV3Restore, type V3Plan } from './plan-v3-restore.ts'
import { prefersV3 } from './prefers-v3.ts'

/**
 * The restore from a v0.3 backup that `restore` would make; undefined when it would take LTX files.
 * A TXID is never in a v0.3 backup, and stores other than file and s3 have none.
 *
 * @throws WriterError WRITER_GAP, WRITER_TX_NOT_AVAILABLE; StorageError
 */
export async function findV3Restore(
  client: ReplicaClient,
  { txid, timestamp, signal }: RestoreTarget & { readonly signal?: AbortSignal | undefined },
): Promise<V3Plan | undefined> {
  if (txid !== undefined || client.v3 === undefined) return undefined
  const files = await Array.fromAsync(client.v3.list(signal))
  if (files.length === 0) return undefined
  const useMetadata = timestamp !== undefined
  if (!prefersV3(files, await listLevels(client, { useMetadata, ...(signal && { signal }) }), timestamp)) {
    return undefined
  }
  return planV3Restore(files, timestamp) ?? fail(files, timestamp)
}

function fail(files: readonly V3FileInfo[], timestamp: number | undefined): never {
  const snapshots = files.filter(({ kind }) => kind === 'snapshot')
  if (snapshots.length === 0) {
    throw new WriterError('WRITER_NO_BACKUP', 'Cannot restore: the v0.3 backup has no snapshot', {
      hint: 'Check the URL, or restore from another replica.',
    })
  }
  const first = Math.ceil(Math.min(...snapshots.map(({ createdAt }) => createdAt)))
  const asked = new Date(timestamp ?? 0).toISOString()
  throw new WriterError(
    'WRITER_TX_NOT_AVAILABLE',
    `Cannot restore: the v0.3 backup has no snapshot from ${asked} or before`,
    {
      hint: `Choose a time from ${new Date(first).toISOString()} on.`,
    },
  )
}
