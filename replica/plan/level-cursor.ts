import type { TXID } from '../../ltx/index.ts'
import type { LtxFileInfo } from '../../storage/index.ts'

/**
 * Walks one level once, for a plan that only ever moves forward. A file seen stays the candidate until the plan
 * has passed it or a better one comes.
 */
export class LevelCursor {
  readonly #files: readonly LtxFileInfo[]
  #next = 0
  #candidate: LtxFileInfo | undefined

  /** @param files in ascending order of minTXID */
  constructor(files: readonly LtxFileInfo[]) {
    this.#files = files
  }

  /** The best file that continues a plan which has reached `reached`: `min <= reached + 1` and `max > reached`. */
  best(reached: TXID): LtxFileInfo | undefined {
    for (; this.#next < this.#files.length; this.#next++) {
      const file = this.#files[this.#next]!
      if (file.minTXID > reached + 1n) break
      this.#candidate = better(this.#candidate, file)
    }
    if (this.#candidate !== undefined && this.#candidate.maxTXID <= reached) this.#candidate = undefined
    return this.#candidate
  }

  /** Where the level goes on after `best` found nothing: the first file behind the hole, or undefined at its end. */
  get beyond(): LtxFileInfo | undefined {
    return this.#files[this.#next]
  }
}

/** What the first of the levels that has anything offers; levels in the order in which they are preferred. */
export function firstBest(cursors: readonly LevelCursor[], position: TXID): LtxFileInfo | undefined {
  for (const cursor of cursors) {
    const best = cursor.best(position)
    if (best !== undefined) return best
  }
  return undefined
}

/** The file a plan prefers: larger max, then smaller min, then higher level, then earlier creation (facts 6.2). */
export function better(a: LtxFileInfo | undefined, b: LtxFileInfo | undefined): LtxFileInfo | undefined {
  if (a === undefined || b === undefined) return a ?? b
  if (a.maxTXID !== b.maxTXID) return a.maxTXID > b.maxTXID ? a : b
  if (a.minTXID !== b.minTXID) return a.minTXID < b.minTXID ? a : b
  if (a.level !== b.level) return a.level > b.level ? a : b
  return a.createdAt <= b.createdAt ? a : b
}
