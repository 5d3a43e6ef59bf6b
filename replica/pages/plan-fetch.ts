import type { Pgno } from '../../ltx/index.ts'
import type { PageLocation } from '../state/page-layer.ts'
import type { SourceFile } from '../state/source-file.ts'

/** A page and where it is. */
export interface WantedPage {
  readonly pgno: Pgno
  readonly location: PageLocation
}

/** One ranged GET and the pages it brings. */
export interface FetchRange {
  readonly file: SourceFile
  /** Bytes from the start of the file. */
  readonly offset: number
  readonly size: number
  /** Ascending by offset; at least one. */
  readonly pages: readonly WantedPage[]
}

export interface FetchLimits {
  /** Bytes nobody wants that are read rather than sending another request. */
  readonly gapBytes: number
  /** The same for ranges that stay shorter than this. */
  readonly shortGapBytes: number
  readonly shortBytes: number
  /** A range is cut before it becomes larger than this. */
  readonly rangeBytes: number
}

const KiB = 1024
/** With so many requests at once or fewer, each has to wait for others. */
const FEW_AT_ONCE = 32
/** Who wants so many pages at once reads through a table: what a request costs counts, its round trip does not. */
const MANY_PAGES = 256
/** What a request costs reader, line and server besides its bytes, in milliseconds. */
const REQUEST_MS = 1.3
const MIN_GAP_BYTES = 16 * KiB
const MAX_GAP_BYTES = 128 * KiB

export interface FetchSituation {
  /** Pages that are wanted. */
  readonly pages: number
  readonly maxInFlight: number
  /** How fast bytes come; 0 when that is not known. */
  readonly bytesPerMs: number
}

/**
 * A gap costs its bytes, a request its round trip, shared by all that are sent at once. 16 KiB pass in less than 2 ms at
 * 100 Mbit/s; on a faster line a scan reads over as much as comes in the time that a request costs (decision 0008).
 * (A gap of 1 MiB was measured as almost five times slower than none: VirtualiZarr#1033.) Browsers send six
 * at once: there a request costs what 64 KiB do, as long as what is asked for is so short that the line has time for them.
 */
export function fetchLimits({ pages, maxInFlight, bytesPerMs }: FetchSituation): FetchLimits {
  const few = maxInFlight <= FEW_AT_ONCE
  const passing = pages < MANY_PAGES ? 0 : Math.min(MAX_GAP_BYTES, Math.round(bytesPerMs * REQUEST_MS))
  return {
    gapBytes: Math.max(MIN_GAP_BYTES, passing),
    shortGapBytes: few ? 64 * KiB : 0,
    shortBytes: 256 * KiB,
    rangeBytes: 1024 * KiB,
  }
}

/** Of a short file that is wanted by more than this share, everything between the wanted pages is read. */
const WHOLE_SHARE = 1 / 2

/**
 * Turn wanted pages into few requests: neighbours in a file become one range, small gaps are read over, long ranges
 * are cut. Pure.
 *
 * @param wanted in any order, each page once
 * @returns every wanted page in exactly one range; ranges of one file ascend and do not overlap
 */
export function planFetch(wanted: readonly WantedPage[], limits: FetchLimits): FetchRange[] {
  const byFile = new Map<SourceFile, WantedPage[]>()
  for (const page of wanted) {
    const pages = byFile.get(page.location.file)
    if (pages) pages.push(page)
    else byFile.set(page.location.file, [page])
  }
  return [...byFile].flatMap(([file, pages]) => planFile(file, pages, limits))
}

function planFile(file: SourceFile, pages: WantedPage[], limits: FetchLimits): FetchRange[] {
  pages.sort((a, b) => a.location.offset - b.location.offset)
  const bytes = pages.reduce((sum, { location }) => sum + location.size, 0)
  const { shortGapBytes, shortBytes, rangeBytes } = limits
  const { size } = file.info
  const gapBytes = size <= shortBytes && bytes > size * WHOLE_SHARE ? shortBytes : limits.gapBytes
  const ranges: FetchRange[] = []
  let first = 0
  for (let i = 1; i <= pages.length; i++) {
    const { offset } = pages[first]!.location
    const end = endOf(pages[i - 1]!)
    const next = pages[i]?.location
    if (next) {
      const [gap, joined] = [next.offset - end, next.offset + next.size - offset]
      if (joined <= rangeBytes && (gap <= gapBytes || (gap <= shortGapBytes && joined <= shortBytes))) continue
    }
    ranges.push({ file, offset, size: end - offset, pages: pages.slice(first, i) })
    first = i
  }
  return ranges
}

function endOf({ location }: WantedPage): number {
  return location.offset + location.size
}
