import type { Pgno } from '../../ltx/index.ts'
import { isIndexLeaf, isTableLeaf } from './btree-page.ts'
import type { Place, TreeNode, Trees } from './trees.ts'

/** What reading ahead needs of the pages. */
export interface AheadPages {
  /** Pages of the database. */
  readonly commit: number
  /** How many pages ahead there is room for: what is fetched must still be there when it is needed. */
  readonly room: number
  /**
   * Have pages fetched; pages at hand are no work, and pages that the database does not have are left out. Never throws.
   * @returns when they have come, or will not; never rejects
   */
  ahead(pgnos: readonly Pgno[]): Promise<void>
  /** A page if it is at hand, without a trace. Never throws. */
  peek(pgno: Pgno): Uint8Array | undefined
}

/** A window's first size in pages. It grows whenever half of it has been read: four times, later twice. */
const FIRST_WINDOW = 8
/** From here on growing is cautious: what is read in vain would be as much as what is needed. */
const LARGE_WINDOW = 32
/** At 2 KB a page some 4 MB: three times what is on the way at 1 Gbit/s and 10 ms. */
const MAX_WINDOW = 2048
/** Interior pages that are fetched at once: as many as a table of some 2 GB has. */
const MAX_INTERIORS = 512
/** A scan may skip this many pages at a step and still be one. */
const NEAR = 3

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

/**
 * Guesses from the pages that one connection reads which it will read next. A look-up fetches nothing ahead; the
 * second step in one direction starts a window that doubles with every step:
 *
 * - children of one interior page one after the other: a scan of a table or an index, across interior pages too;
 * - pages by their numbers: overflow chains;
 * - interior pages that hang side by side.
 *
 * What follows no such order, rows behind an index or the inner side of a join, is for those who run ahead (`Predictor`).
 */
export class ReadAhead {
  readonly #pages: AheadPages
  readonly #trees: Trees
  readonly #siblings = new Map<number, Run>()
  readonly #numbers: Run = { last: -2, direction: 1, length: 0, window: 0, asked: -1 }

  constructor(pages: AheadPages, trees: Trees) {
    this.#pages = pages
    this.#trees = trees
  }

  /** A page is being read. */
  touch(pgno: Pgno, page: Uint8Array): void {
    const news = this.#trees.learn(pgno, page)
    const place = this.#trees.place(pgno)
    if (place) this.#alongSiblings(place.parent, place.index)
    else this.#alongNumbers(pgno)
    if (place && news) this.#besideInterior(place)
    if (isIndexLeaf(page, pgno) || isTableLeaf(page, pgno)) this.#trees.learnLeaf(pgno)
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
    if (left > 0) this.#intoNeighbour(parent, run, left)
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
  #intoNeighbour(parent: TreeNode, run: Run, count: number): void {
    const next = this.#trees.neighbour(parent.pgno, run.direction)
    if (next === undefined || this.#siblings.has(next)) return
    const goOn = (): void => this.#fromEdge(next, run, count)
    void this.#pages
      .ahead([next])
      .then(goOn)
      .catch(() => {}) // it would only have saved time
  }

  #fromEdge(next: number, { direction, length, window }: Run, count: number): void {
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
    void this.#pages.ahead(pgnos)
  }

  /**
   * Who comes by several of a tree's interior pages will come by more: there are few of them, and whoever looks up rows
   * here and there needs one for every row. The next ones around each are fetched: 4, then 16, then 64.
   */
  #besideInterior({ parent, index }: Place): void {
    const { children } = parent
    const known = children.reduce((count, child) => (this.#trees.node(child) ? count + 1 : count), 0)
    if (known < 2) return
    const most = Math.min(children.length, 4 ** (known - 1), MAX_INTERIORS)
    const beside: number[] = []
    for (let distance = 1; distance < children.length && beside.length < most; distance++) {
      for (const child of [children[index + distance], children[index - distance]]) {
        if (child !== undefined && this.#trees.node(child) === undefined) beside.push(child)
      }
    }
    void this.#pages.ahead(beside)
  }

  #alongNumbers(pgno: Pgno): void {
    const run = this.#numbers
    const window = step(run, pgno, { near: 1, room: this.#pages.room })
    if (window === 0 || run.direction < 0) return
    const end = Math.min(this.#pages.commit, pgno + window)
    const pgnos = between(run, end)
    run.asked = end
    void this.#pages.ahead(pgnos)
  }
}

interface StepLimits {
  /** How far a step may be. */
  readonly near: number
  /** The largest window. */
  readonly room: number
}

/**
 * A run goes on, or begins anew.
 * @returns pages to have on the way from here; 0 when enough are, or when it is no run
 */
function step(run: Run, at: number, { near, room }: StepLimits): number {
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
  return refill(run, at, room)
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
