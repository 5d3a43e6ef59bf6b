import type { Pgno } from '../../ltx/index.ts'
import type { Predictor } from '../core/types.ts'
import { isIndexPage, readIndexRowids } from './btree-page.ts'
import { type PlaceholderContext, placeholder } from './placeholder-page.ts'
import type { AheadPages } from './read-ahead.ts'
import type { Trees } from './trees.ts'

/** So many pages may be on the way before any has turned out to be needed, */
const FIRST_PAGES = 64
/** and so many more for each that has, or fewer for each that has not. */
const GROWTH = 8
/** Rows of one table that a run remembers: far more than it may find pages. */
const MAX_NAMED_ROWS = 64 * 1024

/** The pages that one reader's runs ahead see, and what they found. */
export class PagePredictor implements Predictor {
  readonly #pages: AheadPages
  readonly #placeholders: PlaceholderContext
  /** Fetched because of runs, and not read yet. */
  readonly #asked = new Set<number>()
  /** How many of those were read. */
  #useful = 0
  /** How many were not: a later run, which knew more, went without them. */
  #wasted = 0
  /** What this run has found, in its order. */
  readonly #found = new Set<number>()
  /** Every page that this run has read. */
  readonly #seen = new Set<number>()
  /** How much it may find. */
  #most = 0
  /** Rowids in the index pages of this run, by the root of the table that they are rows of. */
  readonly #namedRows = new Map<number, number[]>()

  constructor(pages: AheadPages, trees: Trees, pageSize: number) {
    this.#pages = pages
    this.#placeholders = {
      pageSize,
      trees,
      peek: (pgno) => pages.peek(pgno),
      wantedRows: (tableRoot) => this.#namedRows.get(tableRoot) ?? [],
    }
  }

  get useful(): number {
    return this.#useful
  }

  get low(): boolean {
    return this.#asked.size < this.#allowed / 2
  }

  has(pgno: Pgno): boolean {
    return this.#asked.has(pgno)
  }

  begin(): boolean {
    this.#found.clear()
    this.#seen.clear()
    this.#namedRows.clear()
    this.#most = this.#allowed - this.#asked.size
    return this.#most > 0
  }

  at(pgno: Pgno): Uint8Array | undefined {
    this.#seen.add(pgno)
    const page = this.#pages.peek(pgno)
    if (page === undefined) return undefined
    this.#placeholders.trees.learn(pgno, page)
    if (isIndexPage(page, pgno)) this.#noteRows(pgno, page)
    return page
  }

  placeholder(pgno: Pgno): Uint8Array | undefined {
    if (!this.#asked.has(pgno)) {
      if (this.#found.size >= this.#most) return undefined
      this.#found.add(pgno)
    }
    return placeholder(pgno, this.#placeholders)
  }

  fetch(complete: boolean): number {
    if (complete) this.#giveUpUnseen()
    const pgnos = [...this.#found]
    for (const pgno of pgnos) this.#asked.add(pgno)
    if (pgnos.length > 0) void this.#pages.ahead(pgnos)
    return pgnos.length
  }

  /** The reader reads a page. */
  read(pgno: Pgno): void {
    if (this.#asked.delete(pgno)) this.#useful++
  }

  get #allowed(): number {
    return Math.min(this.#pages.room, FIRST_PAGES + GROWTH * (this.#useful - this.#wasted))
  }

  #giveUpUnseen(): void {
    for (const pgno of this.#asked) {
      if (this.#seen.has(pgno)) continue
      this.#asked.delete(pgno)
      this.#wasted++
    }
  }

  #noteRows(pgno: Pgno, page: Uint8Array): void {
    const { trees } = this.#placeholders
    const tableRoot = trees.tableRoot(trees.root(pgno))
    if (tableRoot === undefined) return
    const rows = this.#namedRows.get(tableRoot) ?? []
    this.#namedRows.set(tableRoot, rows)
    for (const rowid of readIndexRowids(page, pgno)) if (rows.length < MAX_NAMED_ROWS) rows.push(rowid)
  }
}
