import {
  Decoder,
  decodePageIndex,
  HEADER_SIZE,
  type Header,
  isLtxError,
  locatePageIndex,
  type PageIndex,
  type Pgno,
} from '../../ltx/index.ts'
import type { PageCache, PageStore, StoredPage } from '../../pagecache/index.ts'
import type { LtxFileInfo } from '../../storage/index.ts'
import type { Account } from '../core/account.ts'
import { damaged } from '../core/damaged.ts'
import { fileKey } from '../core/file-key.ts'
import { layerOf } from './build-layer.ts'
import { addStart, takeWindow } from './extend-index.ts'
import { LazyIndex } from './lazy-index.ts'
import type { PageLayer } from './page-layer.ts'
import type { RangeReader } from './range-reader.ts'
import type { FileHead, OpenedFile } from './snapshot.ts'
import { SourceFile } from './source-file.ts'

/** A file up to this size is read whole: its pages come with its index and its header. */
const WHOLE_FILE_BYTES = 8 * 1024
/** Of the last transactions, whose pages are read soon, a larger one, too. */
const WHOLE_RECENT_BYTES = 16 * 1024
/** An index up to this size is read whole: at 100 Mbit/s it takes 4 ms, and looking for a part of it a round or two. */
const WHOLE_INDEX_BYTES = 48 * 1024
/** Of the snapshot, in which most pages are, more. */
const WHOLE_SNAPSHOT_INDEX_BYTES = 96 * 1024
/** Of a longer one so much is read from its start: where the lowest pages are, among them the roots of most trees. */
const INDEX_START_BYTES = 2 * 1024
/** An index has about so many bytes for each frame. */
const ENTRY_BYTES = 10
/** What frames are taken to have until some were seen. */
const TYPICAL_FRAME_BYTES = 2500
/** Of an index that is probably too long for one request only enough is read to find it. */
const MIN_TAIL_BYTES = 1024
const MAX_TAIL_BYTES = 16 * 1024
/** The front of a snapshot, with page 1 and most of the roots of its tables. */
const FRONT_BYTES = 40 * 1024

export interface OpenFileContext {
  readonly reader: RangeReader
  readonly cache: PageCache
  readonly store?: PageStore | undefined
  readonly account: Account
  readonly signal?: AbortSignal | undefined
  /** Learnt from files that were opened: bytes of a frame in the mean. */
  readonly seen: { frameBytes?: number }
}

/** What is to be read of a file's start: its header, its pages if they are few, or its first pages. */
export type FileFront = 'header' | 'recent' | 'pages'

/**
 * Read as much of a file as is needed to find pages in it: its end, with the index or a part of it, and its header, which
 * must say what its name says; a small file whole. Requests run side by side.
 *
 * @throws FileGone, StorageError, ReplicaError REPLICA_DAMAGED
 */
export async function openFile(info: LtxFileInfo, front: FileFront, context: OpenFileContext): Promise<OpenedFile> {
  try {
    if (info.size <= (front === 'recent' ? WHOLE_RECENT_BYTES : WHOLE_FILE_BYTES)) {
      const bytes = await read(info, { offset: 0, size: info.size }, context)
      return openWhole(info, bytes, context)
    }
    const [tail, start] = await Promise.all([readTail(info, front, context), readFront(info, front, context)])
    return openParts(info, tail, start, context)
  } catch (error) {
    throw isLtxError(error) ? damaged({ key: fileKey(info) }, error, error.at) : error
  }
}

/**
 * Open a file from its bytes: proved by its checksum; its pages go to the cache.
 * @throws LtxError
 */
export function openWhole(info: LtxFileInfo, bytes: Uint8Array, context: PageKeepers): OpenedFile {
  const decoder = new Decoder({ key: fileKey(info) })
  decoder.push(bytes)
  const header = decoder.header()
  const pages: [pgno: Pgno, data: Uint8Array][] = []
  for (let page = decoder.nextPage(); typeof page === 'object'; page = decoder.nextPage()) {
    pages.push([page.pgno, page.data.slice()])
  }
  const { fileChecksum } = decoder.end()
  const file = new SourceFile(info, fileChecksum, context.cache)
  keep(file, pages, context)
  return { file, index: layerOf(decoder.pageIndex, file), head: headOf(header!, info) }
}

/** The header of a file. @throws FileGone, StorageError, ReplicaError REPLICA_DAMAGED */
export async function readHead(
  info: LtxFileInfo,
  context: Pick<OpenFileContext, 'reader' | 'account' | 'signal'>,
): Promise<FileHead> {
  try {
    return (await readFront(info, 'header', context)).head
  } catch (error) {
    throw isLtxError(error) ? damaged({ key: fileKey(info) }, error, error.at) : error
  }
}

interface Tail {
  /** Up to the file's end. */
  readonly bytes: Uint8Array
  /** The first bytes of the index, where they are not among those. */
  readonly indexStart: Uint8Array | undefined
  /** Of the whole index, its size field included. */
  readonly index: { readonly offset: number; readonly size: number }
  readonly fileChecksum: bigint
}

