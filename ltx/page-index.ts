import type { LtxErrorCode } from './errors.ts'
import { LtxError } from './errors.ts'
import { HEADER_SIZE } from './header.ts'
import { MIN_FRAME_SIZE, maxFrameSize, PAGE_HEADER_SIZE } from './page-frame.ts'
import type { Pgno } from './pgno.ts'
import { TRAILER_SIZE } from './trailer.ts'
import { VarintReader, varintSize, writeVarint } from './varint.ts'

/** Bytes of the size field behind the index. */
export const INDEX_SIZE_FIELD = 8

/** Where one page's frame is. */
export interface PageIndexEntry {
  readonly pgno: Pgno
  /** Bytes from the start of the file to the frame's 6-byte page header. */
  readonly offset: number
  /** Bytes of the whole frame. */
  readonly size: number
}

/**
 * The frames of one file in order: 12 bytes each, no object per page. It only grows by `append`, and frames
 * follow one another without gaps, so a frame's end is the next one's offset.
 */
export class PageIndex implements Iterable<PageIndexEntry> {
  #pgnos = new Uint32Array(64)
  /** One more than there are pages: the last is the end of the last frame. */
  #offsets = new Float64Array(65)
  #length = 0
  #encodedSize = 1 + INDEX_SIZE_FIELD

  constructor() {
    this.#offsets[0] = HEADER_SIZE
  }

  /** Pages. */
  get length(): number {
    return this.#length
  }

  /** Offset just behind the last frame. */
  get end(): number {
    return this.#offsets[this.#length]!
  }

  /** Bytes that `encodePageIndex` makes of it. */
  get encodedSize(): number {
    return this.#encodedSize
  }

  pgno(i: number): number {
    return this.#pgnos[i]!
  }

  offset(i: number): number {
    return this.#offsets[i]!
  }

  size(i: number): number {
    return this.#offsets[i + 1]! - this.#offsets[i]!
  }

  /** The i-th frame, 0 <= i < length. */
  entry(i: number): PageIndexEntry {
    return { pgno: this.pgno(i), offset: this.offset(i), size: this.size(i) }
  }

