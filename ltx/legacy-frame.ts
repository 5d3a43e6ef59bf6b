import type { Codec } from './codec/codec.ts'
import type { LtxErrorCode } from './errors.ts'
import { LtxError } from './errors.ts'
import { inflatePage } from './inflate-page.ts'

/**
 * The one LZ4 frame header Litestream < 0.5.16 wrote: magic; FLG 64 (version 1, independent blocks, content
 * checksum); BD 40 (64 KiB blocks); header checksum A7 (facts 1.3). Anything else is refused.
 */
const MAGIC = [0x04, 0x22, 0x4d, 0x18] as const
const DESCRIPTOR = [0x64, 0x40, 0xa7] as const

/** Bytes up to the data block: magic, descriptor, u32 LE block size. */
export const LEGACY_PREFIX_SIZE = 11
/** Bytes behind the data block: u32 LE end mark 0, u32 LE xxh32 of the page. */
const SUFFIX_SIZE = 8
/** Bytes of a legacy frame besides its data block, the page header not counted. */
export const LEGACY_OVERHEAD = LEGACY_PREFIX_SIZE + SUFFIX_SIZE

/** Bit 31 of the block size: the block is the page itself. */
const STORED = 0x8000_0000

/**
 * The length of the LZ4 frame at `at`, from its first 11 bytes.
 *
 * @throws LtxError LTX_LEGACY_MAGIC, LTX_LEGACY_DESCRIPTOR, LTX_LEGACY_BLOCK
 */
export function measureLegacyFrame(bytes: Uint8Array, at: number, pageSize: number): number {
  if (!matches(bytes, at, MAGIC)) fail('LTX_LEGACY_MAGIC', 'no LZ4 frame magic')
  if (!matches(bytes, at + 4, DESCRIPTOR)) fail('LTX_LEGACY_DESCRIPTOR', 'its LZ4 frame descriptor is not 64 40 a7')
  const word = readU32LE(bytes, at + 7)
  const size = word & ~STORED
  if (size === 0) fail('LTX_LEGACY_BLOCK', 'its LZ4 frame holds no data block')
  if (size > pageSize) fail('LTX_LEGACY_BLOCK', `its data block of ${size} bytes exceeds the page size ${pageSize}`)
  if (word < 0 && size !== pageSize) {
    fail('LTX_LEGACY_BLOCK', `its stored data block of ${size} bytes is not a page of ${pageSize}`)
  }
  return LEGACY_OVERHEAD + size
}

/** Decode the measured LZ4 frame at `at` of the codec's memory into the page region, and verify its checksum. */
export function readLegacyFrame(c: Codec, at: number, pageSize: number): void {
  const word = readU32LE(c.bytes, at + 7)
  const size = word & ~STORED
  const block = at + LEGACY_PREFIX_SIZE
  if (readU32LE(c.bytes, block + size) !== 0) fail('LTX_LEGACY_END_MARK', 'a second data block follows the first')
  if (word < 0) c.bytes.copyWithin(c.page, block, block + size)
  else inflatePage(c, block, size, pageSize)
  const expected = readU32LE(c.bytes, block + size + 4)
  if (c.xxh32(c.page, pageSize) !== expected) fail('LTX_LEGACY_CHECKSUM', 'the page does not match its xxh32')
}

/** Write the page in the codec's page region as an LZ4 frame at `at` of its memory. @returns bytes */
export function writeLegacyFrame(c: Codec, at: number, pageSize: number): number {
  c.bytes.set(MAGIC, at)
  c.bytes.set(DESCRIPTOR, at + 4)
  const block = at + LEGACY_PREFIX_SIZE
  let size = c.lz4Compress(c.page, pageSize, block)
  if (size < pageSize) writeU32LE(c.bytes, at + 7, size)
  else {
    size = pageSize
    c.bytes.copyWithin(block, c.page, c.page + pageSize)
    writeU32LE(c.bytes, at + 7, size | STORED)
  }
  writeU32LE(c.bytes, block + size, 0)
  writeU32LE(c.bytes, block + size + 4, c.xxh32(c.page, pageSize))
  return LEGACY_OVERHEAD + size
}

function matches(bytes: Uint8Array, at: number, expected: readonly number[]): boolean {
  return expected.every((byte, i) => bytes[at + i] === byte)
}

/** As a signed number, so that bit 31 is its sign. */
function readU32LE(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

function writeU32LE(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

function fail(code: LtxErrorCode, reason: string): never {
  throw new LtxError(code, `Cannot decode page frame: ${reason}`)
}
