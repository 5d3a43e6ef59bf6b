import { CHECKSUM_FLAG } from './checksum.ts'
import type { LtxErrorCode } from './errors.ts'
import { LtxError } from './errors.ts'
import type { Header } from './header.ts'
import { hasChecksums } from './header.ts'

/** Bytes of an encoded trailer. */
export const TRAILER_SIZE = 16

/** The last 16 bytes of an LTX file (facts 1.6). */
export interface Trailer {
  /** Database checksum after the file has been applied; 0n without checksums. */
  readonly postApplyChecksum: bigint
  /** Checksum of this file; README.md says over which bytes. */
  readonly fileChecksum: bigint
}

/**
 * Check every rule for a trailer that follows `header`.
 *
 * @throws LtxError with one code per rule
 * @see superfly/ltx@8cb8f8e ltx.go Trailer.Validate, encoder.go Close (commit 0)
 */
export function validateTrailer(trailer: Trailer, header: Pick<Header, 'flags' | 'commit'>): void {
  validatePostApplyChecksum(trailer.postApplyChecksum, header)
  if ((trailer.fileChecksum & CHECKSUM_FLAG) === 0n) {
    fail('LTX_FILE_CHECKSUM_FLAG', 'bit 63 of the file checksum is not set')
  }
}

/** The part of `validateTrailer` that is known before the file checksum is. */
export function validatePostApplyChecksum(post: bigint, header: Pick<Header, 'flags' | 'commit'>): void {
  if (!hasChecksums(header)) {
    if (post !== 0n)
      fail('LTX_POST_APPLY_WITH_NO_CHECKSUM', 'it has a post-apply checksum although the flags rule it out')
    return
  }
  if (post === 0n) fail('LTX_POST_APPLY_MISSING', 'the post-apply checksum is missing')
  if ((post & CHECKSUM_FLAG) === 0n) fail('LTX_POST_APPLY_FLAG', 'bit 63 of the post-apply checksum is not set')
  if (header.commit === 0 && post !== CHECKSUM_FLAG) {
    fail('LTX_POST_APPLY_EMPTY_DATABASE', 'the post-apply checksum of an empty database must be the flag alone')
  }
}

/** @returns 16 fresh bytes, big-endian; not validated */
export function encodeTrailer(trailer: Trailer): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(TRAILER_SIZE)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, trailer.postApplyChecksum)
  view.setBigUint64(8, trailer.fileChecksum)
  return bytes
}

/**
 * Decode and validate a trailer.
 *
 * @param bytes exactly 16
 * @throws LtxError LTX_TRUNCATED, or as `validateTrailer`
 */
export function decodeTrailer(bytes: Uint8Array, header: Pick<Header, 'flags' | 'commit'>): Trailer {
  if (bytes.length < TRAILER_SIZE) fail('LTX_TRUNCATED', `${bytes.length} bytes of ${TRAILER_SIZE}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, TRAILER_SIZE)
  const trailer = { postApplyChecksum: view.getBigUint64(0), fileChecksum: view.getBigUint64(8) }
  validateTrailer(trailer, header)
  return trailer
}

function fail(code: LtxErrorCode, reason: string): never {
  throw new LtxError(code, `Cannot accept LTX trailer: ${reason}`)
}
