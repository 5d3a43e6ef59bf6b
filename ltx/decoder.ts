import { ByteQueue } from './byte-queue.ts'
import { CHECKSUM_FLAG, Crc64, checksumPageInCodec, DatabaseChecksum } from './checksum.ts'
import { codec } from './codec/codec.ts'
import type { LtxErrorCode } from './errors.ts'
import { LtxError } from './errors.ts'
import type { Header } from './header.ts'
import { decodeHeader, HEADER_SIZE, hasChecksums, isSnapshot } from './header.ts'
import { IndexVerifier } from './index-verifier.ts'
import type { Page } from './page-frame.ts'
import { blockPayload, isEndOfPageBlock, measureFrame, PAGE_HEADER_SIZE, readFrame, readPgno } from './page-frame.ts'
import { PageIndex } from './page-index.ts'
import { PageOrder } from './page-order.ts'
import type { Trailer } from './trailer.ts'
import { decodeTrailer, TRAILER_SIZE } from './trailer.ts'

type State = 'header' | 'pages' | 'index' | 'trailer' | 'end'

/** What pages and index are held against. */
interface Checks {
  readonly order: PageOrder
  /** Where the file has a checksum of the whole database. */
  readonly database: DatabaseChecksum | undefined
  /** Made with the first byte of the index. */
  verifier?: IndexVerifier
}

/** The page last handed out, and where its frame lies in the queue's bytes. */
interface CurrentPage {
  data: Uint8Array
  bytes: Uint8Array
  at: number
  size: number
}

/**
 * Reads one LTX file from chunks cut anywhere: push a chunk, take its pages until it says `more`, and so on;
 * `end` proves the file. Holds one cut frame, 12 bytes per page for the index, and a chunk only while it is read.
 *
 * Whatever it hands out before `end` has returned is checked as far as one page can be, but the file checksum
 * comes last: do not make a result durable before. After an error every call throws that error again.
 *
 * @see superfly/ltx@8cb8f8e decoder.go
 */
export class Decoder {
  readonly #key: string | undefined
  readonly #queue = new ByteQueue()
  readonly #crc = new Crc64()
  readonly #index = new PageIndex()
  #state: State = 'header'
  #error: unknown
  #header: Header | undefined
  /** Made with the header. */
  #checks: Checks | undefined
  #trailer: Trailer | undefined
  readonly #page: CurrentPage = { data: new Uint8Array(0), bytes: new Uint8Array(0), at: 0, size: 0 }

  /** @param options.key the file's name, for errors */
  constructor(options: { key?: string } = {}) {
    this.#key = options.key
  }

