import { goesOnFrom } from '../../ltx/index.ts'
import { damaged } from '../core/damaged.ts'
import { ReplicaError } from '../core/errors.ts'
import type { FileHead, OpenedFile } from './snapshot.ts'

/**
 * Times ascend with TXIDs (facts 11); a clock that is put right may go back by a moment. Two histories of one place lie
 * further apart where files of both are there at once.
 */
export const CLOCK_SLACK_MS = 5000

/** What the header of a state's last file says. */
export interface LastFile extends FileHead {
  readonly txid: bigint
}

/**
 * Refuse a file that cannot come after a state, by what the headers say. Their times are no reason: the primary's clock may
 * have been ahead for a while.
 * @throws ReplicaError REPLICA_PAGE_SIZE, REPLICA_DAMAGED
 */
export function mustGoOn(before: LastFile, { file, head }: OpenedFile): void {
  if (head.pageSize !== before.pageSize) throw differentPageSize(file, head.pageSize, before.pageSize)
  if (file.info.minTXID === before.txid + 1n && goesOnFrom(before.link, head.link) === false) {
    throw damaged(file, new Error('it goes on from another transaction than the one before it'))
  }
}

/** The error for a file that cannot belong to the same database. */
function differentPageSize(file: { readonly key: string }, found: number, wanted: number): ReplicaError {
  return new ReplicaError(
    'REPLICA_PAGE_SIZE',
    `Cannot read ${file.key}: its pages have ${found} bytes, those of older files ${wanted}`,
    {
      at: { key: file.key },
      hint: 'Two databases were replicated to one place; replicate each to a place of its own.',
    },
  )
}
