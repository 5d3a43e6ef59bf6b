import { walChecksum } from '../ltx/index.ts'
import { WriterError } from './errors.ts'

/** Bytes of the header at the front of a WAL. */
export const WAL_HEADER_SIZE = 32

/** Bytes of the header before each page in a WAL. */
export const WAL_FRAME_HEADER_SIZE = 24

const MAGIC_LITTLE_ENDIAN = 0x377f0682
const MAGIC_BIG_ENDIAN = 0x377f0683
const WAL_VERSION = 3007000

/** Two u32 words, as SQLite keeps them: the running checksum of a WAL up to some frame. */
export type WalChecksum = readonly [number, number]

/** The two salts that all frames of one WAL generation carry. `salt1` grows by one at each restart, `salt2` is random. */
export interface WalSalts {
  readonly salt1: number
  readonly salt2: number
}

export interface WalHeader extends WalSalts {
  /** Byte order of the checksum words only; every header field is big-endian. */
  readonly bigEndian: boolean
  readonly pageSize: number
  readonly checkpointSeq: number
  /** Seed of the first frame's checksum. */
  readonly checksum: WalChecksum
}

export interface WalFrameHeader extends WalSalts {
  readonly pgno: number
  /** Database size in pages after the transaction, for its last frame; else 0. */
  readonly commit: number
  /** Running checksum up to and including this frame. */
  readonly checksum: WalChecksum
}

/**
 * Parse the 32-byte WAL header.
 *
 * @param bytes the first bytes of the WAL; fewer than 32 are no header
 * @returns undefined for a header that is not (completely) there: SQLite writes it in one go, and treats a torn one as an empty WAL
 * @throws WriterError WRITER_BAD_WAL for a whole header of another kind
 * @see facts 3.7
 */
export function parseWalHeader(bytes: Uint8Array): WalHeader | undefined {
  if (bytes.length < WAL_HEADER_SIZE) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, WAL_HEADER_SIZE)
  const magic = view.getUint32(0)
  if (magic === 0) return undefined
  if (magic !== MAGIC_LITTLE_ENDIAN && magic !== MAGIC_BIG_ENDIAN)
    throw new WriterError('WRITER_BAD_WAL', `Cannot read WAL: unknown magic 0x${magic.toString(16)}`)
  const bigEndian = magic === MAGIC_BIG_ENDIAN
  const stored: WalChecksum = [view.getUint32(24), view.getUint32(28)]
  const actual = walChecksum(0, 0, bytes.subarray(0, 24), bigEndian)
  if (!sameChecksum(stored, actual)) return undefined
  const version = view.getUint32(4)
  if (version !== WAL_VERSION) throw new WriterError('WRITER_BAD_WAL', `Cannot read WAL: unknown version ${version}`)
  return {
    bigEndian,
    pageSize: view.getUint32(8),
    checkpointSeq: view.getUint32(12),
    salt1: view.getUint32(16),
    salt2: view.getUint32(20),
    checksum: stored,
  }
}

/** Parse a 24-byte frame header; `offset` is where it starts in `bytes`. Verifies nothing. */
export function parseWalFrameHeader(bytes: Uint8Array, offset = 0): WalFrameHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, WAL_FRAME_HEADER_SIZE)
  return {
    pgno: view.getUint32(0),
    commit: view.getUint32(4),
    salt1: view.getUint32(8),
    salt2: view.getUint32(12),
    checksum: [view.getUint32(16), view.getUint32(20)],
  }
}

/** Bytes of one frame: header and page. */
export function walFrameSize(pageSize: number): number {
  return WAL_FRAME_HEADER_SIZE + pageSize
}

/** Bytes of a WAL that holds `frames` frames. */
export function walSizeOf(frames: number, pageSize: number): number {
  return WAL_HEADER_SIZE + frames * walFrameSize(pageSize)
}

export function sameSalts(a: WalSalts, b: WalSalts): boolean {
  return a.salt1 === b.salt1 && a.salt2 === b.salt2
}

export function sameChecksum(a: WalChecksum, b: WalChecksum): boolean {
  return a[0] === b[0] && a[1] === b[1]
}

/** True when `next` can be the generation right after `previous`: SQLite adds one to salt1 at every restart. */
export function isNextGeneration(previous: WalSalts, next: WalSalts): boolean {
  return next.salt1 === (previous.salt1 + 1) >>> 0
}
