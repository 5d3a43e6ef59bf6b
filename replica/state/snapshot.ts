import { lockPgno, type Pgno, type TXID } from '../../ltx/index.ts'
import { ReplicaError } from '../core/errors.ts'
import type { DatabaseState } from '../core/types.ts'
import { LazyIndex } from './lazy-index.ts'
import type { PageLayer, PageLocation } from './page-layer.ts'
import type { SourceFile } from './source-file.ts'

/** What a file's header says. */
export interface FileHead {
  readonly pageSize: number
  readonly commit: number
  readonly timestamp: number
  /** Names the file's last transaction and the one before its first, where the writer says so; else 0. */
  readonly link: bigint
}

/** One file, read as far as is needed to find pages in it. */
export interface OpenedFile {
  readonly file: SourceFile
  readonly index: PageLayer | LazyIndex
  readonly head: FileHead
}

/** Pages of one or several files; those above `limit` were cut off by a later, smaller state. */
export interface Part {
  readonly index: PageLayer | LazyIndex
  readonly limit: number
}

/** Stands for one history of a place: states have the same object only when it is proved that one goes on from the other. */
export type History = object

/** What a state is beside where its pages are. */
export interface SnapshotState extends DatabaseState {
  readonly newest: SourceFile
  /** Of the newest file; 0 when it is not known. */
  readonly link: bigint
  /** Default: one of its own. */
  readonly history?: History
}

/**
 * One state of the database, and where each of its pages is. Immutable: a newer state is a new value, which shares
 * what both have in common. Nothing has to be told to forget an old one.
 */
export class Snapshot implements DatabaseState {
  readonly txid: TXID
  readonly timestamp: number
  readonly commit: number
  readonly pageSize: number
  readonly identity: string
  /** The file of its last transaction. */
  readonly newest: SourceFile
  readonly link: bigint
  /** The same for states of which it is proved that one goes on from the other. */
  readonly history: History
  /** Newest first. */
  readonly parts: readonly Part[]

  constructor(state: SnapshotState, parts: readonly Part[]) {
    this.txid = state.txid
    this.timestamp = state.timestamp
    this.commit = state.commit
    this.pageSize = state.pageSize
    this.identity = state.identity
    this.newest = state.newest
    this.link = state.link
    this.history = state.history ?? {}
    this.parts = parts
  }

  /** The same state, of which it is proved that another one of its history is that one's. */
  inHistoryOf({ history }: Snapshot): Snapshot {
    return history === this.history ? this : new Snapshot({ ...this, history }, this.parts)
  }

  /**
   * Where a page is.
   * @returns 'zeros' for the lock page; indexes of which a part has to be loaded before it can be said
   * @throws ReplicaError REPLICA_DAMAGED when no file holds it
   */
  locate(pgno: Pgno): PageLocation | 'zeros' | LazyIndex[] {
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

  /** The files that pages of this state are in, and that of its last transaction. */
  files(): SourceFile[] {
    const holding = this.parts.flatMap(({ index }) => (index instanceof LazyIndex ? [index.file] : index.files))
    return [...new Set([this.newest, ...holding])]
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

function find(index: PageLayer | LazyIndex, pgno: Pgno): PageLocation | 'absent' | undefined {
  if (index instanceof LazyIndex) return index.find(pgno)
  const i = index.find(pgno)
  return i < 0 ? 'absent' : index.location(i)
}
