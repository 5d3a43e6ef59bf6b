import { lockPgno, type TXID } from '../ltx/index.ts'
import { ReplicaError } from './errors.ts'
import { LazyIndex } from './lazy-index.ts'
import { PageLayer, type PageLocation } from './page-layer.ts'
import type { SourceFile } from './source-file.ts'
import type { DatabaseState } from './types.ts'

/** One file, read as far as is needed to find pages in it. */
export interface OpenedFile {
  readonly file: SourceFile
  readonly index: PageLayer | LazyIndex
  /** From its header, which is read for the newest file of a state at least. */
  readonly head?: { readonly pageSize: number; readonly commit: number; readonly timestamp: number }
}

/** Pages of one or several files; those above `limit` were cut off by a later, smaller state. */
export interface Part {
  readonly index: PageLayer | LazyIndex
  readonly limit: number
}

/** Two layers become one when the upper has at least this share of the lower's pages. */
const MERGE_SHARE = 1 / 2

/**
 * One state of the database, and where each of its pages is. Immutable: a newer state is a new value, which shares
 * what both have in common. Nothing has to be told to forget an old one.
 */
export class Snapshot implements DatabaseState {
  readonly txid: TXID
  readonly timestamp: number
  readonly commit: number
  readonly pageSize: number
  /** Newest first. */
  readonly parts: readonly Part[]

  private constructor(state: DatabaseState, parts: readonly Part[]) {
    this.txid = state.txid
    this.timestamp = state.timestamp
    this.commit = state.commit
    this.pageSize = state.pageSize
    this.parts = parts
  }

  /**
   * The state that files give when they are applied in order.
   * @param files the last with its `head`
   */
  static of(files: readonly OpenedFile[]): Snapshot {
    const { file, head } = files.at(-1)!
    if (head === undefined) throw new RangeError('The newest file of a state needs its header')
    const state = { ...head, txid: file.info.maxTXID }
    let parts: readonly Part[] = []
    for (const opened of files) parts = stack(parts, opened, head.commit)
    return new Snapshot(state, parts)
  }

  /** A state that was saved. */
  static load(state: DatabaseState, parts: readonly Part[]): Snapshot {
    return new Snapshot(state, parts)
  }

  /**
   * The state after one more file. What the file holds is newer than all there is (`planRestore` and the follower only
   * ever go on with a file that reaches further), so its pages win; pages above its commit are gone.
   * @throws ReplicaError REPLICA_PAGE_SIZE
   */
  with(opened: OpenedFile): Snapshot {
    const { file, head } = opened
    if (head === undefined) throw new RangeError('The newest file of a state needs its header')
    if (head.pageSize !== this.pageSize) throw differentPageSize(file, head.pageSize, this.pageSize)
    return new Snapshot({ ...head, txid: file.info.maxTXID }, stack(this.parts, opened, head.commit))
  }

  /**
   * Where a page is.
   * @returns 'zeros' for the lock page; indexes of which a part has to be loaded before it can be said
   * @throws ReplicaError REPLICA_DAMAGED when no file holds it
   */
  locate(pgno: number): PageLocation | 'zeros' | LazyIndex[] {
    const unknown: LazyIndex[] = []
    for (const { index, limit } of this.parts) {
      if (pgno > limit) continue
      const found = find(index, pgno)
      if (found === 'absent') continue
      if (found !== undefined) return unknown.length > 0 ? unknown : found
      unknown.push(index as LazyIndex)
    }
    if (unknown.length > 0) return unknown
    if (pgno === lockPgno(this.pageSize)) return 'zeros'
    throw new ReplicaError('REPLICA_DAMAGED', `Cannot read page ${pgno}: no file of the replica holds it`, {
      at: { pgno, txid: this.txid },
      hint: 'The replica lacks pages; take a new snapshot of the database.',
    })
  }

  /** The files that pages of this state are in, oldest last. */
  files(): SourceFile[] {
    return [...new Set(this.parts.flatMap(({ index }) => (index instanceof LazyIndex ? [index.file] : index.files)))]
  }

  /** Memory of the page map: pages that it can find now, and the bytes for them. */
  size(): { pages: number; bytes: number } {
    const sum = { pages: 0, bytes: 0 }
    for (const { index } of this.parts) {
      sum.pages += index.length
      sum.bytes += index.byteLength
    }
    return sum
  }
}

/**
 * True when a state that was planned from listings comes after another one. A lower TXID is a listing that is out of
 * date; but of a bucket that was emptied and begun anew TXIDs begin again, and times go on (facts 11: they ascend with
 * TXIDs).
 */
export function comesAfter(state: DatabaseState, other: DatabaseState): boolean {
  return state.txid > other.txid || state.timestamp > other.timestamp
}

function find(index: PageLayer | LazyIndex, pgno: number): PageLocation | 'absent' | undefined {
  if (index instanceof LazyIndex) return index.find(pgno)
  const i = index.find(pgno)
  return i < 0 ? 'absent' : index.location(i)
}

/** Put a file on top; layers of about one size become one, so that there are never more than a few. */
function stack(parts: readonly Part[], { index }: OpenedFile, commit: number): readonly Part[] {
  const stacked = parts.map((part) => (part.limit <= commit ? part : { ...part, limit: commit }))
  let top = index
  while (stacked[0] !== undefined && top instanceof PageLayer) {
    const { index: below, limit } = stacked[0]
    if (!(below instanceof PageLayer) || top.length < below.length * MERGE_SHARE) break
    if (below.files.length + top.files.length > 0xffff) break
    top = PageLayer.merge(below, limit, top)
    stacked.shift()
  }
  return [{ index: top, limit: commit }, ...stacked]
}

/** The error for a file that cannot belong to the same database. */
export function differentPageSize(file: SourceFile, found: number, wanted: number): ReplicaError {
  return new ReplicaError(
    'REPLICA_PAGE_SIZE',
    `Cannot read ${file.key}: its pages have ${found} bytes, those of older files ${wanted}`,
    {
      at: { key: file.key },
      hint: 'Two databases were replicated to one place; replicate each to a place of its own.',
    },
  )
}
