import { CHECKSUM_FLAG, Crc64, checksumPageInCodec, DatabaseChecksum } from './checksum.ts'
import { codec } from './codec/codec.ts'
import { LtxError } from './errors.ts'
import type { Header } from './header.ts'
import { encodeHeader, hasChecksums, isSnapshot } from './header.ts'
import { OutputBuffer } from './output-buffer.ts'
import type { FrameForm } from './page-frame.ts'
import { coveredPrefixSize, lz4Bound, PAGE_HEADER_SIZE, writeFrame } from './page-frame.ts'
import { PageIndex, writePageIndex } from './page-index.ts'
import { PageOrder } from './page-order.ts'
import type { Pgno } from './pgno.ts'
import type { Trailer } from './trailer.ts'
import { encodeTrailer, TRAILER_SIZE, validatePostApplyChecksum, validateTrailer } from './trailer.ts'

/**
 * Writes one LTX file: header, pages in order, `finish`. It validates what it is given as strictly as the decoder
 * does, keeps 12 bytes per page for the index, and otherwise only what has not been taken yet.
 * After an error it must not be used again.
 *
 * @see superfly/ltx@8cb8f8e encoder.go
 */
export class Encoder {
  readonly header: Header
  readonly #form: FrameForm
  readonly #order: PageOrder
  readonly #index = new PageIndex()
  readonly #output = new OutputBuffer()
  readonly #crc = new Crc64()
  /** Only where the post-apply checksum can be computed from the file alone. */
  readonly #database: DatabaseChecksum | undefined
  #finished = false

  /**
   * @param options.form frames of pages; default `block`, which Litestream >= 0.5.16 reads
   * @throws LtxError as `validateHeader`
   */
  constructor(header: Header, options: { form?: FrameForm } = {}) {
    const bytes = encodeHeader(header)
    this.header = header
    this.#form = options.form ?? 'block'
    this.#order = new PageOrder(header)
    this.#database = hasChecksums(header) && isSnapshot(header) ? new DatabaseChecksum() : undefined
    this.#output.append(bytes)
    this.#crc.update(bytes)
  }

  /** Bytes produced and not yet taken. */
  get pendingBytes(): number {
    return this.#output.length
  }

  /** Bytes produced so far; the file's size after `finish`. */
  get bytesProduced(): number {
    return this.#output.total
  }

  /** The frames so far. A live view; do not append to it. */
  get pageIndex(): PageIndex {
    return this.#index
  }

  /**
   * Add the next page.
   *
   * @param data page-size bytes, read before returning and not kept
   * @param payload an LZ4 block of this very `data`, to be written as it is instead of compressing again (block form
   *   only; ignored otherwise). It is the caller's promise that it decompresses to `data`: that is not checked
   * @throws LtxError LTX_STATE, LTX_PAGE_LENGTH, LTX_FRAME_SIZE, or as the page order demands
   */
  encodePage(pgno: Pgno, data: Uint8Array, payload?: Uint8Array): void {
    if (this.#finished) throw new LtxError('LTX_STATE', 'Cannot encode page: the file is finished', { at: { pgno } })
    const { pageSize } = this.header
    if (data.length !== pageSize) {
      const reason = `it has ${data.length} bytes, the page size is ${pageSize}`
      throw new LtxError('LTX_PAGE_LENGTH', `Cannot encode page: ${reason}`, { at: { pgno } })
    }
    if (payload && (payload.length === 0 || payload.length > lz4Bound(pageSize))) {
      const reason = `a payload of ${payload.length} bytes, the LZ4 bound is ${lz4Bound(pageSize)}`
      throw new LtxError('LTX_FRAME_SIZE', `Cannot encode page: ${reason}`, { at: { pgno } })
    }
    this.#order.accept(pgno)
    const { bytes, page, frame } = codec()
    bytes.set(data, page)
    const size = writeFrame(pgno, pageSize, { form: this.#form, payload })
    this.#output.reserve(size).set(bytes.subarray(frame, frame + size), this.#output.length)
    this.#output.advance(size)
    const prefix = coveredPrefixSize(this.#form)
    this.#crc.updateInCodec(page - prefix, prefix + pageSize)
    if (this.#database) this.#database.add(checksumPageInCodec(pgno, pageSize))
    this.#index.append(pgno, size)
  }

  /**
   * End the page block; write index and trailer.
   *
   * @param postApplyChecksum the database's checksum after the file. Default: none without checksums; in a snapshot
   *   the one computed from its pages, which a given one must equal
   * @throws LtxError LTX_STATE, LTX_SNAPSHOT_PAGE_MISSING, LTX_POST_APPLY_*
   */
  finish(postApplyChecksum?: bigint): Trailer {
    if (this.#finished) throw new LtxError('LTX_STATE', 'Cannot finish: the file is finished')
    this.#order.end()
    const computed = this.#database?.value
    const post = postApplyChecksum ?? computed ?? 0n
    validatePostApplyChecksum(post, this.header)
    if (computed !== undefined && computed !== post) {
      throw new LtxError(
        'LTX_POST_APPLY_MISMATCH',
        'Cannot finish: the pages do not have the post-apply checksum given',
      )
    }
    this.#finished = true
    const size = PAGE_HEADER_SIZE + this.#index.encodedSize + TRAILER_SIZE
    const bytes = this.#output.reserve(size)
    const start = this.#output.length
    bytes.fill(0, start, start + PAGE_HEADER_SIZE)
    const end = writePageIndex(this.#index, bytes, start + PAGE_HEADER_SIZE)
    bytes.set(encodeTrailer({ postApplyChecksum: post, fileChecksum: 0n }), end)
    this.#crc.update(bytes.subarray(start, end + 8))
    const trailer = { postApplyChecksum: post, fileChecksum: this.#crc.value | CHECKSUM_FLAG }
    validateTrailer(trailer, this.header)
    bytes.set(encodeTrailer(trailer), end)
    this.#output.advance(size)
    return trailer
  }

  /** The bytes since the last `take`; they are the caller's. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#output.take()
  }

  /** Like `take`, without giving the memory away: a view that is valid until anything else is called. */
  drain(): Uint8Array<ArrayBuffer> {
    return this.#output.drain()
  }
}
