import type { Pgno } from '../../ltx/index.ts'
import { countCells, isIndexLeaf, isTableLeaf, LEAF_INDEX, LEAF_TABLE, readSmallestRecord } from './btree-page.ts'
import { MAX_HEIGHT, type Place, type Trees } from './trees.ts'

/** What placeholder pages are made from. */
export interface PlaceholderContext {
  /** Bytes. */
  readonly pageSize: number
  readonly trees: Trees
  /** A page if it is at hand. */
  peek(pgno: Pgno): Uint8Array | undefined
  /** Rowids of a table that will probably be looked for. */
  wantedRows(tableRoot: number): readonly number[]
}

/** A record of one column: it and all that are not there are NULL, or their defaults. */
const EMPTY_RECORD = Uint8Array.of(2, 0)
/** An index entry of 11 bytes: a header of three, for NULL, which comes before everything, and a rowid of eight bytes. */
const LOWEST_ENTRY = Uint8Array.of(11, 3, 0, 6)
const ENTRY_SIZE = LOWEST_ENTRY.length + 8
const LEAF_HEADER_SIZE = 8
const POINTER_SIZE = 2
/** Bytes of a row with an empty record: pointer, size, record, and a rowid of eight bytes. */
const EMPTY_ROW_SIZE = 2 + 1 + 2 + 8

/**
 * A page that a query can run over in place of one that is not at hand, in a run whose rows nobody sees: one that looks
 * for a row finds one, and goes on to whatever it reads next.
 *
 * - a leaf of a table has every rowid that its parent leaves room for, or if those are too many the ones that are wanted,
 *   each with the record of a row that was seen in that table, or an empty one
 * - an interior page is replaced by a leaf, too
 * - a leaf of an index has entries below everything, with the rowid of a row that was found before: a search finds
 *   nothing, a scan goes on
 * - any other page that is not a root is taken for one of an overflow chain that goes on with the next number
 *
 * @returns undefined when there is nothing to make it from: a root, or rowids below 0
 */
export function placeholder(pgno: Pgno, context: PlaceholderContext): Uint8Array | undefined {
  const { trees, pageSize } = context
  const place = trees.place(pgno)
  if (place === undefined) return trees.isRoot(pgno) ? undefined : overflowPage(pgno, pageSize)
  const root = trees.root(pgno)
  const examplePgno = trees.lastLeaf(root)
  const example = examplePgno === undefined ? undefined : context.peek(examplePgno)
  if (place.parent.tree === 'index') {
    const count = example && isIndexLeaf(example, examplePgno!) ? countCells(example, examplePgno!) : 1
    const tableRoot = trees.tableRoot(root)
    const [rowid = 1] = tableRoot === undefined ? [] : context.wantedRows(tableRoot)
    return indexLeaf(pageSize, count, rowid)
  }
  const known = example && isTableLeaf(example, examplePgno!) ? example : undefined
  const record = (known && readSmallestRecord(known, examplePgno!)) ?? EMPTY_RECORD
  const most = Math.floor(pageSize / EMPTY_ROW_SIZE)
  const rowids = rowidsWithin(place, trees, context.wantedRows(root), most)
  if (rowids[0]! < 0) return undefined
  return tableLeaf(pageSize, rowids, record) ?? tableLeaf(pageSize, rowids.slice(0, most), EMPTY_RECORD)
}

function overflowPage(pgno: Pgno, pageSize: number): Uint8Array {
  const page = new Uint8Array(pageSize)
  new DataView(page.buffer).setUint32(0, pgno + 1)
  return page
}

/** All entries are one: their pointers lead to the same cell. */
function indexLeaf(pageSize: number, count: number, rowid: number): Uint8Array {
  const most = Math.floor((pageSize - LEAF_HEADER_SIZE - ENTRY_SIZE) / POINTER_SIZE)
  const page = leaf(pageSize, LEAF_INDEX, Math.max(1, Math.min(count, most)))
  const cell = pageSize - ENTRY_SIZE
  page.bytes.set(LOWEST_ENTRY, cell)
  page.view.setBigInt64(cell + LOWEST_ENTRY.length, BigInt(rowid))
  for (let i = 0; i < page.count; i++) page.view.setUint16(LEAF_HEADER_SIZE + i * POINTER_SIZE, cell)
  return page.bytes
}

/**
 * The rowids that a page can have, if both ends are known and a page could hold them; else those of them that are
 * wanted; else the one that the tree names, which was there once. Ascending, at least one.
 */
function rowidsWithin(place: Place, trees: Trees, wanted: readonly number[], most: number): number[] {
  const last = highest(place, trees)
  const above = highestBefore(place, trees) ?? (last > 0 ? 0 : Number.NEGATIVE_INFINITY)
  if (last > above && last - above <= most * 2) return Array.from({ length: last - above }, (_, i) => above + 1 + i)
  const within = new Set(wanted.filter((rowid) => rowid > above && rowid <= last))
  if (within.size > 0) return [...within].sort((a, b) => a - b)
  return [Number.isFinite(last) ? last : above + 1]
}

/** The highest rowid that a page can have: from the first page above it that it is not the last child of. */
function highest(place: Place, trees: Trees): number {
  for (const { parent, index } of upwards(place, trees)) {
    const rowid = parent.rowids?.[index]
    if (rowid !== undefined) return rowid
  }
  return Number.POSITIVE_INFINITY
}

/** The highest rowid of the page before it, undefined for a tree's first page. */
function highestBefore(place: Place, trees: Trees): number | undefined {
  for (const { parent, index } of upwards(place, trees)) if (index > 0) return parent.rowids?.[index - 1]
  return undefined
}

/** A page's place, and those of the pages above it. */
function* upwards(place: Place, trees: Trees): Generator<Place> {
  let at: Place | undefined = place
  for (let height = 0; height < MAX_HEIGHT && at !== undefined; height++) {
    yield at
    at = trees.place(at.parent.pgno)
  }
}

/** @returns undefined when the rows do not fit */
function tableLeaf(pageSize: number, rowids: readonly number[], record: Uint8Array): Uint8Array | undefined {
  const count = rowids.length
  const cellSize = varintSize(record.length) + varintSize(rowids.at(-1)!) + record.length
  if (LEAF_HEADER_SIZE + count * (POINTER_SIZE + cellSize) > pageSize) return undefined
  const { bytes, view } = leaf(pageSize, LEAF_TABLE, count)
  let at = LEAF_HEADER_SIZE + count * POINTER_SIZE
  for (const [i, rowid] of rowids.entries()) {
    view.setUint16(LEAF_HEADER_SIZE + i * POINTER_SIZE, at)
    at = putVarint(bytes, at, record.length)
    at = putVarint(bytes, at, rowid)
    bytes.set(record, at)
    at += record.length
  }
  return bytes
}

function leaf(pageSize: number, kind: number, count: number) {
  const bytes = new Uint8Array(pageSize)
  const view = new DataView(bytes.buffer)
  bytes[0] = kind
  view.setUint16(3, count)
  return { bytes, view, count }
}

function varintSize(value: number): number {
  let size = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++
  return size
}

/** Up to 2^53 a varint has at most eight bytes, so the ninth's rule is not needed. @returns the position behind it */
function putVarint(bytes: Uint8Array, at: number, value: number): number {
  const end = at + varintSize(value)
  let rest = value
  for (let i = end - 1; i >= at; i--) {
    bytes[i] = (rest % 128) | (i < end - 1 ? 0x80 : 0)
    rest = Math.floor(rest / 128)
  }
  return end
}
