import type { Pgno } from '../../ltx/index.ts'
import { PageLayer, type PageLocation, type SavedLayer } from './page-layer.ts'
import type { SavedRowReader } from './saved-row-reader.ts'
import type { SourceFile } from './source-file.ts'

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

/** A stretch of the index without holes. */
export interface Run {
  readonly layer: PageLayer
  /** Bytes from the start of the index to the first entry, to the last one, and to the end of that. */
  readonly start: number
  readonly lastStart: number
  readonly end: number
}

/**
 * The page index of a large file, of which only those windows are loaded that somebody needed. It answers the same
 * for ever, since the file never changes: what grows (`grow-index.ts`) is how much it can answer.
 */
export class LazyIndex {
  readonly file: SourceFile
  readonly about: LazyIndexFile
  /** What is loaded: ascending, with holes between them. */
  runs: readonly Run[] = []
  /** Windows that were loaded. */
  windows = 0

  constructor(about: LazyIndexFile) {
    this.file = about.file
    this.about = about
  }

  static load({ runs, file, ...about }: SavedLazyIndex, from: SavedRowReader): LazyIndex {
    const index = new LazyIndex({ ...about, file: from.file(file) })
    let before = 0
    index.runs = runs.map(({ layer, start, lastStart, end }) => {
      const possible = before <= start && start <= lastStart && lastStart <= end && end < about.indexSize
      if (!possible || layer.pages === 0) throw new RangeError('No index has such runs')
      before = end
      return { start, lastStart, end, layer: PageLayer.load(layer, from) }
    })
    return index
  }

  /** True when nothing is missing. */
  get complete(): boolean {
    const run = this.runs[0]
    return run !== undefined && run.start === 0 && this.isLast(run)
  }

  /** Bytes that what is loaded takes up. */
  get byteLength(): number {
    return this.runs.reduce((sum, run) => sum + run.layer.byteLength, 0)
  }

  /** Pages that are loaded. */
  get length(): number {
    return this.runs.reduce((sum, run) => sum + run.layer.length, 0)
  }

  /**
   * Where a page is.
   * @returns 'absent' when the file does not hold it, undefined when that part of the index is not loaded
   */
  find(pgno: Pgno): PageLocation | 'absent' | undefined {
    const next = this.runAfter(pgno)
    const run = this.runs[next - 1]
    if (run === undefined) return this.runs[0]?.start === 0 ? 'absent' : undefined
    if (pgno > lastPgno(run)) return this.isLast(run) ? 'absent' : undefined
    const i = run.layer.find(pgno)
    return i < 0 ? 'absent' : run.layer.location(i)
  }

  /** Position in `runs` of the first run that begins behind a page. */
  runAfter(pgno: Pgno): number {
    let at = 0
    while (at < this.runs.length && this.runs[at]!.layer.pgno(0) <= pgno) at++
    return at
  }

  /** True when only the terminator, one zero byte, follows. */
  isLast(run: Run): boolean {
    return run.end === this.about.indexSize - 1
  }
}

/** The highest page of a run. */
export function lastPgno(run: Run): number {
  return run.layer.pgno(run.layer.length - 1)
}
