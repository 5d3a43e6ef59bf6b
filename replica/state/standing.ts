import { Decoder, isLtxError } from '../../ltx/index.ts'
import type { LtxFileName } from '../../storage/index.ts'
import { damaged } from '../core/damaged.ts'
import type { OpenFileContext } from './open-file.ts'
import { FileGone } from './range-reader.ts'
import type { Snapshot } from './snapshot.ts'
import type { SourceFile } from './source-file.ts'

/** What has become of a file that was read once: still that file, another one of its name, or none. */
export type Standing = 'there' | 'other' | 'gone'

/** What reading a few bytes of a file takes. */
export type ProofContext = Pick<OpenFileContext, 'reader' | 'account' | 'signal'>

/** u64 BE post-apply checksum, u64 BE file checksum (facts 1.6). */
const TRAILER_SIZE = 16
/** A file of a last transaction that is longer than this, and in the place of a longer one, cannot be told apart. */
const MAX_WHOLE_BYTES = 16 * 1024 * 1024

/**
 * Whether the place still has a state's history: its last file's trailer holds the checksum of all that is in it. One
 * request. What was read of the place before it was asked, and lies behind that file, is of the same history: a place is
 * begun anew from its first transaction on.
 *
 * @throws StorageError; ReplicaError REPLICA_DAMAGED when the file has been cut short
 */
export async function standingOf(state: Snapshot, context: ProofContext): Promise<Standing> {
  return await standingOfFile(state.newest, context)
}

/** What has become of a file. Throws as `standingOf` does. */
export async function standingOfFile(file: SourceFile, context: ProofContext): Promise<Standing> {
  const { info, checksum } = file
  try {
    const range = { offset: info.size - TRAILER_SIZE, size: TRAILER_SIZE }
    const bytes = await context.reader.read(info, range, context)
    if (bytes.length === TRAILER_SIZE) {
      const found = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(TRAILER_SIZE - 8)
      return found === checksum ? 'there' : 'other'
    }
    return await standingByContent(file, context)
  } catch (error) {
    if (error instanceof FileGone) return 'gone'
    throw error
  }
}

/** A shorter file than the known one: another one, or an answer that was cut off. Proved by its whole content. */
async function standingByContent({ info, checksum, key }: SourceFile, context: ProofContext): Promise<Standing> {
  const bytes = await context.reader.read(info, { offset: 0, size: Math.min(info.size, MAX_WHOLE_BYTES) }, context)
  try {
    const decoder = new Decoder({ key })
    decoder.push(bytes)
    while (typeof decoder.nextPage() === 'object');
    return decoder.end().fileChecksum === checksum ? 'there' : 'other'
  } catch (error) {
    throw isLtxError(error) ? damaged({ key }, error, error.at) : error
  }
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
