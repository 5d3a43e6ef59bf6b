import { isLtxError, type Pgno } from '../../ltx/index.ts'
import { InFlight } from '../../pagecache/index.ts'
import type { Account } from '../core/account.ts'
import { damaged } from '../core/damaged.ts'
import { SharedRequest } from '../core/shared-request.ts'
import { addWhole, addWindow, type WindowRange, wholeIndex, windowFor } from './extend-index.ts'
import type { LazyIndex } from './lazy-index.ts'
import type { RangeReader } from './range-reader.ts'

/** A part of an index that is on its way. */
interface Loading extends WindowRange {
  /** All of the index, its size field included. */
  readonly whole: boolean
  readonly payers: SharedRequest
}

/** What to load next: where it is, and the position in it that somebody looks for. */
type Wanted = WindowRange & { readonly target: number; readonly whole: boolean }

/** Windows shrink the hole around a page by far more than half each time. */
const MAX_GUESSES = 12

/**
 * Loads the parts of page indexes that somebody needs; each part once, however many ask for it. All who wait for a part
 * pay for it, each for itself; it is aborted when all have left.
 */
export class IndexLoader {
  readonly #reader: RangeReader
  readonly #signal: AbortSignal
  readonly #parts = new Map<LazyIndex, Loading[]>()
  readonly #inFlight = new InFlight<Loading, boolean>()

  constructor(reader: RangeReader, signal: AbortSignal) {
    this.#reader = reader
    this.#signal = signal
  }

  /**
   * Load what says where a page is, in each of several indexes at once.
   * @throws FileGone, StorageError, ReplicaError REPLICA_DAMAGED, REPLICA_BUDGET for this account; the signal's reason
   */
  async load(indexes: readonly LazyIndex[], pgno: Pgno, account: Account, signal?: AbortSignal): Promise<void> {
    await Promise.all(indexes.map((index) => this.#loadOne(index, pgno, account, signal)))
  }

  /**
   * Load all of an index: proved as a whole, or damaged.
   * @throws FileGone, StorageError, ReplicaError REPLICA_DAMAGED, REPLICA_BUDGET
   */
  async loadWhole(index: LazyIndex, account: Account): Promise<void> {
    await this.#join(index, allOf(index), account, undefined)
  }

  async #loadOne(index: LazyIndex, pgno: Pgno, account: Account, signal: AbortSignal | undefined): Promise<void> {
    let proved = true
    for (let guesses = 0; index.find(pgno) === undefined; guesses++) {
      // Each guess narrows the hole; one that does not end is an index that makes no sense.
      const whole = !proved || guesses > MAX_GUESSES
      const wanted = whole ? allOf(index) : { ...windowFor(index, pgno), whole }
      proved = await this.#join(index, wanted, account, signal)
      if (whole) return
    }
  }

  /** Wait for a part that is on its way or sent now. @returns false when it proves nothing: all has to be read then */
  async #join(index: LazyIndex, wanted: Wanted, account: Account, signal: AbortSignal | undefined): Promise<boolean> {
    signal?.throwIfAborted()
    const known = this.#parts.get(index)?.find((other) => this.#inFlight.has(other) && serves(other, wanted))
    const { position, size, whole } = wanted
    const loading = known ?? { position, size, whole, payers: new SharedRequest() }
    const start = index.about.indexOffset + loading.position
    const refusal = loading.payers.join(account, { start, end: start + loading.size })
    if (refusal) throw refusal
    return await this.#inFlight.share(loading, (unwanted) => this.#load(index, loading, unwanted), signal)
  }

  async #load(index: LazyIndex, loading: Loading, unwanted: AbortSignal): Promise<boolean> {
    const parts = this.#parts.get(index) ?? []
    this.#parts.set(index, parts)
    parts.push(loading)
    const { position, size, whole, payers } = loading
    const offset = index.about.indexOffset + position
    const signal = AbortSignal.any([unwanted, this.#signal])
    try {
      const bytes = await this.#reader.read(
        index.file.info,
        { offset, size },
        { account: payers.sentFor(offset), signal },
      )
      if (!whole) return addWindow(index, bytes, position)
      addWhole(index, bytes)
      return true
    } catch (error) {
      throw isLtxError(error) ? damaged(index.file, error) : error
    } finally {
      payers.end()
      parts.splice(parts.indexOf(loading), 1)
      if (parts.length === 0) this.#parts.delete(index)
    }
  }
}

function allOf(index: LazyIndex): Wanted {
  return { ...wholeIndex(index), target: 0, whole: true }
}

/** Whether what is on its way brings what is wanted, for sure or probably. */
function serves(other: Loading, wanted: Wanted): boolean {
  if (wanted.whole || other.whole) return other.whole
  return covers(other, wanted) || holds(other, wanted.target)
}

function covers(outer: WindowRange, inner: WindowRange): boolean {
  return outer.position <= inner.position && outer.position + outer.size >= inner.position + inner.size
}

/** Whether a window that is on its way will probably tell what stands at a position. */
function holds({ position, size }: WindowRange, target: number): boolean {
  const margin = size / 8
  return target >= position + margin && target <= position + size - margin
}
