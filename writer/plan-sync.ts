import {
  isNextGeneration,
  sameChecksum,
  sameSalts,
  WAL_HEADER_SIZE,
  type WalFrameHeader,
  type WalHeader,
} from './wal.ts'
import { type WalPosition, walStart } from './wal-scan.ts'

/** How the next L0 file is to be made. */
export type SyncPlan =
  | { readonly kind: 'incremental'; readonly start: WalPosition }
  /** Every page of the database, because the chain from the last file cannot be proved. */
  | { readonly kind: 'image'; readonly reason: string }

export interface SyncFacts {
  /** Where the last L0 file ended in the WAL; undefined when there is none, or its place cannot be found. */
  readonly position: WalPosition | undefined
  /**
   * True when, since the reader's snapshot was pinned, one sync reached the end of the WAL. From then on nothing that
   * was not copied can leave the WAL: frames behind the pin are not checkpointed, and without that it does not restart.
   */
  readonly sealed: boolean
  readonly header: WalHeader
  /** Header of the last frame copied, which ends at `position.offset`; undefined at the front or past the file's end. */
  readonly frameBefore: WalFrameHeader | undefined
  /** Header of the frame at `position.offset`, if the file reaches so far. */
  readonly frameAfter: WalFrameHeader | undefined
}

/**
 * Decide whether the WAL goes on where the last L0 file ended.
 *
 * Stricter than upstream in two ways: a restart is believed only when salt1 grew by exactly one (two restarts while
 * nobody looked would otherwise pass for one), and only when no old frame stands behind the last one copied
 * (it would have been committed, checkpointed and missed).
 *
 * @see facts 3.6
 */
export function planSync(facts: SyncFacts): SyncPlan {
  const { position, header, frameBefore, frameAfter, sealed } = facts
  if (!position) return image('no position in the WAL')
  const copiedFrames = position.offset > WAL_HEADER_SIZE
  const lastFrameIntact =
    !copiedFrames ||
    (frameBefore !== undefined &&
      sameSalts(frameBefore, position) &&
      sameChecksum(frameBefore.checksum, position.checksum))

  if (sameSalts(header, position)) {
    return lastFrameIntact ? { kind: 'incremental', start: position } : image('the last copied WAL frame is gone')
  }
  if (!isNextGeneration(position, header)) return image('the WAL was restarted more than once')
  if (sealed) return { kind: 'incremental', start: walStart(header) }
  if (!copiedFrames || !lastFrameIntact) return image('the WAL was restarted and overwritten')
  if (frameAfter && sameSalts(frameAfter, position)) return image('the WAL was restarted with frames not yet copied')
  return { kind: 'incremental', start: walStart(header) }
}

function image(reason: string): SyncPlan {
  return { kind: 'image', reason }
}
