import type { Pgno } from '../../ltx/index.ts'
import { type InteriorPage, readInteriorPage, readSchemaLeaf, type SchemaEntry } from './btree-page.ts'

/** An interior page of some tree, and where it hangs. */
export interface TreeNode extends InteriorPage {
  readonly pgno: Pgno
  /** The page it was read from: another one means that it changed. */
  readonly page: Uint8Array
}

/** A page's place among its siblings. */
export interface Place {
  readonly parent: TreeNode
  /** Among the parent's children. */
  readonly index: number
}

/** At 450 children a page this is about 20 MB, for a database of 2 GB of which every part was looked at. */
const MAX_NODES = 1024
/** Children of all those: pages may be large. */
const MAX_PLACES = 512 * 1024
const MAX_CHILDREN = 65536
const MAX_SCHEMA_LEAVES = 1024
const MAX_SCHEMA_ENTRIES = 32 * 1024
const MAX_LAST_LEAVES = 4096
const SCHEMA_ROOT = 1
/** SQLite allows 20; more is a loop in what is only half known, or a lie. */
export const MAX_HEIGHT = 20

/**
 * What is known of the database's b-trees from the interior pages that went by. All of it is hints for reading ahead:
 * it may be old or wrong, and then something is read that nobody needs. Pages may say anything, so whatever follows
 * them has an end, and what is kept of them a limit. Shared by all who read the replica.
 */
export class Trees {
  /** In the order in which they were learnt. */
  readonly #nodes = new Map<number, TreeNode>()
  /** For each child its parent's page number and its index: parent * MAX_CHILDREN + index. */
  readonly #places = new Map<number, number>()
  /** Of all nodes. */
  #children = 0
  /** Roots of indexes and the roots of their tables. */
  #tableRoots: ReadonlyMap<number, number> = new Map()
  #roots: ReadonlySet<number> = new Set()
  /** Leaves of `sqlite_schema`, by page number. */
  readonly #schema = new Map<number, { readonly page: Uint8Array; readonly entries: readonly SchemaEntry[] }>()
  /** The leaf that was read last, by the root of its tree. */
  readonly #lastLeaves = new Map<number, number>()

  /** Look at a page that is being read. @returns the interior page that it is, if that is news */
  learn(pgno: Pgno, page: Uint8Array): TreeNode | undefined {
    if (this.#nodes.get(pgno)?.page === page) return undefined
    if (pgno === SCHEMA_ROOT || this.place(pgno)?.parent.pgno === SCHEMA_ROOT) this.#learnSchema(pgno, page)
    const interior = readInteriorPage(page, pgno)
    if (interior === undefined) return undefined
    this.#forget(pgno)
    const { length } = interior.children
    for (const oldest of this.#nodes.keys()) {
      if (this.#nodes.size < MAX_NODES && this.#children + length <= MAX_PLACES) break
      this.#forget(oldest)
    }
    const node = { ...interior, pgno, page }
    this.#nodes.set(pgno, node)
    this.#children += length
    for (const [index, child] of interior.children.entries()) this.#places.set(child, pgno * MAX_CHILDREN + index)
    return node
  }

  node(pgno: Pgno): TreeNode | undefined {
    return this.#nodes.get(pgno)
  }

  place(pgno: Pgno): Place | undefined {
    const packed = this.#places.get(pgno)
    if (packed === undefined) return undefined
    const parent = this.#nodes.get(Math.floor(packed / MAX_CHILDREN))
    const index = packed % MAX_CHILDREN
    return parent?.children[index] === pgno ? { parent, index } : undefined
  }

  /** The page beside a page on its level, in either direction; undefined at the tree's edge, or when it is not known. */
  neighbour(pgno: Pgno, direction: 1 | -1): number | undefined {
    let at = pgno
    for (let height = 0; height < MAX_HEIGHT; height++) {
      const place = this.place(at)
      if (place === undefined) return undefined
      const sibling = place.parent.children[place.index + direction]
      if (sibling !== undefined) return this.#edge(sibling, height, direction)
      at = place.parent.pgno
    }
    return undefined
  }

  /** The root of the tree that a page belongs to, as far as is known. */
  root(pgno: Pgno): number {
    let root = pgno
    for (let height = 0; height < MAX_HEIGHT; height++) {
      const place = this.place(root)
      if (place === undefined) break
      root = place.parent.pgno
    }
    return root
  }

  /** True for a page that the schema names as the root of a tree, as far as is known. */
  isRoot(pgno: Pgno): boolean {
    return pgno === SCHEMA_ROOT || this.#roots.has(pgno)
  }

  /** Some leaf of a tree: the one that was read last. */
  lastLeaf(root: number): number | undefined {
    return this.#lastLeaves.get(root)
  }

  /** The root of the table whose rows an index's entries name. */
  tableRoot(indexRoot: number): number | undefined {
    return this.#tableRoots.get(indexRoot)
  }

  /** Say that a page is a leaf. */
  learnLeaf(pgno: Pgno): void {
    const root = this.root(pgno)
    this.#lastLeaves.set(root, pgno)
    if (this.#lastLeaves.size > MAX_LAST_LEAVES) this.#lastLeaves.delete(this.#lastLeaves.keys().next().value!)
  }

  /** The page so many levels below another one, at the side from which one comes in a direction. */
  #edge(pgno: Pgno, levels: number, direction: 1 | -1): number | undefined {
    let at: number | undefined = pgno
    for (let level = 0; level < levels && at !== undefined; level++) {
      at = this.node(at)?.children.at(direction === 1 ? 0 : -1)
    }
    return at
  }

  #learnSchema(pgno: Pgno, page: Uint8Array): void {
    if (this.#schema.get(pgno)?.page === page) return
    this.#schema.delete(pgno)
    if (this.#schema.size >= MAX_SCHEMA_LEAVES) return
    this.#schema.set(pgno, { page, entries: readSchemaLeaf(page, pgno) })
    const entries = [...this.#schema.values()].flatMap((leaf) => leaf.entries).slice(0, MAX_SCHEMA_ENTRIES)
    const tables = new Map(entries.filter(({ type }) => type === 'table').map((entry) => [entry.name, entry.rootPgno]))
    const indexes = entries.filter(({ type, table }) => type === 'index' && tables.has(table))
    this.#tableRoots = new Map(indexes.map(({ rootPgno, table }) => [rootPgno, tables.get(table)!]))
    this.#roots = new Set(entries.map(({ rootPgno }) => rootPgno))
  }

  #forget(pgno: Pgno): void {
    const node = this.#nodes.get(pgno)
    if (node === undefined) return
    this.#nodes.delete(pgno)
    this.#children -= node.children.length
    for (const [index, child] of node.children.entries()) {
      if (this.#places.get(child) === pgno * MAX_CHILDREN + index) this.#places.delete(child)
    }
  }
}
