import type { Pgno } from '../../ltx/index.ts'
import type { SavedRowReader } from './saved-row-reader.ts'
import type { SourceFile } from './source-file.ts'

/** Where one page's frame is. */
export interface PageLocation {
  readonly file: SourceFile
  /** Bytes from the start of the file. */
  readonly offset: number
  /** Bytes of the whole frame. */
  readonly size: number
}

/** A layer as it is saved: numbers of its files, and how many rows it has among the saved ones. */
export interface SavedLayer {
  readonly files: readonly number[]
  readonly pages: number
}

/** A frame is at most 65,826 bytes: 17 bits. What is left of 32 bits carries the offset's upper part, up to 128 TiB. */
const SIZE_BITS = 17
const SIZE_MASK = 2 ** SIZE_BITS - 1
const U32 = 2 ** 32

/**
 * Pages and where their frames are, ascending by page number. Immutable. 12 bytes a page when all are in one file, 14
 * otherwise.
 */
export class PageLayer {
  /** For who makes a layer of this one: not to be written to. */
  readonly columns: LayerColumns
  readonly files: readonly SourceFile[]

  constructor(columns: LayerColumns, files: readonly SourceFile[]) {
    this.columns = columns
    this.files = files
  }

  /** Pages. */
  get length(): number {
    return this.columns.pgnos.length
  }

  /** Bytes this takes up. */
  get byteLength(): number {
    return this.length * (this.columns.owners ? 14 : 12)
  }

  /** Of the i-th page, 0 <= i < length. */
  pgno(i: number): number {
    return this.columns.pgnos[i]!
  }

  location(i: number): PageLocation {
    const size = this.columns.sizes[i]!
    return {
      file: this.files[this.columns.owners?.[i] ?? 0]!,
      offset: (size >>> SIZE_BITS) * U32 + this.columns.offsets[i]!,
      size: size & SIZE_MASK,
    }
  }

  /** The position of a page, or a negative number when it is not here. */
  find(pgno: Pgno): number {
    const i = this.lowerBound(pgno)
    return i < this.length && this.columns.pgnos[i] === pgno ? i : -1
  }

  /** The position of the first page that is not before `pgno`. */
  lowerBound(pgno: Pgno): number {
    let low = 0
    let high = this.columns.pgnos.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.columns.pgnos[middle]! < pgno) low = middle + 1
      else high = middle
    }
    return low
  }

  /** As `saveLayer` wrote it. @throws RangeError when the rows are not those of a layer */
  static load({ files: numbers, pages }: SavedLayer, from: SavedRowReader): PageLayer {
    const files = numbers.map((number) => from.file(number))
    // Before room is made for them: a row has a byte a number at least.
    const most = Math.floor(from.left / (files.length > 1 ? 4 : 3))
    if (!(Number.isSafeInteger(pages) && pages >= 0 && pages <= most)) throw new RangeError(`No room for ${pages} rows`)
    const columns = newColumns(pages, files.length > 1)
    const ends = files.map(() => 0)
    let pgno = 0
    for (let i = 0; i < pages; i++) {
      const step = from.take()
      pgno += step
      const owner = files.length > 1 ? from.take() : 0
      const size = from.take()
      const offset = ends[owner]! + from.take()
      const within = offset + size <= (files[owner]?.info.size ?? 0)
      if (step === 0 || pgno >= U32 || size > SIZE_MASK || !within) throw new RangeError(`Row ${i} cannot be`)
      putFrame(columns, i, { pgno, offset, size })
      if (columns.owners) columns.owners[i] = owner
      ends[owner] = offset + size
    }
    return new PageLayer(columns, files)
  }
}

/** What a layer is made of, a position a page. */
export interface LayerColumns {
  readonly pgnos: Uint32Array
  readonly offsets: Uint32Array
  readonly sizes: Uint32Array
  /** Index into the layer's files for each page; absent when there is one file. */
  readonly owners: Uint16Array | undefined
}

/** Columns to be filled. */
export function newColumns(pages: number, manyFiles: boolean): LayerColumns {
  return {
    pgnos: new Uint32Array(pages),
    offsets: new Uint32Array(pages),
    sizes: new Uint32Array(pages),
    owners: manyFiles ? new Uint16Array(pages) : undefined,
  }
}

/** Fill position `i`. */
export function putFrame(
  columns: LayerColumns,
  i: number,
  { pgno, offset, size }: { readonly pgno: Pgno; readonly offset: number; readonly size: number },
): void {
  columns.pgnos[i] = pgno
  columns.offsets[i] = offset % U32
  columns.sizes[i] = Math.floor(offset / U32) * 2 ** SIZE_BITS + size
}
