import type { Pgno } from '../../ltx/index.ts'

/** Kinds of b-tree pages, from the first byte of their header (https://sqlite.org/fileformat2.html#b_tree_pages). */
const INTERIOR_INDEX = 0x02
const INTERIOR_TABLE = 0x05
export const LEAF_INDEX = 0x0a
export const LEAF_TABLE = 0x0d

const POINTER_SIZE = 2
/** A cell takes at least so much room. */
const MIN_CELL_SIZE = 4
/** In front of page 1's b-tree header stands the database's. */
const DATABASE_HEADER_SIZE = 100

/** An interior page: its children in key order. */
export interface InteriorPage {
  readonly tree: 'table' | 'index'
  /** One more than there are keys. */
  readonly children: Uint32Array
  /** Of a table: for each child but the last, the largest rowid in it. Beyond 2^53 they are not exact. */
  readonly rowids: Float64Array | undefined
}

/**
 * Read an interior page.
 * @returns undefined for every other page, and for one that makes no sense: it is only a hint
 */
export function readInteriorPage(page: Uint8Array, pgno: Pgno): InteriorPage | undefined {
  const at = headerAt(pgno)
  const kind = page[at]
  if (kind !== INTERIOR_INDEX && kind !== INTERIOR_TABLE) return undefined
  const count = cellCount(page, at, 12)
  if (count === undefined) return undefined
  const children = new Uint32Array(count + 1)
  const rowids = kind === INTERIOR_TABLE ? new Float64Array(count) : undefined
  for (let i = 0; i < count; i++) {
    const cell = u16(page, at + 12 + 2 * i)
    if (cell + 5 > page.length) return undefined
    children[i] = u32(page, cell)
    if (rowids) rowids[i] = rowidAt(page, cell + 4)
  }
  children[count] = u32(page, at + 8)
  return { tree: rowids ? 'table' : 'index', children, rowids }
}

/** True for a leaf of an index, whose entries name rows of a table. */
export function isIndexLeaf(page: Uint8Array, pgno: Pgno): boolean {
  return page[headerAt(pgno)] === LEAF_INDEX
}

export function isTableLeaf(page: Uint8Array, pgno: Pgno): boolean {
  return page[headerAt(pgno)] === LEAF_TABLE
}

/** True for any page of an index. */
export function isIndexPage(page: Uint8Array, pgno: Pgno): boolean {
  const kind = page[headerAt(pgno)]
  return kind === LEAF_INDEX || kind === INTERIOR_INDEX
}

/**
 * The rowids that the entries on an index page end with, in key order. Entries that go on on an overflow page, and those
 * that do not end with an integer (WITHOUT ROWID tables), are left out.
 */
export function readIndexRowids(page: Uint8Array, pgno: Pgno): number[] {
  const at = headerAt(pgno)
  // An interior page has a longer header, and in front of each entry the page number of the child before it.
  const interior = page[at] === INTERIOR_INDEX
  const [headerSize, skip] = interior ? [12, 4] : [8, 0]
  const count = cellCount(page, at, headerSize) ?? 0
  const rowids: number[] = []
  // Cells lie side by side, so what is looked at is no more than the page. Pointers that lie could lead there again and again.
  let room = page.length
  for (let i = 0; i < count && room > 0; i++) {
    const entry = lastInteger(page, u16(page, at + headerSize + 2 * i) + skip)
    room -= entry.looked
    if (entry.value !== undefined) rowids.push(entry.value)
  }
  return rowids
}

/** How many cells a leaf has. */
export function countCells(page: Uint8Array, pgno: Pgno): number {
  return cellCount(page, headerAt(pgno), 8) ?? 0
}

/** The smallest record on a table leaf, of those that are whole on the page. */
export function readSmallestRecord(page: Uint8Array, pgno: Pgno): Uint8Array | undefined {
  const at = headerAt(pgno)
  let smallest: Uint8Array | undefined
  for (let i = countCells(page, pgno) - 1; i >= 0; i--) {
    const payload = varint(page, u16(page, at + 8 + 2 * i))
    if (payload.value >= (smallest?.length ?? page.length - 35)) continue // larger ones go on on overflow pages
    const start = varint(page, payload.end).end
    if (start + payload.value <= page.length) smallest = page.subarray(start, start + payload.value)
  }
  return smallest
}

/** What one row of `sqlite_schema` says about a tree. */
export interface SchemaEntry {
  readonly type: string
  readonly name: string
  /** The table that the tree belongs to. */
  readonly table: string
  readonly rootPgno: number
}

