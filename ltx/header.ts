import type { ChainLink } from './chain-link.ts'
import { CHECKSUM_FLAG } from './checksum.ts'
import type { LtxErrorCode } from './errors.ts'
import { LtxError } from './errors.ts'
import { isValidPageSize } from './page-size.ts'
import type { TXID } from './txid.ts'
import { formatTXID, MAX_TXID } from './txid.ts'

/** Bytes of an encoded header. */
export const HEADER_SIZE = 100
/** The one legal header flag: the file has no pre- and post-apply checksums. Litestream always sets it. */
export const HEADER_FLAG_NO_CHECKSUM = 2

const MAGIC = 0x4c545831 // 'LTX1'
const MAX_U32 = 0xffff_ffff

/** The first 100 bytes of an LTX file (facts 1.1). */
export interface Header {
  /** 0 or HEADER_FLAG_NO_CHECKSUM. */
  readonly flags: number
  /** Bytes. */
  readonly pageSize: number
  /** Database size in pages after the file has been applied. */
  readonly commit: number
  readonly minTXID: TXID
  readonly maxTXID: TXID
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number
  /** Database checksum before the file is applied; 0n for snapshots and without checksums. */
  readonly preApplyChecksum: bigint
  /** Bytes; where in the WAL the file's frames began, 0 when it was not made from a WAL. */
  readonly walOffset: number
  /** Bytes of the WAL covered. */
  readonly walSize: number
  readonly walSalt1: number
  readonly walSalt2: number
  /** Which commit the file ends with, and which one it goes on from: a `ChainLink`, under Litestream's name. */
  readonly nodeID: ChainLink
}

/** True when the file holds a whole database: solely `minTXID === 1`, whatever its level. */
export function isSnapshot(header: Pick<Header, 'minTXID'>): boolean {
  return header.minTXID === 1n
}

/** True when the file carries pre- and post-apply checksums. */
export function hasChecksums(header: Pick<Header, 'flags'>): boolean {
  return (header.flags & HEADER_FLAG_NO_CHECKSUM) === 0
}

/**
 * Check every rule for a header; the encoder and the decoder both do.
 *
 * @throws LtxError with one code per rule
 * @see superfly/ltx@8cb8f8e ltx.go Header.Validate; that widths and commit 0 are checked is ours
 */
export function validateHeader(header: Header): void {
  const { flags, pageSize, commit, minTXID, maxTXID, walOffset, walSize } = header
  if ((flags & ~HEADER_FLAG_NO_CHECKSUM) !== 0) fail('LTX_HEADER_FLAGS', `unknown flags 0x${flags.toString(16)}`)
  if (!isValidPageSize(pageSize)) fail('LTX_PAGE_SIZE', `page size ${pageSize} is not a power of two in 512..65536`)
  if (minTXID === 0n) fail('LTX_MIN_TXID_ZERO', 'the minimum TXID is 0')
  if (maxTXID === 0n) fail('LTX_MAX_TXID_ZERO', 'the maximum TXID is 0')
  if (minTXID > maxTXID) {
    fail('LTX_TXID_ORDER', `the minimum TXID ${formatTXID(minTXID)} exceeds the maximum ${formatTXID(maxTXID)}`)
  }
  if (walOffset < 0) fail('LTX_WAL_OFFSET_NEGATIVE', `the WAL offset ${walOffset} is negative`)
  if (walSize < 0) fail('LTX_WAL_SIZE_NEGATIVE', `the WAL size ${walSize} is negative`)
  if (walOffset === 0 && (header.walSalt1 !== 0 || header.walSalt2 !== 0)) {
    fail('LTX_WAL_SALT_WITHOUT_OFFSET', 'it has WAL salts but no WAL offset')
  }
  if (walOffset === 0 && walSize !== 0) fail('LTX_WAL_SIZE_WITHOUT_OFFSET', 'it has a WAL size but no WAL offset')
  validatePreApplyChecksum(header)
  if (commit === 0 && !hasChecksums(header)) {
    fail('LTX_COMMIT_ZERO', 'a database of 0 pages needs checksums, which the flags rule out')
  }
  validateRanges(header)
}

