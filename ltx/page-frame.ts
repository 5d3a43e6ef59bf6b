import { codec } from './codec/codec.ts'
import type { LtxErrorCode, LtxErrorContext } from './errors.ts'
import { LtxError } from './errors.ts'
import { inflatePage } from './inflate-page.ts'
import {
  LEGACY_OVERHEAD,
  LEGACY_PREFIX_SIZE,
  measureLegacyFrame,
  readLegacyFrame,
  writeLegacyFrame,
} from './legacy-frame.ts'
import type { Pgno } from './pgno.ts'

/** How a page is framed: `block` is written by Litestream >= 0.5.16, `legacy` is what older ones read. */
export type FrameForm = 'block' | 'legacy'

/** One page of a database. */
export interface Page {
  readonly pgno: Pgno
  /** Page-size bytes. */
  readonly data: Uint8Array
}

/** Bytes of a page header: u32 BE pgno, u16 BE flags. */
export const PAGE_HEADER_SIZE = 6
/** Bytes in front of a block frame's payload: the page header and the u32 BE payload size. */
export const BLOCK_PREFIX_SIZE = 10
/** No frame is shorter. */
export const MIN_FRAME_SIZE = BLOCK_PREFIX_SIZE + 1

/** Page flag: a size and an LZ4 block follow. Without it, an LZ4 frame does. */
const PAGE_FLAG_SIZE = 1

/** The most that LZ4 can make of `length` bytes. */
export function lz4Bound(length: number): number {
  return length + Math.floor(length / 255) + 16
}

/** The most bytes a frame can have, in either form. */
export function maxFrameSize(pageSize: number): number {
  return Math.max(BLOCK_PREFIX_SIZE + lz4Bound(pageSize), PAGE_HEADER_SIZE + LEGACY_OVERHEAD + pageSize)
}

/** True when the six bytes at `at` end the page block. */
export function isEndOfPageBlock(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + PAGE_HEADER_SIZE; i++) if (bytes[i] !== 0) return false
  return true
}

