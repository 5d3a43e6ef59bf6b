import {
  decodeIndexWindow,
  decodePageIndex,
  estimateIndexPosition,
  type IndexLandmark,
  type IndexWindow,
  type IndexWindowEntry,
  type PageIndex,
} from '../ltx/index.ts'
import { PageLayer, type PageLocation, type SavedLayer } from './page-layer.ts'
import type { RowReader, RowWriter } from './saved-rows.ts'
import type { SourceFile } from './source-file.ts'

/** The first window's share of an index, and its bounds in bytes: it nearly always has the entry that is looked for. */
const FIRST_WINDOW_SHARE = 1 / 16
const MIN_WINDOW_BYTES = 4 * 1024
const MAX_FIRST_WINDOW_BYTES = 16 * 1024
/** Who keeps coming back reads here and there: each window is twice as long as the one before, up to this. */
const MAX_WINDOW_BYTES = 512 * 1024
/** A window overlaps what is known by this much: enough to prove where its entries begin. */
const OVERLAP_BYTES = 256
/** Where a snapshot's first frame is. */
const FIRST: IndexLandmark = { pgno: 1, position: 0, offset: 100 }

/** What is known about the file whose index is read piece by piece. */
export interface LazyIndexFile {
  readonly file: SourceFile
  readonly pageSize: number
  /** Highest page number there can be. */
  readonly commit: number
  /** Of the index in the file: its first byte, and its bytes without the size field behind it. */
  readonly indexOffset: number
  readonly indexSize: number
}

/** An index as it is saved, with what of it was loaded. */
export interface SavedLazyIndex extends Omit<LazyIndexFile, 'file'> {
  readonly file: number
  readonly runs: readonly (Omit<Run, 'layer'> & { readonly layer: SavedLayer })[]
}

/** A piece of an index to be fetched. */
export interface WindowRange {
  /** Bytes from the start of the index. */
  readonly position: number
  readonly size: number
}

/** A stretch of the index without holes. */
interface Run {
  readonly layer: PageLayer
  /** Bytes from the start of the index to the first entry, to the last one, and to the end of that. */
  readonly start: number
  readonly lastStart: number
  readonly end: number
}

/**
 * The page index of a large file, of which only those windows are loaded that somebody needed. It answers the same
 * for ever, since the file never changes: what grows is how much it can answer.
 */
export class LazyIndex {
  readonly file: SourceFile
  readonly #about: LazyIndexFile
  /** Ascending, with holes between them. */
  #runs: Run[] = []
  /** Windows that were asked for. */
  #windows = 0

  constructor(about: LazyIndexFile) {
    this.file = about.file
    this.#about = about
  }

  save(to: RowWriter): SavedLazyIndex {
    const { file, ...about } = this.#about
    const runs = this.#runs.map(({ layer, ...place }) => ({ ...place, layer: layer.save(to) }))
    return { ...about, file: to.file(file), runs }
  }

  static load({ runs, file, ...about }: SavedLazyIndex, from: RowReader): LazyIndex {
    const index = new LazyIndex({ ...about, file: from.file(file) })
    index.#runs = runs.map(({ layer, ...place }) => ({ ...place, layer: PageLayer.load(layer, from) }))
    return index
  }

  /** Bytes from the start of the file to the index. */
  get indexOffset(): number {
    return this.#about.indexOffset
  }

