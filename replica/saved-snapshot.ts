import { crc64, decodePageFrame } from '../ltx/index.ts'
import type { PageCache } from '../pagecache/index.ts'
import type { LtxFileInfo } from '../storage/index.ts'
import { LazyIndex, type SavedLazyIndex } from './lazy-index.ts'
import { PageLayer, type SavedLayer } from './page-layer.ts'
import { RowReader, RowWriter } from './saved-rows.ts'
import { Snapshot } from './snapshot.ts'
import { SourceFile } from './source-file.ts'

/** Changes whenever the shape below does: what was saved otherwise is not read. */
const FORMAT = 'litetap page map 2'
const CHECKSUM_SIZE = 8

/** What stands at the front of a saved snapshot, as JSON. */
interface Saved {
  readonly format: string
  readonly state: { txid: string; timestamp: number; commit: number; pageSize: number }
  readonly files: readonly SavedFile[]
  /** Newest first; their rows follow in this order. */
  readonly parts: readonly { limit: number; layer?: SavedLayer; lazy?: SavedLazyIndex }[]
  /** Bytes of the rows. */
  readonly rows: number
  /** Pages that come with it: the file's number, and bytes of the frame. */
  readonly frames: readonly (readonly [file: number, size: number])[]
}

/** TXIDs and the file's checksum in hex, bytes, ms since the Unix epoch. */
type SavedFile = readonly [
  level: number,
  minTXID: string,
  maxTXID: string,
  size: number,
  createdAt: number,
  checksum: string,
]

/** A page to be saved with the map. */
export interface SavedPage {
  readonly file: SourceFile
  /** As in an LTX file. */
  readonly frame: Uint8Array
}

/**
 * A snapshot as bytes, to be read on any machine: u32 BE length of the JSON, the JSON, the rows of the layers (varints, see
 * `PageLayer.save`), frames of some of its pages, u64 BE CRC-64 (as LTX files have it) of all before.
 */
export function saveSnapshot(snapshot: Snapshot, pages: readonly SavedPage[] = []): Uint8Array<ArrayBuffer> {
  const writer = new RowWriter()
  const parts = snapshot.parts.map(({ index, limit }) =>
    index instanceof LazyIndex ? { limit, lazy: index.save(writer) } : { limit, layer: index.save(writer) },
  )
  const frames = pages.map(({ file, frame }) => [writer.file(file), frame.length] as const)
  const { txid, timestamp, commit, pageSize } = snapshot
  const saved: Saved = {
    format: FORMAT,
    state: { txid: txid.toString(16), timestamp, commit, pageSize },
    files: writer.files.map(saveFile),
    parts,
    rows: writer.bytes.length,
    frames,
  }
  const json = new TextEncoder().encode(JSON.stringify(saved))
  const pieces = [json, writer.bytes, ...pages.map(({ frame }) => frame)]
  const end = pieces.reduce((sum, piece) => sum + piece.length, 4)
  const bytes = new Uint8Array(end + CHECKSUM_SIZE)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, json.length)
  let at = 4
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  view.setBigUint64(end, crc64(0n, bytes.subarray(0, end)))
  return bytes
}

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
  const reader = new RowReader(bytes.subarray(rows, rows + saved.rows), files)
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
  return Snapshot.load({ ...saved.state, txid: BigInt(`0x${saved.state.txid}`) }, parts)
}

function saveFile({ info, checksum }: SourceFile): SavedFile {
  const { level, minTXID, maxTXID, size, createdAt } = info
  return [level, minTXID.toString(16), maxTXID.toString(16), size, createdAt, checksum.toString(16)]
}

function loadFile([level, min, max, size, createdAt, checksum]: SavedFile, cache: PageCache): SourceFile {
  const info: LtxFileInfo = { level, minTXID: BigInt(`0x${min}`), maxTXID: BigInt(`0x${max}`), size, createdAt }
  return new SourceFile(info, BigInt(`0x${checksum}`), cache)
}