/** The page number in the page header at `at`. */
export function readPgno(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

function isBlock(bytes: Uint8Array, at: number): boolean {
  return bytes[at + 5] === PAGE_FLAG_SIZE
}

/**
 * The length of the frame that begins at `at`, from its first bytes alone.
 *
 * @param available bytes from `at` on, at least 6
 * @returns bytes of the whole frame; as a negative number the bytes from `at` that are needed to tell
 * @throws LtxError when the page header or the sizes are impossible
 */
export function measureFrame(bytes: Uint8Array, at: number, available: number, pageSize: number): number {
  if (readPgno(bytes, at) === 0) fail('LTX_PGNO_ZERO', 'page number 0 with flags')
  const flags = (bytes[at + 4]! << 8) | bytes[at + 5]!
  if (flags === 0) {
    if (available < PAGE_HEADER_SIZE + LEGACY_PREFIX_SIZE) return -(PAGE_HEADER_SIZE + LEGACY_PREFIX_SIZE)
    return PAGE_HEADER_SIZE + measureLegacyFrame(bytes, at + PAGE_HEADER_SIZE, pageSize)
  }
  if (flags !== PAGE_FLAG_SIZE) fail('LTX_PAGE_FLAGS', `unknown page flags 0x${flags.toString(16)}`)
  if (available < BLOCK_PREFIX_SIZE) return -BLOCK_PREFIX_SIZE
  const size = readPgno(bytes, at + PAGE_HEADER_SIZE)
  const bound = lz4Bound(pageSize)
  if (size === 0) fail('LTX_FRAME_SIZE', 'compressed size 0')
  if (size > bound) fail('LTX_FRAME_SIZE', `compressed size ${size} exceeds LZ4 bound ${bound}`)
  return BLOCK_PREFIX_SIZE + size
}

/**
 * Decompress one frame into the codec's page region. In front of it comes what the file checksum covers with it.
 *
 * @param size as `measureFrame` returned it
 * @returns bytes of that prefix
 */
export function readFrame(bytes: Uint8Array, at: number, size: number, pageSize: number): number {
  const c = codec()
  c.bytes.set(bytes.subarray(at, at + size), c.frame)
  if (isBlock(bytes, at)) {
    inflatePage(c, c.frame + BLOCK_PREFIX_SIZE, size - BLOCK_PREFIX_SIZE, pageSize)
    c.bytes.copyWithin(c.page - BLOCK_PREFIX_SIZE, c.frame, c.frame + BLOCK_PREFIX_SIZE)
    return BLOCK_PREFIX_SIZE
  }
  readLegacyFrame(c, c.frame + PAGE_HEADER_SIZE, pageSize)
  c.bytes.copyWithin(c.page - PAGE_HEADER_SIZE, c.frame, c.frame + PAGE_HEADER_SIZE)
  return PAGE_HEADER_SIZE
}

/** The LZ4 block of a block frame, as a view; undefined for a legacy frame. */
export function blockPayload(bytes: Uint8Array, at: number, size: number): Uint8Array | undefined {
  return isBlock(bytes, at) ? bytes.subarray(at + BLOCK_PREFIX_SIZE, at + size) : undefined
}

/**
 * Make the frame of the page that lies in the codec's page region; it is left in the frame region, and in front
 * of the page comes what the file checksum covers with it.
 *
 * @param payload an LZ4 block of the very same page, taken over as it is (block form only)
 * @returns bytes of the frame
 */
export function writeFrame(
  pgno: Pgno,
  pageSize: number,
  options: { form: FrameForm; payload?: Uint8Array | undefined },
): number {
  const c = codec()
  const at = c.frame
  writeU32(c.bytes, at, pgno)
  c.bytes[at + 4] = 0
  if (options.form === 'legacy') {
    c.bytes[at + 5] = 0
    c.bytes.copyWithin(c.page - PAGE_HEADER_SIZE, at, at + PAGE_HEADER_SIZE)
    return PAGE_HEADER_SIZE + writeLegacyFrame(c, at + PAGE_HEADER_SIZE, pageSize)
  }
  c.bytes[at + 5] = PAGE_FLAG_SIZE
  let size: number
  if (options.payload) {
    c.bytes.set(options.payload, at + BLOCK_PREFIX_SIZE)
    size = options.payload.length
  } else size = c.lz4Compress(c.page, pageSize, at + BLOCK_PREFIX_SIZE)
  writeU32(c.bytes, at + PAGE_HEADER_SIZE, size)
  c.bytes.copyWithin(c.page - BLOCK_PREFIX_SIZE, at, at + BLOCK_PREFIX_SIZE)
  return BLOCK_PREFIX_SIZE + size
}

/** Bytes of a frame that the file checksum covers in front of the page. */
export function coveredPrefixSize(form: FrameForm): number {
  return form === 'block' ? BLOCK_PREFIX_SIZE : PAGE_HEADER_SIZE
}

/**
 * Decode one page frame of either form.
 *
 * @param frame exactly one frame, as the page index delimits it
 * @param pageSize bytes
 * @param at where the frame came from, for errors
 * @returns `data` is fresh and the caller's
 * @throws LtxError LTX_TRUNCATED, LTX_TRAILING_BYTES, LTX_PGNO_ZERO, LTX_PAGE_FLAGS, LTX_FRAME_*, LTX_LEGACY_*
 * @see README.md "Page frame"; superfly/ltx@8cb8f8e decoder.go DecodePageData
 */
export function decodePageFrame(frame: Uint8Array, pageSize: number, at: LtxErrorContext = {}): Page {
  try {
    let size = -PAGE_HEADER_SIZE
    if (frame.length >= PAGE_HEADER_SIZE) size = measureFrame(frame, 0, frame.length, pageSize)
    if (size < 0 || frame.length < size) fail('LTX_TRUNCATED', `${frame.length} bytes of ${Math.abs(size)}`)
    if (frame.length > size) fail('LTX_TRAILING_BYTES', `${frame.length - size} bytes follow it`)
    readFrame(frame, 0, size, pageSize)
    const c = codec()
    return { pgno: readPgno(frame, 0), data: c.bytes.slice(c.page, c.page + pageSize) }
  } catch (error) {
    if (!(error instanceof LtxError)) throw error
    throw error.locatedAt(frame.length < 4 ? at : { pgno: readPgno(frame, 0), ...at })
  }
}

/**
 * Encode one page as a block frame.
 *
 * @param data page-size bytes
 * @returns fresh
 */
export function encodePageFrame({ pgno, data }: Page): Uint8Array<ArrayBuffer> {
  const c = codec()
  c.bytes.set(data, c.page)
  const size = writeFrame(pgno, data.length, { form: 'block' })
  return c.bytes.slice(c.frame, c.frame + size) as Uint8Array<ArrayBuffer>
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

function fail(code: LtxErrorCode, reason: string): never {
  throw new LtxError(code, `Cannot decode page frame: ${reason}`)
}
