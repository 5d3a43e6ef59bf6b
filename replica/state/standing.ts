import { HEADER_SIZE } from '../../ltx/index.ts'
import type { LtxFileName } from '../../storage/index.ts'
import { damaged } from '../pages/page-fetcher.ts'
import { type OpenFileContext, readHead } from './open-file.ts'
import { FileGone } from './range-reader.ts'
import type { Snapshot } from './snapshot.ts'

/** What has become of the file of a state's last transaction: still that file, another one of its name, or none. */
export type Standing = 'there' | 'other' | 'gone'

/** What reading a few bytes of a file takes. */
export type ProofContext = Pick<OpenFileContext, 'reader' | 'account' | 'signal'>

/** u64 BE post-apply checksum, u64 BE file checksum (facts 1.6). */
const TRAILER_SIZE = 16

/**
 * Whether the place still has a state's history: its last file's trailer holds the checksum of all that is in it. One
 * request. What was read of the place before it was asked, and lies behind that file, is of the same history: a place is
 * begun anew from its first transaction on.
 *
 * @throws StorageError; ReplicaError REPLICA_DAMAGED when the file has been cut short
 */
export async function standingOf(state: Snapshot, context: ProofContext): Promise<Standing> {
  const { info, checksum } = state.newest
  try {
    const range = { offset: info.size - TRAILER_SIZE, size: TRAILER_SIZE }
    const bytes = await context.reader.read(info, range, context)
    if (bytes.length === TRAILER_SIZE) {
      const found = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(TRAILER_SIZE - 8)
      return found === checksum ? 'there' : 'other'
    }
    return await standingByHeader(state, context)
  } catch (error) {
    if (error instanceof FileGone) return 'gone'
    throw error
  }
}

/** A shorter file than the state's: another one, or an answer that was cut off. */
async function standingByHeader(state: Snapshot, context: ProofContext): Promise<Standing> {
  const { info } = state.newest
  const head = await readHead(info, context).catch((error: unknown) => {
    if (error instanceof FileGone) throw error
    return undefined
  })
  if (
    head &&
    (head.timestamp !== state.timestamp || head.pageSize !== state.pageSize || head.commit !== state.commit)
  ) {
    return 'other'
  }
  throw damaged(state.newest, new Error(`it is shorter than the ${info.size} bytes listed`), { offset: HEADER_SIZE })
}

/** Whether there is such a file. One request. @throws StorageError */
export async function isThere(file: LtxFileName, { reader, account, signal }: ProofContext): Promise<boolean> {
  try {
    await reader.read(file, { offset: 0, size: 1 }, { account, signal })
    return true
  } catch (error) {
    if (error instanceof FileGone) return false
    throw error
  }
}
