import {
  decodeIndexWindow,
  decodePageIndex,
  estimateIndexPosition,
  type IndexLandmark,
  type IndexWindow,
  type IndexWindowEntry,
  type PageIndex,
  type Pgno,
} from '../../ltx/index.ts'
import { concatLayers, layerOf, layerOfEntries } from './build-layer.ts'
import { type LazyIndex, lastPgno, type Run } from './lazy-index.ts'

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

/** A piece of an index to be fetched. */
export interface WindowRange {
  /** Bytes from the start of the index. */
  readonly position: number
  readonly size: number
}

/** All of an index, its size field included. */
export function wholeIndex({ about }: LazyIndex): WindowRange {
  return { position: 0, size: about.indexSize + 8 }
}

/**
 * The window to fetch for a page that `find` knows nothing about.
 * @returns with `target`, where in the index the page probably is
 */
export function windowFor(index: LazyIndex, pgno: Pgno): WindowRange & { readonly target: number } {
  const { runs, about, windows } = index
  const next = index.runAfter(pgno)
  const before = runs[next - 1]
  const after = runs[next]
  const [low, high] = [before?.end ?? 0, after?.start ?? about.indexSize]
  let [start, end, target] = [low, high, (low + high) / 2]
  const bytes = Math.min(MAX_WINDOW_BYTES, firstWindow(about.indexSize) * 2 ** windows)
  if (high - low > bytes * 1.5) {
    const estimate = estimateIndexPosition(pgno, before ? lastEntry(before) : FIRST, landmarkAfter(index, after))
    // More behind the page than before it: what is read next was mostly made later.
    start = Math.floor(Math.max(low, Math.min(high - bytes, estimate - bytes / 4)))
    end = start + bytes
    target = Math.max(low, Math.min(high, estimate))
  }
  const position = Math.max(0, start - OVERLAP_BYTES)
  return { position, size: Math.min(about.indexSize, end + OVERLAP_BYTES) - position, target }
}

/**
 * Take in a window that was fetched for it.
 * @param bytes of the index from `position` on
 * @returns false when nothing in it could be proved: read the whole index then
 */
export function addWindow(index: LazyIndex, bytes: Uint8Array, position: number): boolean {
  index.windows++
  return takeWindow(index, bytes, position)
}

/** As `addWindow`, for bytes that came with something else. */
export function takeWindow(index: LazyIndex, bytes: Uint8Array, position: number): boolean {
  const { commit, pageSize, indexOffset, file } = index.about
  const window = decodeIndexWindow(bytes, { commit, pageSize, position, pageBlockEnd: indexOffset - 6 })
  if (window === undefined) return false
  const entries = unknown(index, window)
  if (entries.length === 0) return true
  const last = entries.at(-1)!
  const following = window.entries[window.entries.indexOf(last) + 1]
  return insert(index, {
    layer: layerOfEntries(entries, file),
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
export function addWhole(index: LazyIndex, bytes: Uint8Array): void {
  const { commit, pageSize, indexOffset, indexSize, file } = index.about
  const decoded = decodePageIndex(bytes, { commit, pageSize, indexOffset })
  const end = indexSize - 1
  index.runs = [{ layer: layerOf(decoded, file), start: 0, lastStart: end, end }]
}

/** Take in the entries at the front: frames that were read from the start of the file. */
export function addStart(index: LazyIndex, front: PageIndex): void {
  if (front.length === 0 || index.runs[0]?.start === 0) return
  const end = front.encodedSize - 1 - 8 // what a terminator and a size field would add
  insert(index, { layer: layerOf(front, index.file), start: 0, lastStart: end, end })
}

function firstWindow(indexSize: number): number {
  const share = Math.floor(indexSize * FIRST_WINDOW_SHARE)
  return Math.max(MIN_WINDOW_BYTES, Math.min(MAX_FIRST_WINDOW_BYTES, share))
}

/** What lies in the first hole that the window reaches; entries that are known already are no news. */
function unknown({ runs }: LazyIndex, window: IndexWindow): IndexWindowEntry[] {
  const fresh: IndexWindowEntry[] = []
  for (const entry of window.entries) {
    const known = runs.some((run) => entry.position >= run.start && entry.position < run.end)
    if (!known) fresh.push(entry)
    else if (fresh.length > 0) break
  }
  return fresh
}

function insert(index: LazyIndex, run: Run): boolean {
  const at = index.runAfter(run.layer.pgno(0))
  const before = index.runs[at - 1]
  const after = index.runs[at]
  const joined = [...(before?.end === run.start ? [before] : []), run, ...(after?.start === run.end ? [after] : [])]
  for (let i = 1; i < joined.length; i++) if (!follows(joined[i - 1]!, joined[i]!)) return false
  const merged = joined.reduce((left, right) => ({
    layer: concatLayers(left.layer, right.layer),
    start: left.start,
    lastStart: right.lastStart,
    end: right.end,
  }))
  const first = joined[0] === before ? at - 1 : at
  index.runs = index.runs.toSpliced(first, joined.length - 1, merged)
  return true
}

function landmarkAfter({ about }: LazyIndex, run: Run | undefined): IndexLandmark {
  if (run) return { pgno: run.layer.pgno(0), position: run.start, offset: run.layer.location(0).offset }
  const { commit, indexSize, indexOffset } = about
  return { pgno: commit + 1, position: indexSize - 1, offset: indexOffset - 6 }
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
