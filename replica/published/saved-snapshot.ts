import { crc64, decodePageFrame } from '../../ltx/index.ts'
import type { PageCache } from '../../pagecache/index.ts'
import type { LtxFileInfo } from '../../storage/index.ts'
import { LazyIndex, type SavedLazyIndex } from '../state/lazy-index.ts'
import { PageLayer, type SavedLayer } from '../state/page-layer.ts'
import { SavedRowReader } from '../state/saved-row-reader.ts'
import { Snapshot } from '../state/snapshot.ts'
import { SourceFile } from '../state/source-file.ts'

/** Changes whenever the shape below does: what was saved otherwise is not read. */
export const FORMAT = 'litetap page map 3'
export const CHECKSUM_SIZE = 8

/** What stands at the front of a saved snapshot, as JSON. */
export interface Saved {
  readonly format: string
  readonly state: {
    txid: string
    timestamp: number
    commit: number
    pageSize: number
    identity: string
    /** In hex. */
    link: string
  }
  readonly files: readonly SavedFile[]
  /** Number of the file of its last transaction. */
  readonly newest: number
  /** Newest first; their rows follow in this order. */
  readonly parts: readonly { limit: number; layer?: SavedLayer; lazy?: SavedLazyIndex }[]
  /** Bytes of the rows. */
  readonly rows: number
  /** Pages that come with it: the file's number, and bytes of the frame. */
  readonly frames: readonly (readonly [file: number, size: number])[]
}

/** TXIDs and the file's checksum in hex, bytes, ms since the Unix epoch. */
export type SavedFile = readonly [
  level: number,
  minTXID: string,
  maxTXID: string,
  size: number,
  createdAt: number,
  checksum: string,
]

/** The snapshot again, its pages in the cache; undefined for bytes that are of another format or damaged. */
export function loadSnapshot(bytes: Uint8Array, cache: PageCache): Snapshot | undefined {
  try {
    return load(bytes, cache)
  } catch {
    return undefined // it only saves time: who cannot use it opens all anew
  }
}

function load(bytes: Uint8Array, cache: PageCache): Snapshot | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const end = bytes.length - CHECKSUM_SIZE
  if (view.getBigUint64(end) !== crc64(0n, bytes.subarray(0, end))) return undefined
  const rows = 4 + view.getUint32(0)
  const saved = JSON.parse(new TextDecoder().decode(bytes.subarray(4, rows))) as Saved
  if (saved.format !== FORMAT) return undefined
  const files = saved.files.map((file) => loadFile(file, cache))
  const reader = new SavedRowReader(bytes.subarray(rows, rows + saved.rows), files)
  const parts = saved.parts.map(({ limit, layer, lazy }) => ({
    limit,
    index: layer ? PageLayer.load(layer, reader) : LazyIndex.load(lazy!, reader),
  }))
  let at = rows + saved.rows
  for (const [number, size] of saved.frames) {
    const { pgno, data } = decodePageFrame(bytes.subarray(at, at + size), saved.state.pageSize)
    cache.set(reader.file(number).cached, pgno, data)
    at += size
  }
  const newest = files[saved.newest]
  if (newest === undefined) return undefined
  const [txid, link] = [BigInt(`0x${saved.state.txid}`), BigInt(`0x${saved.state.link}`)]
  return new Snapshot({ ...saved.state, txid, link, newest }, parts)
}

function loadFile([level, min, max, size, createdAt, checksum]: SavedFile, cache: PageCache): SourceFile {
  const info: LtxFileInfo = { level, minTXID: BigInt(`0x${min}`), maxTXID: BigInt(`0x${max}`), size, createdAt }
  return new SourceFile(info, BigInt(`0x${checksum}`), cache)
}