/** The rows of a leaf of `sqlite_schema`; rows that are not whole on the page are left out. */
export function readSchemaLeaf(page: Uint8Array, pgno: Pgno): SchemaEntry[] {
  const at = headerAt(pgno)
  if (page[at] !== LEAF_TABLE) return []
  const entries: SchemaEntry[] = []
  const count = cellCount(page, at, 8) ?? 0
  let room = page.length // as above
  for (let i = 0; i < count && room > 0; i++) {
    const columns = readSchemaColumns(page, u16(page, at + 8 + 2 * i))
    if (columns === undefined) continue
    room -= columns.reduce((sum, { size }) => sum + size, 0)
    const entry = readSchemaEntry(page, columns)
    if (entry) entries.push(entry)
  }
  return entries
}

function readSchemaColumns(page: Uint8Array, cell: number): Column[] | undefined {
  const payload = varint(page, cell)
  const rowid = varint(page, payload.end)
  return readColumns(page, rowid.end, 4)
}

function readSchemaEntry(page: Uint8Array, columns: readonly Column[]): SchemaEntry | undefined {
  const [type, name, table, root] = columns as [Column, Column, Column, Column]
  const rootPgno = integer(page, root)
  if (rootPgno === undefined || rootPgno === 0) return undefined
  return { type: text(page, type), name: text(page, name), table: text(page, table), rootPgno }
}

interface Column {
  readonly type: number
  readonly at: number
  readonly size: number
}

/** The first `count` columns of a record; undefined when they are not all on the page. */
function readColumns(page: Uint8Array, record: number, count: number): Column[] | undefined {
  const header = varint(page, record)
  let at = record + header.value
  const columns: Column[] = []
  for (let next = header.end; next < record + header.value && columns.length < count; ) {
    const type = varint(page, next)
    const size = sizeOf(type.value)
    columns.push({ type: type.value, at, size })
    at += size
    next = type.end
  }
  return columns.length === count && at <= page.length ? columns : undefined
}

/**
 * The last column of an index entry, if the entry is whole on the page and that column is an integer.
 * @returns with it how many bytes were looked at
 */
function lastInteger(page: Uint8Array, cell: number): { readonly value?: number; readonly looked: number } {
  const payload = varint(page, cell)
  const record = payload.end
  const end = record + payload.value
  const header = varint(page, record)
  const headerEnd = record + header.value
  if (end > page.length || headerEnd > end) return { looked: 1 }
  let type = 0
  for (let next = header.end; next < headerEnd; ) {
    const one = varint(page, next)
    type = one.value
    next = one.end
  }
  const at = end - sizeOf(type)
  const value = at < headerEnd ? undefined : integer(page, { type, size: sizeOf(type), at })
  return { ...(value !== undefined && { value }), looked: 1 + header.value }
}

function integer(page: Uint8Array, { type, at, size }: Column): number | undefined {
  if (type === 8) return 0
  if (type === 9) return 1
  if (type < 1 || type > 6) return undefined
  let value = (page[at]! << 24) >> 24
  for (let i = 1; i < size; i++) value = value * 256 + page[at + i]!
  return value
}

const decoder = new TextDecoder()

function text(page: Uint8Array, { at, size }: Column): string {
  return decoder.decode(page.subarray(at, at + size))
}

/** Bytes of a value by its serial type. */
function sizeOf(type: number): number {
  if (type >= 12) return Math.floor((type - 12) / 2)
  return [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0][type]!
}

function cellCount(page: Uint8Array, at: number, headerSize: number): number | undefined {
  const count = u16(page, at + 3)
  return at + headerSize + (POINTER_SIZE + MIN_CELL_SIZE) * count <= page.length ? count : undefined
}

function headerAt(pgno: Pgno): number {
  return pgno === 1 ? DATABASE_HEADER_SIZE : 0
}

/** A rowid: the varint's 64 bits as a signed integer. Only negative ones, and the very largest, need nine bytes. */
function rowidAt(page: Uint8Array, at: number): number {
  const { value, end } = varint(page, at)
  if (end < at + 9) return value
  let bits = 0n
  for (let i = 0; i < 8; i++) bits = (bits << 7n) | BigInt(page[at + i]! & 0x7f)
  return Number(BigInt.asIntN(64, (bits << 8n) | BigInt(page[at + 8] ?? 0)))
}

function varint(page: Uint8Array, at: number): { value: number; end: number } {
  let value = 0
  for (let i = 0; i < 8; i++) {
    const byte = page[at + i] ?? 0
    value = value * 128 + (byte & 0x7f)
    if (byte < 0x80) return { value, end: at + i + 1 }
  }
  return { value: value * 256 + (page[at + 8] ?? 0), end: at + 9 }
}

function u16(page: Uint8Array, at: number): number {
  return (page[at]! << 8) | page[at + 1]!
}

function u32(page: Uint8Array, at: number): number {
  return ((page[at]! << 24) | (page[at + 1]! << 16) | (page[at + 2]! << 8) | page[at + 3]!) >>> 0
}