  /**
   * Add bytes. The decoder reads them in place: do not change them before `header` has returned undefined or
   * `nextPage` has returned something other than a page.
   */
  push(chunk: Uint8Array): void {
    this.#guard(() => {
      this.#queue.push(chunk)
      if (this.#state !== 'header' && this.#state !== 'pages') this.#readTail()
    })
  }

  /** The header; undefined until 100 bytes have been pushed. */
  header(): Header | undefined {
    if (!this.#header) this.#guard(() => this.#readHeader())
    return this.#header
  }

  /**
   * The next page; `more` when it is not there yet (push, then ask again); `end` after the last.
   *
   * @returns `data` is a view into the decoder: valid until its next call
   * @throws LtxError whatever is wrong with the frame or its place in the file
   */
  nextPage(): Page | 'more' | 'end' {
    if (this.#error !== undefined) throw this.#error
    try {
      return this.#readPage()
    } catch (error) {
      throw this.#fail(error)
    }
  }

  /**
   * The LZ4 block of the page last returned, as a view valid as long as that page; undefined for a legacy frame.
   * It is proved to decompress to the page.
   */
  get payload(): Uint8Array | undefined {
    return blockPayload(this.#page.bytes, this.#page.at, this.#page.size)
  }

  /**
   * There are no more bytes. Pages that were not taken are verified and dropped.
   *
   * @throws LtxError LTX_TRUNCATED when the file is not complete
   */
  end(): Trailer {
    for (let page = this.nextPage(); page !== 'end' && page !== 'more'; page = this.nextPage());
    return this.#guard(() => {
      if (this.#trailer) return this.#trailer
      throw new LtxError('LTX_TRUNCATED', `Cannot decode LTX file: it ends in its ${partOf(this.#state)}`)
    })
  }

  /** The trailer, once the whole file has been read and proved. */
  get trailer(): Trailer | undefined {
    return this.#trailer
  }

  /** The frames read so far: all of them after `end`. A live view; do not append to it. */
  get pageIndex(): PageIndex {
    return this.#index
  }

  #readHeader(): void {
    if (!this.#queue.peek(HEADER_SIZE)) {
      this.#queue.detach()
      return
    }
    const bytes = this.#queue.bytes.subarray(this.#queue.at, this.#queue.at + HEADER_SIZE)
    const header = decodeHeader(bytes)
    this.#crc.update(bytes)
    this.#queue.skip(HEADER_SIZE)
    const whole = hasChecksums(header) && isSnapshot(header)
    this.#checks = { order: new PageOrder(header), database: whole ? new DatabaseChecksum() : undefined }
    this.#page.data = new Uint8Array(header.pageSize)
    this.#header = header
    this.#state = 'pages'
  }

  #readPage(): Page | 'more' | 'end' {
    if (this.#state === 'header') this.#readHeader()
    if (this.#state === 'header') return this.#more()
    if (this.#state !== 'pages') return 'end'
    const queue = this.#queue
    const { pageSize } = this.#header!
    if (!queue.peek(PAGE_HEADER_SIZE)) return this.#more()
    if (isEndOfPageBlock(queue.bytes, queue.at)) return this.#endPages()
    let size = measureFrame(queue.bytes, queue.at, queue.contiguous, pageSize)
    if (size < 0) {
      if (!queue.peek(-size)) return this.#more()
      size = measureFrame(queue.bytes, queue.at, -size, pageSize)
    }
    if (!queue.peek(size)) return this.#more()
    const { bytes, at } = queue
    const pgno = readPgno(bytes, at)
    const { order, database } = this.#checks!
    order.accept(pgno)
    const prefix = readFrame(bytes, at, size, pageSize)
    const c = codec()
    this.#crc.updateInCodec(c.page - prefix, prefix + pageSize)
    const current = this.#page
    current.data.set(c.bytes.subarray(c.page, c.page + pageSize))
    if (database) database.add(checksumPageInCodec(pgno, pageSize))
    this.#index.append(pgno, size)
    current.bytes = bytes
    current.at = at
    current.size = size
    queue.skip(size)
    return { pgno, data: current.data }
  }

  #more(): 'more' {
    this.#queue.detach()
    return 'more'
  }

  #endPages(): 'end' {
    const checks = this.#checks!
    checks.order.end()
    this.#crc.update(new Uint8Array(PAGE_HEADER_SIZE))
    this.#queue.skip(PAGE_HEADER_SIZE)
    checks.verifier = new IndexVerifier(this.#index)
    this.#state = 'index'
    this.#readTail()
    return 'end'
  }

  /** Read what there is of index and trailer. */
  #readTail(): void {
    if (this.#state === 'index' && this.#checks!.verifier!.read(this.#queue, this.#crc)) this.#state = 'trailer'
    if (this.#state === 'trailer' && this.#queue.peek(TRAILER_SIZE)) this.#readTrailer()
    if (this.#state === 'end' && this.#queue.length > 0) {
      throw new LtxError('LTX_TRAILING_BYTES', `Cannot decode LTX file: ${this.#queue.length} bytes follow its trailer`)
    }
    this.#queue.detach()
  }

  #readTrailer(): void {
    const header = this.#header!
    const bytes = this.#queue.bytes.subarray(this.#queue.at, this.#queue.at + TRAILER_SIZE)
    const trailer = decodeTrailer(bytes, header)
    this.#crc.update(bytes.subarray(0, 8))
    if (trailer.fileChecksum !== (this.#crc.value | CHECKSUM_FLAG)) {
      fail('LTX_FILE_CHECKSUM', 'its file checksum does not match its content')
    }
    const database = this.#checks!.database
    if (database && database.value !== trailer.postApplyChecksum) {
      fail('LTX_POST_APPLY_MISMATCH', 'its pages do not have the post-apply checksum in its trailer')
    }
    this.#queue.skip(TRAILER_SIZE)
    this.#trailer = trailer
    this.#state = 'end'
  }

  #guard<T>(action: () => T): T {
    if (this.#error !== undefined) throw this.#error
    try {
      return action()
    } catch (error) {
      throw this.#fail(error)
    }
  }

  /** Say where, and remember it. */
  #fail(error: unknown): unknown {
    const at = { offset: this.#queue.offset, ...(this.#key === undefined ? {} : { key: this.#key }) }
    this.#error = error instanceof LtxError ? error.locatedAt(at) : error
    return this.#error
  }
}

function partOf(state: State): string {
  return { header: 'header', pages: 'page block', index: 'page index', trailer: 'trailer', end: 'trailer' }[state]
}

function fail(code: LtxErrorCode, reason: string): never {
  throw new LtxError(code, `Cannot decode LTX file: ${reason}`)
}