  /** All of it, its size field included. */
  get whole(): WindowRange {
    return { position: 0, size: this.#about.indexSize + 8 }
  }

  /** True when nothing is missing. */
  get complete(): boolean {
    const run = this.#runs[0]
    return run !== undefined && run.start === 0 && this.#isLast(run)
  }

  /** Bytes that what is loaded takes up. */
  get byteLength(): number {
    return this.#runs.reduce((sum, run) => sum + run.layer.byteLength, 0)
  }

  /** Pages that are loaded. */
  get length(): number {
    return this.#runs.reduce((sum, run) => sum + run.layer.length, 0)
  }

  /**
   * Where a page is.
   * @returns 'absent' when the file does not hold it, undefined when that part of the index is not loaded
   */
  find(pgno: number): PageLocation | 'absent' | undefined {
    const next = this.#runAfter(pgno)
    const run = this.#runs[next - 1]
    if (run === undefined) return this.#runs[0]?.start === 0 ? 'absent' : undefined
    if (pgno > lastPgno(run)) return this.#isLast(run) ? 'absent' : undefined
    const i = run.layer.find(pgno)
    return i < 0 ? 'absent' : run.layer.location(i)
  }

  /**
   * The window to fetch for a page that `find` knows nothing about.
   * @returns with `target`, where in the index the page probably is
   */
  windowFor(pgno: number): WindowRange & { readonly target: number } {
    const next = this.#runAfter(pgno)
    const before = this.#runs[next - 1]
    const after = this.#runs[next]
    const [low, high] = [before?.end ?? 0, after?.start ?? this.#about.indexSize]
    let [start, end, target] = [low, high, (low + high) / 2]
    const bytes = Math.min(MAX_WINDOW_BYTES, this.#firstWindow * 2 ** this.#windows)
    if (high - low > bytes * 1.5) {
      const estimate = estimateIndexPosition(pgno, before ? lastEntry(before) : FIRST, this.#landmarkAfter(after))
      // More behind the page than before it: what is read next was mostly made later.
      start = Math.floor(Math.max(low, Math.min(high - bytes, estimate - bytes / 4)))
      end = start + bytes
      target = Math.max(low, Math.min(high, estimate))
    }
    const position = Math.max(0, start - OVERLAP_BYTES)
    return { position, size: Math.min(this.#about.indexSize, end + OVERLAP_BYTES) - position, target }
  }

  /**
   * Take in a window.
   * @param bytes of the index from `position` on
   * @returns false when nothing in it could be proved: read the whole index then
   */
  add(bytes: Uint8Array, position: number): boolean {
    this.#windows++
    return this.take(bytes, position)
  }

  /** As `add`, for bytes that came with something else. */
  take(bytes: Uint8Array, position: number): boolean {
    const { commit, pageSize, indexOffset } = this.#about
    const window = decodeIndexWindow(bytes, { commit, pageSize, position, pageBlockEnd: indexOffset - 6 })
    if (window === undefined) return false
    const entries = this.#unknown(window)
    if (entries.length === 0) return true
    const last = entries.at(-1)!
    const following = window.entries[window.entries.indexOf(last) + 1]
    return this.#insert({
      layer: PageLayer.ofEntries(entries, this.file),
      start: entries[0]!.position,
      lastStart: last.position,
      end: following?.position ?? window.end,
    })
  }

  /**
   * Take in the whole index.
   * @param bytes varints, terminator and size field
   * @throws LtxError LTX_INDEX_* when it is damaged
   */
  addWhole(bytes: Uint8Array): void {
    const { commit, pageSize, indexOffset, indexSize } = this.#about
    const index = decodePageIndex(bytes, { commit, pageSize, indexOffset })
    const end = indexSize - 1
    this.#runs = [{ layer: PageLayer.of(index, this.file), start: 0, lastStart: end, end }]
  }

  /** Take in the entries at the front: frames that were read from the start of the file. */
  addStart(index: PageIndex): void {
    if (index.length === 0 || this.#runs[0]?.start === 0) return
    const end = index.encodedSize - 1 - 8 // what a terminator and a size field would add
    this.#insert({ layer: PageLayer.of(index, this.file), start: 0, lastStart: end, end })
  }

  get #firstWindow(): number {
    const share = Math.floor(this.#about.indexSize * FIRST_WINDOW_SHARE)
    return Math.max(MIN_WINDOW_BYTES, Math.min(MAX_FIRST_WINDOW_BYTES, share))
  }

  /** What lies in the first hole that the window reaches; entries that are known already are no news. */
  #unknown(window: IndexWindow): IndexWindowEntry[] {
    const fresh: IndexWindowEntry[] = []
    for (const entry of window.entries) {
      const known = this.#runs.some((run) => entry.position >= run.start && entry.position < run.end)
      if (!known) fresh.push(entry)
      else if (fresh.length > 0) break
    }
    return fresh
  }

  #insert(run: Run): boolean {
    const at = this.#runAfter(run.layer.pgno(0))
    const before = this.#runs[at - 1]
    const after = this.#runs[at]
    const joined = [...(before?.end === run.start ? [before] : []), run, ...(after?.start === run.end ? [after] : [])]
    for (let i = 1; i < joined.length; i++) if (!follows(joined[i - 1]!, joined[i]!)) return false
    const merged = joined.reduce((left, right) => ({
      layer: left.layer.concat(right.layer),
      start: left.start,
      lastStart: right.lastStart,
      end: right.end,
    }))
    const first = joined[0] === before ? at - 1 : at
    this.#runs = this.#runs.toSpliced(first, joined.length - 1, merged)
    return true
  }

  /** Position in `#runs` of the first run that begins behind a page. */
  #runAfter(pgno: number): number {
    let at = 0
    while (at < this.#runs.length && this.#runs[at]!.layer.pgno(0) <= pgno) at++
    return at
  }

  #landmarkAfter(run: Run | undefined): IndexLandmark {
    if (run) return { pgno: run.layer.pgno(0), position: run.start, offset: run.layer.location(0).offset }
    const { commit, indexSize, indexOffset } = this.#about
    return { pgno: commit + 1, position: indexSize - 1, offset: indexOffset - 6 }
  }

  /** True when only the terminator, one zero byte, follows. */
  #isLast(run: Run): boolean {
    return run.end === this.#about.indexSize - 1
  }
}

function lastPgno(run: Run): number {
  return run.layer.pgno(run.layer.length - 1)
}

function lastEntry(run: Run): IndexLandmark {
  const { offset } = run.layer.location(run.layer.length - 1)
  return { pgno: lastPgno(run), position: run.lastStart, offset }
}

/** Frames follow one another without gaps, over the seams of windows too. */
function follows(left: Run, right: Run): boolean {
  const { offset, size } = left.layer.location(left.layer.length - 1)
  return offset + size === right.layer.location(0).offset && lastPgno(left) < right.layer.pgno(0)
}
