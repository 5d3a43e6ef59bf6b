import { crc64 } from '../../ltx/index.ts'
import { LazyIndex, type SavedLazyIndex } from '../state/lazy-index.ts'
import type { PageLayer, SavedLayer } from '../state/page-layer.ts'
import { SavedRowWriter } from '../state/saved-row-writer.ts'
import type { Snapshot } from '../state/snapshot.ts'
import type { SourceFile } from '../state/source-file.ts'
import { CHECKSUM_SIZE, FORMAT, type Saved, type SavedFile } from './saved-snapshot.ts'

/** A page to be saved with the map. */
export interface SavedPage {
  readonly file: SourceFile
  /** As in an LTX file. */
  readonly frame: Uint8Array
}

/**
 * A snapshot as bytes, to be read on any machine: u32 BE length of the JSON, the JSON, the rows of the layers (varints, see
 * `saveLayer`), frames of some of its pages, u64 BE CRC-64 (as LTX files have it) of all before.
 */
export function saveSnapshot(snapshot: Snapshot, pages: readonly SavedPage[] = []): Uint8Array<ArrayBuffer> {
  const writer = new SavedRowWriter()
  const parts = snapshot.parts.map(({ index, limit }) =>
    index instanceof LazyIndex ? { limit, lazy: saveIndex(index, writer) } : { limit, layer: saveLayer(index, writer) },
  )
  const frames = pages.map(({ file, frame }) => [writer.file(file), frame.length] as const)
  const { txid, timestamp, commit, pageSize, identity } = snapshot
  const newest = writer.file(snapshot.newest)
  const saved: Saved = {
    format: FORMAT,
    state: { txid: txid.toString(16), timestamp, commit, pageSize, identity, link: snapshot.link.toString(16) },
    files: writer.files.map(saveFile),
    newest,
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

function saveFile({ info, checksum }: SourceFile): SavedFile {
  const { level, minTXID, maxTXID, size, createdAt } = info
  return [level, minTXID.toString(16), maxTXID.toString(16), size, createdAt, checksum.toString(16)]
}

function saveIndex(index: LazyIndex, to: SavedRowWriter): SavedLazyIndex {
  const { file, ...about } = index.about
  const runs = index.runs.map(({ layer, ...place }) => ({ ...place, layer: saveLayer(layer, to) }))
  return { ...about, file: to.file(file), runs }
}

/**
 * A row a page, of varints: pages since the row before, the file (where there are several), bytes of the frame, and
 * bytes between the same file's frame before and this one. Most rows have 5 bytes.
 */
function saveLayer(layer: PageLayer, to: SavedRowWriter): SavedLayer {
  const { files, columns } = layer
  const ends = files.map(() => 0)
  let before = 0
  for (let i = 0; i < layer.length; i++) {
    const owner = columns.owners?.[i] ?? 0
    const { offset, size } = layer.location(i)
    to.put(layer.pgno(i) - before)
    if (files.length > 1) to.put(owner)
    to.put(size)
    to.put(offset - ends[owner]!)
    before = layer.pgno(i)
    ends[owner] = offset + size
  }
  return { files: files.map((file) => to.file(file)), pages: layer.length }
}
