import type { PageIndex, Pgno } from '../../ltx/index.ts'
import { type LayerColumns, newColumns, PageLayer, putFrame } from './page-layer.ts'
import type { SourceFile } from './source-file.ts'

/** No page number, and above all. */
const NO_PAGE = 2 ** 32

/** All pages of one file. */
export function layerOf(index: PageIndex, file: SourceFile): PageLayer {
  const columns = newColumns(index.length, false)
  for (let i = 0; i < index.length; i++) {
    putFrame(columns, i, { pgno: index.pgno(i), offset: index.offset(i), size: index.size(i) })
  }
  return new PageLayer(columns, [file])
}

/** Entries of one file, ascending. */
export function layerOfEntries(
  entries: readonly { readonly pgno: Pgno; readonly offset: number; readonly size: number }[],
  file: SourceFile,
): PageLayer {
  const columns = newColumns(entries.length, false)
  for (const [i, entry] of entries.entries()) putFrame(columns, i, entry)
  return new PageLayer(columns, [file])
}

/** Put two layers of one and the same file behind one another; every page of `next` is behind those of `layer`. */
export function concatLayers(layer: PageLayer, next: PageLayer): PageLayer {
  const columns = newColumns(layer.length + next.length, false)
  for (const name of ['pgnos', 'offsets', 'sizes'] as const) {
    columns[name].set(layer.columns[name])
    columns[name].set(next.columns[name], layer.length)
  }
  return new PageLayer(columns, layer.files)
}

/**
 * One layer in place of two: where both have a page, `newer` wins. Files that no page is left of are forgotten.
 * @param olderLimit pages of `older` above it are left out
 */
export function mergeLayers(older: PageLayer, olderLimit: number, newer: PageLayer): PageLayer {
  const columns = newColumns(older.length + newer.length, true)
  const files = new FileTable()
  const end = older.lowerBound(olderLimit + 1)
  let n = 0
  for (let i = 0, k = 0; i < end || k < newer.length; ) {
    const pgnoA = i < end ? older.pgno(i) : NO_PAGE
    const pgnoB = k < newer.length ? newer.pgno(k) : NO_PAGE
    const [from, at] = pgnoB <= pgnoA ? [newer, k] : [older, i]
    columns.pgnos[n] = from.columns.pgnos[at]!
    columns.offsets[n] = from.columns.offsets[at]!
    columns.sizes[n] = from.columns.sizes[at]!
    columns.owners![n++] = files.number(from.files[from.columns.owners?.[at] ?? 0]!)
    if (pgnoA <= pgnoB) i++
    if (pgnoB <= pgnoA) k++
  }
  return new PageLayer(n === columns.pgnos.length ? columns : cut(columns, n), files.files)
}

function cut({ pgnos, offsets, sizes, owners }: LayerColumns, n: number): LayerColumns {
  return {
    pgnos: pgnos.slice(0, n),
    offsets: offsets.slice(0, n),
    sizes: sizes.slice(0, n),
    owners: owners?.slice(0, n),
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
