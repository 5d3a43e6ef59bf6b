import { chainLink, commitOf, goesOnFrom, predecessorOf } from './chain-link.ts'
import { isLtxError, LtxError } from './errors.ts'
import type { Header } from './header.ts'
import { HEADER_FLAG_NO_CHECKSUM, hasChecksums, isSnapshot } from './header.ts'
import type { Page } from './page-frame.ts'
import { PageOrder } from './page-order.ts'
import type { Pgno } from './pgno.ts'
import type { LtxReader } from './reader.ts'
import type { Trailer } from './trailer.ts'
import { formatTXID } from './txid.ts'

export interface MergeOptions {
  /** Accept a gap between the TXIDs of two inputs. Default false. */
  readonly allowNonContiguous?: boolean
}

/** Stands for "no more pages" among page numbers. */
const NONE = 0xffff_ffff

/**
 * The pages that several files, applied one after another, leave behind: by page number, the latest file's version
 * of each, none beyond the last file's commit. Holds one page per input.
 *
 * @see facts 1.10; superfly/ltx@8cb8f8e compactor.go
 */
export class PageMerge {
  /** The header of one file that would do what all inputs do. */
  readonly header: Header
  readonly #inputs: readonly LtxReader[]
  readonly #heads: (Page | undefined)[]
  readonly #pgnos: Uint32Array
  readonly #order: PageOrder | undefined
  /** The page handed out last, and the inputs that have to move on from it. */
  #pgno = 0
  #winner = -1
  #starving = -1

  private constructor(inputs: readonly LtxReader[], header: Header) {
    this.header = header
    this.#inputs = inputs
    this.#heads = inputs.map(() => undefined)
    this.#pgnos = new Uint32Array(inputs.length)
    this.#order = isSnapshot(header) ? new PageOrder(header) : undefined
  }

  /**
   * Read and check the inputs' headers.
   *
   * @param inputs in TXID order, none of them read from yet; they are the merge's from now on
   * @throws LtxError LTX_COMPACT_NO_INPUT, LTX_COMPACT_PAGE_SIZE, LTX_COMPACT_ORDER, LTX_COMPACT_GAP,
   *   LTX_COMPACT_CHAIN
   */
  static async open(inputs: readonly LtxReader[], options: MergeOptions = {}): Promise<PageMerge> {
    const headers: Header[] = []
    for (const input of inputs) headers.push(await input.header())
    return new PageMerge(inputs, mergeHeaders(headers, options))
  }

  /**
   * The next page without waiting; `more` when `fill` must be awaited first.
   *
   * @returns `data` is valid until the next call
   * @throws LtxError LTX_COMPACT_PAGE_MISSING, or whatever is wrong with an input
   */
  tryNext(): Page | 'more' | 'end' {
    for (let i = 0; i < this.#inputs.length; i++) {
      if (this.#pgnos[i] !== this.#pgno) continue
      const page = this.#inputs[i]!.tryNext()
      if (page === 'more') {
        this.#starving = i
        return 'more'
      }
      this.#heads[i] = page === 'end' ? undefined : page
      this.#pgnos[i] = page === 'end' ? NONE : page.pgno
    }
    let lowest = NONE
    for (let i = 0; i < this.#pgnos.length; i++) {
      if (this.#pgnos[i]! <= lowest) {
        lowest = this.#pgnos[i]!
        this.#winner = i
      }
    }
    const page = this.#heads[this.#winner]
    const ended = lowest > this.header.commit || !page
    this.#checkComplete(ended ? undefined : lowest)
    if (ended) return 'end'
    this.#pgno = lowest
    return page
  }

  /** The LZ4 block of the page last returned; undefined when its frame was a legacy one. */
  get payload(): Uint8Array | undefined {
    return this.#inputs[this.#winner]!.payload
  }

  /** Wait for bytes, after `more`. */
  async fill(): Promise<void> {
    await this.#inputs[this.#starving]!.fill()
  }

  /** Read every input to its end and prove it. @returns the last input's trailer */
  async close(): Promise<Trailer> {
    let trailer: Trailer | undefined
    for (const input of this.#inputs) trailer = await input.close()
    return trailer!
  }

  #checkComplete(pgno: Pgno | undefined): void {
    try {
      if (pgno === undefined) this.#order?.end()
      else this.#order?.accept(pgno)
    } catch (error) {
      if (!isLtxError(error, 'LTX_SNAPSHOT_PAGE_MISSING')) throw error
      const { maxTXID, commit } = this.header
      const what =
        `Cannot compact up to ${formatTXID(maxTXID)}: the database has ${commit} pages there, ` +
        'but no input holds this one. The file that grew the database left it out; a new snapshot mends that'
      throw new LtxError('LTX_COMPACT_PAGE_MISSING', what, { at: error.at, cause: error })
    }
  }
}

function mergeHeaders(headers: readonly Header[], options: MergeOptions): Header {
  const first = headers[0]
  const last = headers.at(-1)
  if (!first || !last) throw new LtxError('LTX_COMPACT_NO_INPUT', 'Cannot compact: there are no inputs')
  for (const [i, header] of headers.entries()) {
    if (header.pageSize !== first.pageSize) {
      const sizes = `${header.pageSize} after ${first.pageSize}`
      throw new LtxError('LTX_COMPACT_PAGE_SIZE', `Cannot compact: ${nameOf(header)} has page size ${sizes}`)
    }
    if (i > 0) checkSequence(headers[i - 1]!, header, options)
  }
  const checksums = headers.every(hasChecksums)
  return {
    flags: checksums ? 0 : HEADER_FLAG_NO_CHECKSUM,
    pageSize: first.pageSize,
    commit: last.commit,
    minTXID: first.minTXID,
    maxTXID: last.maxTXID,
    timestamp: last.timestamp,
    preApplyChecksum: checksums ? first.preApplyChecksum : 0n,
    walOffset: 0,
    walSize: 0,
    walSalt1: 0,
    walSalt2: 0,
    nodeID: chainLink(commitOf(last.nodeID), predecessorOf(first.nodeID)),
  }
}

/** Facts 1.8: contiguous is `min <= previous max + 1 && max > previous max`; overlap is fine. */
function checkSequence(previous: Header, header: Header, options: MergeOptions): void {
  if (header.maxTXID <= previous.maxTXID) {
    const reason = `${nameOf(header)} does not go beyond ${nameOf(previous)} before it`
    throw new LtxError('LTX_COMPACT_ORDER', `Cannot compact: ${reason}`)
  }
  if (header.minTXID > previous.maxTXID + 1n && !options.allowNonContiguous) {
    const reason = `there is a gap between ${nameOf(previous)} and ${nameOf(header)}`
    throw new LtxError('LTX_COMPACT_GAP', `Cannot compact: ${reason}`)
  }
  if (header.minTXID === previous.maxTXID + 1n && goesOnFrom(previous.nodeID, header.nodeID) === false) {
    const reason = `${nameOf(header)} goes on from another commit than the one that ${nameOf(previous)} ends with: two writers made them`
    throw new LtxError('LTX_COMPACT_CHAIN', `Cannot compact: ${reason}`)
  }
}

function nameOf(header: Header): string {
  return `${formatTXID(header.minTXID)}-${formatTXID(header.maxTXID)}`
}