async function readTail(info: LtxFileInfo, front: FileFront, context: OpenFileContext): Promise<Tail> {
  const wanted = Math.min(info.size, tailBytes(info.size, context.seen.frameBytes))
  let bytes = await read(info, { offset: info.size - wanted, size: wanted }, context)
  const index = locatePageIndex(bytes, info.size)
  context.seen.frameBytes ??= (index.offset / index.size) * ENTRY_BYTES
  const start = info.size - bytes.length
  const whole = front === 'pages' ? WHOLE_SNAPSHOT_INDEX_BYTES : WHOLE_INDEX_BYTES
  let indexStart: Uint8Array | undefined
  if (index.offset < start && index.size <= whole) {
    const rest = await read(info, { offset: index.offset, size: start - index.offset }, context)
    bytes = joined(rest, bytes)
  } else if (index.offset < start && front !== 'pages') {
    const size = Math.min(INDEX_START_BYTES, start - index.offset)
    indexStart = await read(info, { offset: index.offset, size }, context)
  }
  const checksum = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(bytes.length - 8)
  return { bytes, indexStart, index, fileChecksum: checksum }
}

/** How much of a file's end is read at first: its index, if that is short enough. */
function tailBytes(size: number, frameBytes = TYPICAL_FRAME_BYTES): number {
  const expected = Math.ceil((size / frameBytes) * ENTRY_BYTES * 1.2) + FOOTER_SIZE
  return expected > MAX_TAIL_BYTES ? MIN_TAIL_BYTES : Math.max(MIN_TAIL_BYTES, expected)
}

interface Front {
  readonly head: FileHead
  readonly index: PageIndex
  readonly pages: readonly StoredPage[]
}

/** Where pages that came with something else are kept. */
type PageKeepers = Pick<OpenFileContext, 'cache' | 'store'>

function keep(file: SourceFile, pages: readonly StoredPage[], { cache, store }: PageKeepers): void {
  for (const [pgno, page] of pages) cache.set(file.cached, pgno, page)
  if (pages.length > 0) store?.write(file.cacheKey, pages)
}

async function readFront(
  info: LtxFileInfo,
  front: FileFront,
  context: Pick<OpenFileContext, 'reader' | 'account' | 'signal'>,
): Promise<Front> {
  const size = Math.min(info.size, front === 'pages' ? FRONT_BYTES : HEADER_SIZE)
  const decoder = new Decoder({ key: fileKey(info) })
  decoder.push(await read(info, { offset: 0, size }, context))
  const head = headOf(decoder.header()!, info)
  const pages: [pgno: Pgno, data: Uint8Array][] = []
  for (let page = decoder.nextPage(); typeof page === 'object'; page = decoder.nextPage()) {
    pages.push([page.pgno, page.data.slice()])
  }
  return { head, index: decoder.pageIndex, pages }
}

function openParts(info: LtxFileInfo, tail: Tail, front: Front, context: OpenFileContext): OpenedFile {
  const file = new SourceFile(info, tail.fileChecksum, context.cache)
  keep(file, front.pages, context)
  return { file, index: openIndex(file, tail, front), head: front.head }
}

function openIndex(file: SourceFile, tail: Tail, front: Front): PageLayer | LazyIndex {
  const { index, bytes } = tail
  const { commit, pageSize } = front.head
  const limits = { commit, pageSize, indexOffset: index.offset }
  const start = index.offset - (file.info.size - bytes.length)
  if (start >= 0) return layerOf(decodePageIndex(bytes.subarray(start, start + index.size), limits), file)
  const lazy = new LazyIndex({ file, ...limits, indexSize: index.size - 8 })
  // What cannot be proved now is asked for again when it is needed.
  takeWindow(lazy, bytes.subarray(0, bytes.length - FOOTER_SIZE), -start)
  if (tail.indexStart) takeWindow(lazy, tail.indexStart, 0)
  addStart(lazy, front.index)
  return lazy
}

/** The size field behind the index, and the trailer. */
const FOOTER_SIZE = 8 + 16

function headOf(header: Header, info: LtxFileInfo): FileHead {
  const { pageSize, commit, timestamp, minTXID, maxTXID, nodeID: link } = header
  if (minTXID !== info.minTXID || maxTXID !== info.maxTXID) {
    const other = fileKey({ level: info.level, minTXID, maxTXID })
    throw damaged({ key: fileKey(info) }, new Error(`its header is that of ${other}`))
  }
  return { pageSize, commit, timestamp, link }
}

/** Exactly these bytes: the range was within the file as it was listed. */
async function read(
  info: LtxFileInfo,
  range: { offset: number; size: number },
  { reader, account, signal }: Pick<OpenFileContext, 'reader' | 'account' | 'signal'>,
): Promise<Uint8Array> {
  const bytes = await reader.read(info, range, { account, signal })
  if (bytes.length === range.size) return bytes
  const end = range.offset + bytes.length
  throw damaged({ key: fileKey(info) }, new Error(`it ends at byte ${end} of the ${info.size} listed`), { offset: end })
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(left.length + right.length)
  bytes.set(left)
  bytes.set(right, left.length)
  return bytes
}
