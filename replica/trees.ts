import { type InteriorPage, readInteriorPage, readSchemaLeaf } from './btree-page.ts'

/** An interior page of some tree, and where it hangs. */
export interface TreeNode extends InteriorPage {
  readonly pgno: number
  /** The page it was read from: another one means that it changed. */
  readonly page: Uint8Array
}

/** A page's place among its siblings. */
export interface Place {
  readonly parent: TreeNode
  /** Among the parent's children. */
  readonly index: number
}

/** At 450 children a page this is about 4 MB. */
const MAX_NODES = 256
const MAX_CHILDREN = 65536
const SCHEMA_ROOT = 1
/** SQLite allows 20; more is a loop in what is only half known. */
const MAX_HEIGHT = 20

/**
 * What is known of the database's b-trees from the interior pages that went by. All of it is hints for reading ahead:
 * it may be old, and then something is read that nobody needs. Shared by all who read the replica.
 */
export class Trees {
  /** In the order in which they were learnt. */
  readonly #nodes = new Map<number, TreeNode>()
  /** For each child its parent's page number and its index: parent * MAX_CHILDREN + index. */
  readonly #places = new Map<number, number>()
  /** Roots of indexes and the roots of their tables. */
  #tableRoots: ReadonlyMap<number, number> = new Map()
  #schema: Uint8Array | undefined
  /** From the root of a table down to its leaves. */
  readonly #heights = new Map<number, number>()
  /** How many rows in a row were last read through an index, by its root. */
  readonly #runs = new Map<number, number>()

  /** Look at a page that is being read. */
  learn(pgno: number, page: Uint8Array): void {
    if (this.#nodes.get(pgno)?.page === page) return
    if (pgno === SCHEMA_ROOT) this.#learnSchema(page)
    const interior = readInteriorPage(page, pgno)
    if (interior === undefined) return
    this.#forget(pgno)
    if (this.#nodes.size >= MAX_NODES) this.#forget(this.#nodes.keys().next().value!)
    this.#nodes.set(pgno, { ...interior, pgno, page })
    for (const [index, child] of interior.children.entries()) this.#places.set(child, pgno * MAX_CHILDREN + index)
  }

  node(pgno: number): TreeNode | undefined {
    return this.#nodes.get(pgno)
  }

  place(pgno: number): Place | undefined {
    const packed = this.#places.get(pgno)
    if (packed === undefined) return undefined
    const parent = this.#nodes.get(Math.floor(packed / MAX_CHILDREN))
    const index = packed % MAX_CHILDREN
    return parent?.children[index] === pgno ? { parent, index } : undefined
  }

  /** The page beside a page on its level, in either direction; undefined at the tree's edge, or when it is not known. */
  neighbour(pgno: number, direction: 1 | -1): number | undefined {
    const place = this.place(pgno)
    if (place === undefined) return undefined
    const sibling = place.parent.children[place.index + direction]
    if (sibling !== undefined) return sibling
    const cousin = this.neighbour(place.parent.pgno, direction)
    const node = cousin === undefined ? undefined : this.node(cousin)
    return node?.children.at(direction === 1 ? 0 : -1)
  }

  /** The root of the tree that a page belongs to, as far as is known. */
  root(pgno: number): number {
    return this.#climb(pgno).root
  }

  /** The root of the table whose rows an index's entries name. */
  tableRoot(indexRoot: number): number | undefined {
    return this.#tableRoots.get(indexRoot)
  }

  /** Say that a page is a leaf of a table: all leaves of a tree are equally deep. */
  learnLeaf(pgno: number): void {
    const { root, height } = this.#climb(pgno)
    if (height > 0) this.#heights.set(root, height)
  }

  /**
   * Where in a table a row is.
   * @returns the leaf; with `missing` the interior page that has to be read first; undefined when it cannot be known
   */
  leafOf(tableRoot: number, rowid: number): { leaf: number } | { missing: number } | undefined {
    const height = this.#heights.get(tableRoot)
    if (height === undefined) return undefined
    let pgno = tableRoot
    for (let depth = 0; depth < height; depth++) {
      const node = this.node(pgno)
      if (node === undefined) return { missing: pgno }
      if (node.rowids === undefined) return undefined
      pgno = node.children[childOf(node.rowids, rowid)]!
    }
    return { leaf: pgno }
  }

  /** How many rows in a row are usually read through an index; 0 when that is not known. */
  usualRun(indexRoot: number): number {
    return this.#runs.get(indexRoot) ?? 0
  }

  /** Remember how long a run was: the middle between this one and what was usual. */
  learnRun(indexRoot: number, length: number): void {
    const before = this.#runs.get(indexRoot)
    this.#runs.set(indexRoot, before === undefined ? length : Math.round((before + length) / 2))
  }

  #climb(pgno: number): { root: number; height: number } {
    let root = pgno
    let height = 0
    for (let place = this.place(root); place !== undefined && height < MAX_HEIGHT; place = this.place(root)) {
      root = place.parent.pgno
      height++
    }
    return { root, height }
  }

  #learnSchema(page: Uint8Array): void {
    if (this.#schema === page) return
    this.#schema = page
    const entries = readSchemaLeaf(page, SCHEMA_ROOT)
    const tables = new Map(entries.filter(({ type }) => type === 'table').map((entry) => [entry.name, entry.rootPgno]))
    const indexes = entries.filter(({ type, table }) => type === 'index' && tables.has(table))
    this.#tableRoots = new Map(indexes.map(({ rootPgno, table }) => [rootPgno, tables.get(table)!]))
  }

  #forget(pgno: number): void {
    const node = this.#nodes.get(pgno)
    if (node === undefined) return
    this.#nodes.delete(pgno)
    for (const [index, child] of node.children.entries()) {
      if (this.#places.get(child) === pgno * MAX_CHILDREN + index) this.#places.delete(child)
    }
  }
}

/** The child of a table's interior page that holds a rowid: the first whose largest rowid is not below it. */
function childOf(rowids: Float64Array, rowid: number): number {
  let low = 0
  let high = rowids.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rowids[middle]! < rowid) low = middle + 1
    else high = middle
  }
  return low
}
