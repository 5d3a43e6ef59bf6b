import type { PageIndex } from '../ltx/index.ts'
import type { RowReader, RowWriter } from './saved-rows.ts'
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
  readonly #pgnos: Uint32Array
  readonly #offsets: Uint32Array
  readonly #sizes: Uint32Array
  /** Index into `files` for each page; absent when there is one file. */
  readonly #owners: Uint16Array | undefined
  readonly files: readonly SourceFile[]

  private constructor(columns: RawColumns, files: readonly SourceFile[]) {
    this.#pgnos = columns.pgnos
    this.#offsets = columns.offsets
    this.#sizes = columns.sizes
    this.#owners = columns.owners
    this.files = files
  }

  /** All pages of one file. */
  static of(index: PageIndex, file: SourceFile): PageLayer {
    const columns = new Columns(index.length, false)
    for (let i = 0; i < index.length; i++) columns.push(index.pgno(i), index.offset(i), index.size(i), 0)
    return new PageLayer(columns, [file])
  }

  /** Entries of one file, ascending. */
  static ofEntries(
    entries: readonly { readonly pgno: number; readonly offset: number; readonly size: number }[],
    file: SourceFile,
  ): PageLayer {
    const columns = new Columns(entries.length, false)
    for (const { pgno, offset, size } of entries) columns.push(pgno, offset, size, 0)
    return new PageLayer(columns, [file])
  }

  /** Put two layers of one and the same file behind one another; every page of `next` is behind those of `this`. */
  concat(next: PageLayer): PageLayer {
    const columns = new Columns(this.length + next.length, false)
    columns.append(this.#columns())
    columns.append(next.#columns())
    return new PageLayer(columns, this.files)
  }

  /**
   * One layer in place of two: where both have a page, `newer` wins. Files that no page is left of are forgotten.
   * @param olderLimit pages of `older` above it are left out
   */
  static merge(older: PageLayer, olderLimit: number, newer: PageLayer): PageLayer {
    const columns = new Columns(older.length + newer.length, true)
    const files = new FileTable()
    const [from, over] = [older.#columns(), newer.#columns()]
    const end = older.lowerBound(olderLimit + 1)
    for (let i = 0, k = 0; i < end || k < newer.length; ) {
      const pgnoA = i < end ? from.pgnos[i]! : U32
      const pgnoB = k < newer.length ? over.pgnos[k]! : U32
      if (pgnoB <= pgnoA) columns.copy(over, k, files.number(newer.files[over.owners?.[k] ?? 0]!))
      else columns.copy(from, i, files.number(older.files[from.owners?.[i] ?? 0]!))
      if (pgnoA <= pgnoB) i++
      if (pgnoB <= pgnoA) k++
    }
    return new PageLayer(columns.trimmed(), files.files)
  }

  /** Pages. */
  get length(): number {
    return this.#pgnos.length
  }

  /** Bytes this takes up. */
  get byteLength(): number {
    return this.length * (this.#owners ? 14 : 12)
  }

  /** Of the i-th page, 0 <= i < length. */
  pgno(i: number): number {
    return this.#pgnos[i]!
  }

  location(i: number): PageLocation {
    const size = this.#sizes[i]!
    return {
      file: this.files[this.#owners?.[i] ?? 0]!,
      offset: (size >>> SIZE_BITS) * U32 + this.#offsets[i]!,
      size: size & SIZE_MASK,
    }
  }

  /** The position of a page, or a negative number when it is not here. */
  find(pgno: number): number {
    const i = this.lowerBound(pgno)
    return i < this.length && this.#pgnos[i] === pgno ? i : -1
  }

  /** The position of the first page that is not before `pgno`. */
  lowerBound(pgno: number): number {
    let low = 0
    let high = this.#pgnos.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#pgnos[middle]! < pgno) low = middle + 1
      else high = middle
    }
    return low
  }

  /**
   * A row a page, of varints: pages since the row before, the file (where there are several), bytes of the frame, and
   * bytes between the same file's frame before and this one. Most rows have 5 bytes.
   */
  save(to: RowWriter): SavedLayer {
    const ends = this.files.map(() => 0)
    let before = 0
    for (let i = 0; i < this.length; i++) {
      const owner = this.#owners?.[i] ?? 0
      const { offset, size } = this.location(i)
      to.put(this.pgno(i) - before)
      if (this.files.length > 1) to.put(owner)
      to.put(size)
      to.put(offset - ends[owner]!)
      before = this.pgno(i)
      ends[owner] = offset + size
    }
    return { files: this.files.map((file) => to.file(file)), pages: this.length }
  }

  /** @throws RangeError when the rows are not those of a layer */
  static load({ files, pages }: SavedLayer, from: RowReader): PageLayer {
    const columns = new Columns(pages, files.length > 1)
    const ends = files.map(() => 0)
    let pgno = 0
    for (let i = 0; i < pages; i++) {
      pgno += from.take()
      const owner = files.length > 1 ? from.take() : 0
      const size = from.take()
      const offset = ends[owner]! + from.take()
      columns.push(pgno, offset, size, owner)
      ends[owner] = offset + size
    }
    return new PageLayer(
      columns,
      files.map((number) => from.file(number)),
    )
  }

  #columns(): RawColumns {
    return { pgnos: this.#pgnos, offsets: this.#offsets, sizes: this.#sizes, owners: this.#owners }
  }
}

interface RawColumns {
  readonly pgnos: Uint32Array
  readonly offsets: Uint32Array
  readonly sizes: Uint32Array
  readonly owners: Uint16Array | undefined
}

/** Columns being filled. */
class Columns implements RawColumns {
  pgnos: Uint32Array
  offsets: Uint32Array
  sizes: Uint32Array
  owners: Uint16Array | undefined
  #length = 0

  constructor(capacity: number, manyFiles: boolean) {
    this.pgnos = new Uint32Array(capacity)
    this.offsets = new Uint32Array(capacity)
    this.sizes = new Uint32Array(capacity)
    this.owners = manyFiles ? new Uint16Array(capacity) : undefined
  }

  push(pgno: number, offset: number, size: number, owner: number): void {
    const i = this.#length++
    this.pgnos[i] = pgno
    this.offsets[i] = offset % U32
    this.sizes[i] = Math.floor(offset / U32) * 2 ** SIZE_BITS + size
    if (this.owners) this.owners[i] = owner
  }

  copy(from: RawColumns, at: number, owner: number): void {
    const i = this.#length++
    this.pgnos[i] = from.pgnos[at]!
    this.offsets[i] = from.offsets[at]!
    this.sizes[i] = from.sizes[at]!
    if (this.owners) this.owners[i] = owner
  }

  append(from: RawColumns): void {
    this.pgnos.set(from.pgnos, this.#length)
    this.offsets.set(from.offsets, this.#length)
    this.sizes.set(from.sizes, this.#length)
    this.#length += from.pgnos.length
  }

  trimmed(): Columns {
    const n = this.#length
    if (n === this.pgnos.length) return this
    this.pgnos = this.pgnos.slice(0, n)
    this.offsets = this.offsets.slice(0, n)
    this.sizes = this.sizes.slice(0, n)
    this.owners = this.owners?.slice(0, n)
    return this
  }
}

/** Numbers files in the order in which they are met. */
class FileTable {
  readonly files: SourceFile[] = []
  readonly #numbers = new Map<SourceFile, number>()

  number(file: SourceFile): number {
    const known = this.#numbers.get(file)
    if (known !== undefined) return known
    if (this.files.length > 0xffff) throw new RangeError('A page layer cannot hold more than 65,536 files')
    this.#numbers.set(file, this.files.length)
    return this.files.push(file) - 1
  }
}
