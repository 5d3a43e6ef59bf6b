import { isIndexLeaf, isTableLeaf, readIndexRowids } from './btree-page.ts'
import type { TreeNode, Trees } from './trees.ts'

/** What reading ahead needs of the pages. */
export interface AheadPages {
  /** Pages of the database. */
  readonly commit: number
  /** How many pages ahead there is room for: what is fetched must still be there when it is needed. */
  readonly room: number
  /** Have pages fetched; pages at hand are no work. Never throws. @returns when they have come, or will not */
  ahead(pgnos: readonly number[]): Promise<void>
  /** A page if it is at hand, without a trace. */
  peek(pgno: number): Uint8Array | undefined
}

/** A window's first size in pages. It grows whenever half of it has been read: four times, later twice. */
const FIRST_WINDOW = 8
/** From here on growing is cautious: what is read in vain would be as much as what is needed. */
const LARGE_WINDOW = 32
/** At 2 KB a page some 2 MB: more than is on the way at 1 Gbit/s and 10 ms. */
const MAX_WINDOW = 1024
/** A scan may skip this many pages at a step and still be one. */
const NEAR = 3
/** Rows of an index range that are looked for around the last one. */
const MAX_ROUNDS = 20

/** Pages read one after the other in some order: siblings in a tree, numbers, rows behind an index. */
interface Run {
  last: number
  direction: 1 | -1
  /** Steps in a row in one direction. */
  length: number
  /** Pages to have on the way; 0 until there is a reason to. */
  window: number
  /** Up to which position pages were asked for. */
  asked: number
}

/** The index leaf whose entries are being followed to rows. */
interface IndexWalk {
  readonly leaf: number
  readonly indexRoot: number
  readonly tableRoot: number
  readonly rowids: readonly number[]
  run: Run | undefined
  /** Who looked rows up in this index before took so many in a row; 0 when that is not known. */
  readonly usual: number
  /** Table leaves read in a row that no entry leads to. */
  strayed: number
}

/**
 * Guesses from the pages that one connection reads which it will read next. A look-up fetches nothing ahead; the
 * second step in one direction starts a window that doubles with every step:
 *
 * - children of one interior page one after the other: a scan of a table or an index, across interior pages too;
 * - rows of a table one after the other in the order of an index's entries;
 * - pages by their numbers: overflow chains.
 */
export class ReadAhead {
  readonly #pages: AheadPages
  readonly #trees: Trees
  readonly #siblings = new Map<number, Run>()
  readonly #numbers: Run = { last: -2, direction: 1, length: 0, window: 0, asked: -1 }
  #walk: IndexWalk | undefined

  constructor(pages: AheadPages, trees: Trees) {
    this.#pages = pages
    this.#trees = trees
  }

  /** A page is being read. */
  touch(pgno: number, page: Uint8Array): void {
    this.#trees.learn(pgno, page)
    const place = this.#trees.place(pgno)
    if (place) this.#alongSiblings(place.parent, place.index)
    else this.#alongNumbers(pgno)
    if (isIndexLeaf(page, pgno)) this.#beginWalk(pgno, page)
    else if (isTableLeaf(page, pgno)) {
      this.#trees.learnLeaf(pgno)
      this.#alongIndex(pgno)
    }
  }

