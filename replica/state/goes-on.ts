import { damaged } from '../core/damaged.ts'
import { ReplicaError } from '../core/errors.ts'
import type { FileHead, OpenedFile } from './snapshot.ts'

/**
 * Times ascend with TXIDs (facts 11); a clock that is put right may go back by a moment. Two histories of one place lie
 * further apart where files of both are there at once.
 */
export const CLOCK_SLACK_MS = 5000
/** Of a chain link the lower half names the transaction before, the upper half the file's last one; 0 is unknown. */
const LINK_HALF = 32n

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
  if (file.info.minTXID === before.txid + 1n && !isLinked(before.link, head.link)) {
    throw damaged(file, new Error('it goes on from another transaction than the one before it'))
  }
}

/** True unless both links are known and say that the files are of two histories. */
function isLinked(before: bigint, after: bigint): boolean {
  const [name, predecessor] = [before >> LINK_HALF, BigInt.asUintN(32, after)]
  return name === 0n || predecessor === 0n || name === predecessor
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