  /** The frame of a page, or undefined when the file does not hold it. */
  find(pgno: Pgno): PageIndexEntry | undefined {
    let low = 0
    let high = this.#length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#pgnos[middle]! < pgno) low = middle + 1
      else high = middle
    }
    return low < this.#length && this.#pgnos[low] === pgno ? this.entry(low) : undefined
  }

  *[Symbol.iterator](): Generator<PageIndexEntry> {
    for (let i = 0; i < this.#length; i++) yield this.entry(i)
  }

  /** Add the next frame. Its page number must be the highest so far: the caller has checked that. */
  append(pgno: Pgno, size: number): void {
    if (this.#length === this.#pgnos.length) this.#grow()
    const offset = this.end
    this.#pgnos[this.#length] = pgno
    this.#offsets[this.#length + 1] = offset + size
    this.#encodedSize += varintSize(pgno) + varintSize(offset) + varintSize(size)
    this.#length++
  }

  #grow(): void {
    const capacity = this.#pgnos.length * 2
    const pgnos = new Uint32Array(capacity)
    const offsets = new Float64Array(capacity + 1)
    pgnos.set(this.#pgnos)
    offsets.set(this.#offsets)
    this.#pgnos = pgnos
    this.#offsets = offsets
  }
}

/**
 * Write an index: three varints per frame, varint 0, and the length of all that as u64 BE.
 *
 * @param bytes with room for `index.encodedSize` at `at`
 * @returns the position after it
 */
export function writePageIndex(index: PageIndex, bytes: Uint8Array, at: number): number {
  let end = at
  for (let i = 0; i < index.length; i++) {
    end = writeVarint(bytes, end, index.pgno(i))
    end = writeVarint(bytes, end, index.offset(i))
    end = writeVarint(bytes, end, index.size(i))
  }
  end = writeVarint(bytes, end, 0)
  new DataView(bytes.buffer, bytes.byteOffset + end).setBigUint64(0, BigInt(end - at))
  return end + INDEX_SIZE_FIELD
}

/** Encode an index into fresh bytes, ready to stand before the trailer. */
export function encodePageIndex(index: PageIndex): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(index.encodedSize)
  writePageIndex(index, bytes, 0)
  return bytes
}

/** What the header and the file's length say about an index. */
export interface PageIndexLimits {
  /** From the header. */
  readonly commit: number
  readonly pageSize: number
  /** Absolute offset of the index's first byte: the frames must end 6 bytes before it. */
  readonly indexOffset: number
}

/**
 * Decode a whole index and prove it: pages ascending and at most `commit`, frames of possible sizes that fill
 * the page block from its first byte to its last.
 *
 * @param bytes varints, terminator and size field; exactly those
 * @throws LtxError LTX_INDEX_*, LTX_TRUNCATED, LTX_TRAILING_BYTES
 * @see superfly/ltx@8cb8f8e decoder.go DecodePageIndex, which trusts it
 */
export function decodePageIndex(bytes: Uint8Array, limits: PageIndexLimits): PageIndex {
  const index = new PageIndex()
  const reader = new VarintReader(bytes, 0, bytes.length)
  const maxSize = maxFrameSize(limits.pageSize)
  let previous = 0
  for (;;) {
    const at = limits.indexOffset + reader.position
    const pgno = reader.next()
    if (pgno === 0) break
    const offset = reader.next()
    const size = reader.next()
    if (pgno < 0 || offset < 0 || size < 0) fail('LTX_TRUNCATED', 'it has no terminator', { offset: at })
    if (pgno <= previous) fail('LTX_INDEX_ORDER', `page ${pgno} follows page ${previous}`, { offset: at })
    if (pgno > limits.commit) fail('LTX_INDEX_RANGE', `page ${pgno} of ${limits.commit}`, { offset: at })
    if (size < MIN_FRAME_SIZE || size > maxSize)
      fail('LTX_INDEX_RANGE', `a frame of ${size} bytes`, { offset: at, pgno })
    if (offset !== index.end) fail('LTX_INDEX_CHAIN', `a frame at ${offset}, not ${index.end}`, { offset: at, pgno })
    index.append(pgno, size)
    previous = pgno
  }
  checkIndexSize(bytes, reader.position)
  const end = limits.indexOffset - PAGE_HEADER_SIZE
  if (index.end !== end) fail('LTX_INDEX_CHAIN', `its frames end at ${index.end}, the page block ends at ${end}`, {})
  return index
}

function checkIndexSize(bytes: Uint8Array, at: number): void {
  const rest = bytes.length - at
  if (rest < INDEX_SIZE_FIELD) fail('LTX_TRUNCATED', 'its size field is missing', {})
  if (rest > INDEX_SIZE_FIELD) fail('LTX_TRAILING_BYTES', `${rest - INDEX_SIZE_FIELD} bytes follow it`, {})
  const size = new DataView(bytes.buffer, bytes.byteOffset + at).getBigUint64(0)
  if (size !== BigInt(at)) fail('LTX_INDEX_SIZE', `its size field says ${size}, it has ${at} bytes`, {})
}

/**
 * Find the index from the end of a file.
 *
 * @param tail the last bytes of the file, at least 24
 * @param fileSize bytes of the whole file
 * @returns `offset`: absolute, of the index's first byte; `size`: bytes up to the trailer, the size field included.
 *   So `[offset, offset + size)` is what `decodePageIndex` takes; `tail` need not hold all of it.
 * @throws LtxError LTX_TRUNCATED, LTX_INDEX_SIZE when the size field points outside the file
 */
export function locatePageIndex(tail: Uint8Array, fileSize: number): { offset: number; size: number } {
  const footer = INDEX_SIZE_FIELD + TRAILER_SIZE
  if (tail.length < footer) fail('LTX_TRUNCATED', `${tail.length} bytes of the file's end, ${footer} are needed`, {})
  const field = new DataView(tail.buffer, tail.byteOffset + tail.length - footer).getBigUint64(0)
  const most = fileSize - footer - HEADER_SIZE - PAGE_HEADER_SIZE
  if (field < 1n || field > BigInt(Math.max(0, most))) {
    fail('LTX_INDEX_SIZE', `its size field says ${field}, the file has room for ${most}`, { offset: fileSize - footer })
  }
  const size = Number(field)
  return { offset: fileSize - footer - size, size: size + INDEX_SIZE_FIELD }
}

function fail(code: LtxErrorCode, reason: string, at: { offset?: number; pgno?: Pgno }): never {
  throw new LtxError(code, `Cannot decode page index: ${reason}`, { at })
}
