import type { Pgno } from './pgno.ts'
/** Every way in which bytes or arguments can violate the LTX format. README.md says where each rule comes from. */
export type LtxErrorCode =
  // any part
  | 'LTX_TRUNCATED' // the bytes end before the file does
  | 'LTX_TRAILING_BYTES' // bytes follow the end of the file, frame or index
  | 'LTX_STATE' // calls out of order
  // header
  | 'LTX_BAD_MAGIC'
  | 'LTX_HEADER_FLAGS'
  | 'LTX_HEADER_RANGE' // a field does not fit its width, or exceeds 2^53 - 1
  | 'LTX_PAGE_SIZE'
  | 'LTX_COMMIT_ZERO'
  | 'LTX_MIN_TXID_ZERO'
  | 'LTX_MAX_TXID_ZERO'
  | 'LTX_TXID_ORDER'
  | 'LTX_WAL_OFFSET_NEGATIVE'
  | 'LTX_WAL_SIZE_NEGATIVE'
  | 'LTX_WAL_SALT_WITHOUT_OFFSET'
  | 'LTX_WAL_SIZE_WITHOUT_OFFSET'
  | 'LTX_PRE_APPLY_IN_SNAPSHOT'
  | 'LTX_PRE_APPLY_WITH_NO_CHECKSUM'
  | 'LTX_PRE_APPLY_MISSING'
  | 'LTX_PRE_APPLY_FLAG'
  // page block
  | 'LTX_PGNO_ZERO'
  | 'LTX_PAGE_FLAGS'
  | 'LTX_PAGE_LENGTH' // a page to be encoded does not have the page size
  | 'LTX_PAGE_ORDER'
  | 'LTX_PAGE_BEYOND_COMMIT'
  | 'LTX_LOCK_PAGE'
  | 'LTX_SNAPSHOT_PAGE_MISSING'
  | 'LTX_FRAME_SIZE' // compressed size impossible for the page size
  | 'LTX_FRAME_LZ4' // the LZ4 block is malformed or too long
  | 'LTX_FRAME_INFLATED_SIZE' // it decompresses to less than a page
  | 'LTX_LEGACY_MAGIC'
  | 'LTX_LEGACY_DESCRIPTOR'
  | 'LTX_LEGACY_BLOCK'
  | 'LTX_LEGACY_END_MARK'
  | 'LTX_LEGACY_CHECKSUM'
  // LZ4 frames of Litestream v0.3
  | 'LTX_LZ4_DESCRIPTOR' // no LZ4 frame, or one of a form that was never written
  | 'LTX_LZ4_BLOCK' // a block is malformed, or too long
  | 'LTX_LZ4_CHECKSUM' // of the descriptor, a block or the content
  // page index
  | 'LTX_INDEX_VARINT'
  | 'LTX_INDEX_ORDER'
  | 'LTX_INDEX_RANGE' // an entry that no page or frame can have
  | 'LTX_INDEX_CHAIN' // frames that do not follow one another without a gap
  | 'LTX_INDEX_FRAMES' // the index is not the list of the frames in the file
  | 'LTX_INDEX_SIZE' // the size field is not the index's length
  // trailer
  | 'LTX_POST_APPLY_WITH_NO_CHECKSUM'
  | 'LTX_POST_APPLY_MISSING'
  | 'LTX_POST_APPLY_FLAG'
  | 'LTX_POST_APPLY_EMPTY_DATABASE'
  | 'LTX_POST_APPLY_MISMATCH'
  | 'LTX_FILE_CHECKSUM_FLAG'
  | 'LTX_FILE_CHECKSUM'
  // compaction
  | 'LTX_COMPACT_NO_INPUT'
  | 'LTX_COMPACT_PAGE_SIZE'
  | 'LTX_COMPACT_ORDER'
  | 'LTX_COMPACT_CHAIN'
  | 'LTX_COMPACT_GAP'
  | 'LTX_COMPACT_PAGE_MISSING'
  | 'LTX_NOT_SNAPSHOT' // a database image was asked of files that do not begin at TXID 1

/** Where it happened: the file's key, the byte offset in the file, the page number; each where it is known. */
export interface LtxErrorContext {
  readonly key?: string
  readonly offset?: number
  readonly pgno?: Pgno
}

const BRAND = Symbol.for('litetap.LtxError')

/** Everything that can go wrong in `ltx/`. The message already says what `at` holds. */
export class LtxError extends Error {
  override readonly name = 'LtxError'
  readonly code: LtxErrorCode
  readonly at: LtxErrorContext
  readonly [BRAND] = true
  readonly #what: string

  constructor(code: LtxErrorCode, what: string, options: { at?: LtxErrorContext; cause?: unknown } = {}) {
    const at = options.at ?? {}
    super(what + describe(at), options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.at = at
    this.#what = what
  }

  /** The same error, with what it did not know about its place filled in from `at`. */
  locatedAt(at: LtxErrorContext): LtxError {
    return new LtxError(this.code, this.#what, { at: { ...at, ...this.at }, cause: this.cause })
  }
}

/** True for an LtxError, and with codes given only for one of those. */
export function isLtxError<C extends LtxErrorCode>(error: unknown, ...codes: C[]): error is LtxError & { code: C } {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false
  return codes.length === 0 || (codes as LtxErrorCode[]).includes((error as LtxError).code)
}

function describe(at: LtxErrorContext): string {
  const parts: string[] = []
  if (at.pgno !== undefined) parts.push(`pgno ${at.pgno}`)
  if (at.offset !== undefined) parts.push(`offset ${at.offset}`)
  if (at.key !== undefined) parts.push(at.key)
  return parts.length ? ` (${parts.join(', ')})` : ''
}
