import type { PageCache } from '../pagecache/index.ts'
import type { LtxFileInfo } from '../storage/index.ts'
import { LazyIndex, type SavedLazyIndex } from './lazy-index.ts'
import { PageLayer, type SavedLayer } from './page-layer.ts'
import { Snapshot } from './snapshot.ts'
import { SourceFile } from './source-file.ts'

/** Changes whenever the shape below does: what was saved otherwise is not read. */
const FORMAT = 'litetap page map 1'

/** A snapshot as JSON can hold it; columns are replaced by where their bytes are. */
interface Saved {
  readonly format: string
  readonly state: { txid: string; timestamp: number; commit: number; pageSize: number }
  readonly files: readonly SavedFile[]
  readonly parts: readonly { limit: number; layer?: SavedLayer; lazy?: SavedLazyIndex }[]
}

interface SavedFile {
  readonly level: number
  readonly min: string
  readonly max: string
  readonly size: number
  readonly createdAt: number
  readonly checksum: string
}

/** Collects typed arrays behind one another. */
export class ColumnWriter {
  readonly chunks: Uint8Array[] = []
  readonly #files: SourceFile[]
  #at = 0

  constructor(files: SourceFile[]) {
    this.#files = files
  }

  /** @returns where the column is: [offset, length in elements] */
  column(values: Uint32Array | Uint16Array): [number, number] {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    const padding = (4 - (bytes.length % 4)) % 4
    const place: [number, number] = [this.#at, values.length]
    this.chunks.push(bytes, new Uint8Array(padding))
    this.#at += bytes.length + padding
    return place
  }

  /** @returns the file's number */
  file(file: SourceFile): number {
    const known = this.#files.indexOf(file)
    return known >= 0 ? known : this.#files.push(file) - 1
  }
}

/** Gives columns back, as copies. */
export class ColumnReader {
  readonly files: readonly SourceFile[]
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array, files: readonly SourceFile[]) {
    this.#bytes = bytes
    this.files = files
  }

  u32([offset, length]: readonly [number, number]): Uint32Array {
    return new Uint32Array(this.#bytes.slice(offset, offset + 4 * length).buffer)
  }

  u16([offset, length]: readonly [number, number]): Uint16Array {
    return new Uint16Array(this.#bytes.slice(offset, offset + 2 * length).buffer)
  }
}

/**
 * A snapshot as bytes, for a cache on this very machine: u32 length of the JSON, the JSON, the columns (in the
 * machine's own byte order).
 */
export function saveSnapshot(snapshot: Snapshot): Uint8Array {
  const files: SourceFile[] = []
  const columns = new ColumnWriter(files)
  const parts = snapshot.parts.map(({ index, limit }) =>
    index instanceof LazyIndex ? { limit, lazy: index.save(columns) } : { limit, layer: index.save(columns) },
  )
  const { txid, timestamp, commit, pageSize } = snapshot
  const saved: Saved = {
    format: FORMAT,
    state: { txid: String(txid), timestamp, commit, pageSize },
    files: files.map(saveFile),
    parts,
  }
  const json = new TextEncoder().encode(JSON.stringify(saved))
  const bytes = new Uint8Array(4 + json.length + columns.chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  new DataView(bytes.buffer).setUint32(0, json.length)
  bytes.set(json, 4)
  let at = 4 + json.length
  for (const chunk of columns.chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

/** The snapshot again; undefined for bytes of another format. Whoever kept them knows that they are whole. */
export function loadSnapshot(bytes: Uint8Array, cache: PageCache): Snapshot | undefined {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
  const saved = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as Saved
  if (saved.format !== FORMAT) return undefined
  const files = saved.files.map((file) => loadFile(file, cache))
  const columns = new ColumnReader(bytes.subarray(4 + length), files)
  const parts = saved.parts.map(({ limit, layer, lazy }) => ({
    limit,
    index: layer ? PageLayer.load(layer, columns) : LazyIndex.load(lazy!, columns),
  }))
  return Snapshot.load({ ...saved.state, txid: BigInt(saved.state.txid) }, parts)
}

function saveFile({ info, checksum }: SourceFile): SavedFile {
  const { level, minTXID, maxTXID, size, createdAt } = info
  return { level, min: String(minTXID), max: String(maxTXID), size, createdAt, checksum: String(checksum) }
}

function loadFile({ level, min, max, size, createdAt, checksum }: SavedFile, cache: PageCache): SourceFile {
  const info: LtxFileInfo = { level, minTXID: BigInt(min), maxTXID: BigInt(max), size, createdAt }
  return new SourceFile(info, BigInt(checksum), cache)
}