function validatePreApplyChecksum(header: Header): void {
  const pre = header.preApplyChecksum
  if (isSnapshot(header)) {
    if (pre !== 0n) fail('LTX_PRE_APPLY_IN_SNAPSHOT', 'a snapshot has no pre-apply checksum')
  } else if (!hasChecksums(header)) {
    if (pre !== 0n) fail('LTX_PRE_APPLY_WITH_NO_CHECKSUM', 'it has a pre-apply checksum although the flags rule it out')
  } else {
    if (pre === 0n) fail('LTX_PRE_APPLY_MISSING', 'the pre-apply checksum is missing')
    if ((pre & CHECKSUM_FLAG) === 0n) fail('LTX_PRE_APPLY_FLAG', 'bit 63 of the pre-apply checksum is not set')
  }
}

function validateRanges(header: Header): void {
  for (const field of ['commit', 'walSalt1', 'walSalt2'] as const) {
    const value = header[field]
    if (!Number.isInteger(value) || value < 0 || value > MAX_U32) fail('LTX_HEADER_RANGE', `${field} is ${value}`)
  }
  for (const field of ['timestamp', 'walOffset', 'walSize'] as const) {
    if (!Number.isSafeInteger(header[field])) fail('LTX_HEADER_RANGE', `${field} is ${header[field]}`)
  }
  for (const field of ['minTXID', 'maxTXID', 'preApplyChecksum', 'nodeID'] as const) {
    const value = header[field]
    if (value < 0n || value > MAX_TXID) fail('LTX_HEADER_RANGE', `${field} is ${value}`)
  }
}

/**
 * Encode a header after validating it.
 *
 * @returns 100 fresh bytes, big-endian
 * @throws LtxError as `validateHeader`
 */
export function encodeHeader(header: Header): Uint8Array<ArrayBuffer> {
  validateHeader(header)
  const bytes = new Uint8Array(HEADER_SIZE)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC)
  view.setUint32(4, header.flags)
  view.setUint32(8, header.pageSize)
  view.setUint32(12, header.commit)
  view.setBigUint64(16, header.minTXID)
  view.setBigUint64(24, header.maxTXID)
  view.setBigInt64(32, BigInt(header.timestamp))
  view.setBigUint64(40, header.preApplyChecksum)
  view.setBigInt64(48, BigInt(header.walOffset))
  view.setBigInt64(56, BigInt(header.walSize))
  view.setUint32(64, header.walSalt1)
  view.setUint32(68, header.walSalt2)
  view.setBigUint64(72, header.nodeID)
  return bytes
}

/**
 * Decode and validate a header.
 *
 * @param bytes at least 100; what follows is not looked at
 * @throws LtxError LTX_TRUNCATED, LTX_BAD_MAGIC, or as `validateHeader`
 */
export function decodeHeader(bytes: Uint8Array): Header {
  if (bytes.length < HEADER_SIZE) fail('LTX_TRUNCATED', `${bytes.length} bytes of ${HEADER_SIZE}`, 'decode')
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_SIZE)
  if (view.getUint32(0) !== MAGIC) fail('LTX_BAD_MAGIC', 'the file does not begin with LTX1', 'decode')
  const header: Header = {
    flags: view.getUint32(4),
    pageSize: view.getUint32(8),
    commit: view.getUint32(12),
    minTXID: view.getBigUint64(16),
    maxTXID: view.getBigUint64(24),
    timestamp: Number(view.getBigInt64(32)),
    preApplyChecksum: view.getBigUint64(40),
    walOffset: Number(view.getBigInt64(48)),
    walSize: Number(view.getBigInt64(56)),
    walSalt1: view.getUint32(64),
    walSalt2: view.getUint32(68),
    nodeID: view.getBigUint64(72),
  }
  validateHeader(header)
  return header
}

function fail(code: LtxErrorCode, reason: string, verb = 'accept'): never {
  throw new LtxError(code, `Cannot ${verb} LTX header: ${reason}`)
}
