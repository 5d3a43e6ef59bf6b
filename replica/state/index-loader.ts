import { isLtxError } from '../../ltx/index.ts'
import type { Account } from '../core/account.ts'
import { damaged } from '../pages/page-fetcher.ts'
import { addWhole, addWindow, type WindowRange, wholeIndex, windowFor } from './extend-index.ts'
import type { LazyIndex } from './lazy-index.ts'
import type { RangeReader } from './range-reader.ts'

interface Loading extends WindowRange {
  readonly done: Promise<void>
}

/** Loads the parts of page indexes that somebody needs; each part once, however many ask for it. */
export class IndexLoader {
  readonly #reader: RangeReader
  readonly #signal: AbortSignal
  readonly #loading = new Map<LazyIndex, Loading[]>()

  constructor(reader: RangeReader, signal: AbortSignal) {
    this.#reader = reader
    this.#signal = signal
  }

  /**
   * Load what says where a page is, in each of several indexes at once.
   * @throws FileGone, StorageError, ReplicaError REPLICA_DAMAGED, REPLICA_BUDGET
   */
  async load(indexes: readonly LazyIndex[], pgno: number, account: Account): Promise<void> {
    await Promise.all(indexes.map((index) => this.#loadOne(index, pgno, account)))
  }

  async #loadOne(index: LazyIndex, pgno: number, account: Account): Promise<void> {
    for (let guesses = 0; index.find(pgno) === undefined; guesses++) {
      // Each guess narrows the hole; one that does not end is an index that makes no sense.
      if (guesses > MAX_GUESSES) return this.loadWhole(index, account)
      const range = windowFor(index, pgno)
      const known = this.#loading.get(index)?.find((other) => covers(other, range) || holds(other, range.target))
      await (known?.done ?? this.#loadWindow(index, range, account))
    }
  }

  #loadWindow(index: LazyIndex, range: WindowRange, account: Account): Promise<void> {
    const fetched = async (): Promise<void> => {
      const bytes = await this.#read(index, range, account)
      if (!addWindow(index, bytes, range.position)) await this.loadWhole(index, account)
    }
    const list = this.#loading.get(index) ?? []
    this.#loading.set(index, list)
    const loading: Loading = {
      ...range,
      done: fetched().finally(() => {
        list.splice(list.indexOf(loading), 1)
        if (list.length === 0) this.#loading.delete(index)
      }),
    }
    list.push(loading)
    return loading.done
  }

  /**
   * Load all of an index: proved as a whole, or damaged.
   * @throws FileGone, StorageError, ReplicaError REPLICA_DAMAGED, REPLICA_BUDGET
   */
  async loadWhole(index: LazyIndex, account: Account): Promise<void> {
    const bytes = await this.#read(index, wholeIndex(index), account)
    try {
      addWhole(index, bytes)
    } catch (error) {
      throw isLtxError(error) ? damaged(index.file, error) : error
    }
  }

  #read(index: LazyIndex, { position, size }: WindowRange, account: Account): Promise<Uint8Array> {
    const offset = index.about.indexOffset + position
    return this.#reader.read(index.file.info, { offset, size }, { account, signal: this.#signal })
  }
}

/** Windows shrink the hole around a page by far more than half each time. */
const MAX_GUESSES = 12

function covers(outer: WindowRange, inner: WindowRange): boolean {
  return outer.position <= inner.position && outer.position + outer.size >= inner.position + inner.size
}

/** Whether a window that is on its way will probably tell what stands at a position. */
function holds({ position, size }: WindowRange, target: number): boolean {
  const margin = size / 8
  return target >= position + margin && target <= position + size - margin
}