  /** The reader is done: what it did is remembered for the next one. */
  end(): void {
    if (this.#walk?.run) this.#trees.learnRun(this.#walk.indexRoot, this.#walk.run.length + 1)
    this.#walk = undefined
  }

  #alongSiblings(parent: TreeNode, index: number): void {
    let run = this.#siblings.get(parent.pgno)
    if (run === undefined) {
      run = this.#inherited(parent, index)
      this.#siblings.set(parent.pgno, run)
    }
    const window = step(run, index, { near: NEAR, room: this.#pages.room })
    if (window === 0) return
    const { children } = parent
    const end = Math.max(0, Math.min(children.length - 1, index + run.direction * window))
    const pgnos = between(run, end).map((i) => children[i]!)
    run.asked = end
    void this.#pages.ahead(pgnos)
    const left = window - Math.abs(end - index)
    if (left > 0) void this.#intoNeighbour(parent, run, left)
  }

  /** A scan that comes from the neighbouring interior page goes on as it was. */
  #inherited(parent: TreeNode, index: number): Run {
    for (const direction of [1, -1] as const) {
      const from = this.#trees.neighbour(parent.pgno, direction === 1 ? -1 : 1)
      const run = from === undefined ? undefined : this.#siblings.get(from)
      const edge = direction === 1 ? index === 0 : index === parent.children.length - 1
      if (edge && run && run.direction === direction && run.length > 0) {
        const before = index - direction
        return { last: before, direction, length: run.length, window: run.window / 2, asked: before }
      }
    }
    return { last: -2 * NEAR, direction: 1, length: 0, window: 0, asked: index }
  }

  /** Read the next interior page, and the first of its children, before the scan gets there. */
  async #intoNeighbour(parent: TreeNode, run: Run, count: number): Promise<void> {
    const { direction, length, window } = run
    const next = this.#trees.neighbour(parent.pgno, direction)
    if (next === undefined || this.#siblings.has(next)) return
    await this.#pages.ahead([next])
    const page = this.#pages.peek(next)
    if (page === undefined || this.#siblings.has(next)) return
    this.#trees.learn(next, page)
    const node = this.#trees.node(next)
    if (node === undefined) return
    const start = direction === 1 ? 0 : node.children.length - 1
    const end = Math.max(0, Math.min(node.children.length - 1, start + direction * (count - 1)))
    const neighbours: Run = { last: start - direction, direction, length, window: window / 2, asked: start - direction }
    const pgnos = between(neighbours, end).map((i) => node.children[i]!)
    neighbours.asked = end
    this.#siblings.set(next, neighbours)
    await this.#pages.ahead(pgnos)
  }

  #alongNumbers(pgno: number): void {
    const run = this.#numbers
    const window = step(run, pgno, { near: 1, room: this.#pages.room })
    if (window === 0 || run.direction < 0) return
    const end = Math.min(this.#pages.commit, pgno + window)
    const pgnos = between(run, end)
    run.asked = end
    void this.#pages.ahead(pgnos)
  }

  #beginWalk(leaf: number, page: Uint8Array): void {
    const walk = this.#walk
    if (walk?.leaf === leaf) return
    const indexRoot = this.#trees.root(leaf)
    const tableRoot = this.#trees.tableRoot(indexRoot)
    const follows = walk?.run && this.#trees.neighbour(walk.leaf, walk.run.direction) === leaf
    if (walk?.run && !follows) this.#trees.learnRun(walk.indexRoot, walk.run.length + 1)
    this.#walk = undefined
    if (tableRoot === undefined) return
    const rowids = readIndexRowids(page, leaf)
    const usual = this.#trees.usualRun(indexRoot)
    this.#walk = { leaf, indexRoot, tableRoot, rowids, run: undefined, usual: usual > 1 ? usual : 0, strayed: 0 }
    if (!follows) return
    const { direction, length, window } = walk!.run!
    const last = direction === 1 ? -1 : rowids.length
    this.#walk.run = { last, direction, length, window: window / 2, asked: last }
  }

  #alongIndex(leaf: number): void {
    const walk = this.#walk
    if (walk === undefined) return
    const at = this.#entryOf(walk, leaf)
    if (at === undefined) {
      // Two leaves in a row that no entry near leads to: these rows come from somewhere else.
      if (++walk.strayed > 1) this.end()
      return
    }
    walk.strayed = 0
    const window = this.#windowFrom(walk, at)
    if (window === 0 || walk.run === undefined) return
    const { direction } = walk.run
    const end = Math.max(0, Math.min(walk.rowids.length - 1, at + direction * window))
    const rowids = between(walk.run, end).map((i) => walk.rowids[i]!)
    walk.run.asked = end
    void this.#aheadRows(walk.tableRoot, rowids)
    const left = window - Math.abs(end - at)
    if (left > 0) void this.#intoNextLeaf(walk, direction, left)
  }

  /** @returns entries to have on the way from here */
  #windowFrom(walk: IndexWalk, at: number): number {
    if (walk.run) return step(walk.run, at, { near: walk.rowids.length, room: this.#pages.room, enough: walk.usual })
    walk.run = { last: at, direction: 1, length: 0, window: 0, asked: at }
    return Math.min(walk.usual, this.#pages.room)
  }

  /** The entry nearest to the last one that leads to a table leaf. */
  #entryOf({ run, rowids, tableRoot }: IndexWalk, leaf: number): number | undefined {
    const leads = (i: number): boolean => {
      const found = rowids[i] === undefined ? undefined : this.#trees.leafOf(tableRoot, rowids[i])
      return found !== undefined && 'leaf' in found && found.leaf === leaf
    }
    if (run === undefined) {
      const first = rowids.findIndex((_, i) => leads(i))
      return first < 0 ? undefined : first
    }
    for (let distance = 1; distance < rowids.length + 1; distance++) {
      for (const i of [run.last + run.direction * distance, run.last - run.direction * distance]) {
        if (leads(i)) return i
      }
    }
    return undefined
  }

  async #intoNextLeaf(walk: IndexWalk, direction: 1 | -1, count: number): Promise<void> {
    const next = this.#trees.neighbour(walk.leaf, direction)
    if (next === undefined) return
    await this.#pages.ahead([next])
    const page = this.#pages.peek(next)
    if (page === undefined || !isIndexLeaf(page, next)) return
    const rowids = readIndexRowids(page, next)
    await this.#aheadRows(walk.tableRoot, direction === 1 ? rowids.slice(0, count) : rowids.slice(-count).reverse())
  }

  /** Fetch the leaves that hold rows: level by level, all of a level at once. */
  async #aheadRows(tableRoot: number, rowids: readonly number[]): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const leaves = new Set<number>()
      const missing = new Set<number>()
      for (const rowid of rowids) {
        const found = this.#trees.leafOf(tableRoot, rowid)
        if (found === undefined) continue
        if ('leaf' in found) leaves.add(found.leaf)
        else missing.add(found.missing)
      }
      const fetched = this.#pages.ahead([...missing, ...leaves])
      if (missing.size === 0) return fetched
      await fetched
      let learnt = 0
      for (const pgno of missing) {
        const page = this.#pages.peek(pgno)
        if (page) this.#trees.learn(pgno, page)
        if (this.#trees.node(pgno)) learnt++
      }
      if (learnt === 0) return
    }
  }
}

interface StepLimits {
  /** How far a step may be. */
  readonly near: number
  /** The largest window. */
  readonly room: number
  /** A run up to this length was provided for when it began. */
  readonly enough?: number
}

/**
 * A run goes on, or begins anew.
 * @returns pages to have on the way from here; 0 when enough are, or when it is no run
 */
function step(run: Run, at: number, { near, room, enough = 0 }: StepLimits): number {
  const distance = at - run.last
  if (distance === 0) return 0
  const direction = distance > 0 ? 1 : -1
  run.last = at
  if (Math.abs(distance) > near || (run.length > 0 && direction !== run.direction)) {
    begin(run, at, direction)
    return 0
  }
  if (run.length === 0) begin(run, at, direction)
  run.length++
  return run.length < enough ? 0 : refill(run, at, room)
}

function begin(run: Run, at: number, direction: 1 | -1): void {
  run.length = 0
  run.window = 0
  run.direction = direction
  run.asked = at
}

/** @returns the run's window, grown, when less than half of it is still on the way; otherwise 0 */
function refill(run: Run, at: number, room: number): number {
  const onTheWay = Math.max(0, (run.asked - at) * run.direction)
  if (onTheWay > run.window / 2) return 0
  const factor = run.window < LARGE_WINDOW ? 4 : 2
  run.window = Math.min(MAX_WINDOW, room, Math.max(FIRST_WINDOW, run.window * factor))
  return run.window
}

/** Positions behind what was asked for, up to and with `end`, in the run's direction. */
function between(run: Run, end: number): number[] {
  const positions: number[] = []
  for (let i = run.asked + run.direction; (end - i) * run.direction >= 0; i += run.direction) positions.push(i)
  return positions
}
