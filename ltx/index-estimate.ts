import type { Pgno } from './pgno.ts'
import { varintSize } from './varint.ts'

/** A place in an index that is known for sure. */
export interface IndexLandmark {
  readonly pgno: Pgno
  /** Bytes from the start of the index to the page's entry. */
  readonly position: number
  /** Of the page's frame. */
  readonly offset: number
}

/**
 * Guess where in an index a page's entry lies, between two entries that are known. The lengths that varints must
 * have are computed, the rest is spread evenly: for a snapshot the guess is so good that one 16 KiB window around it
 * nearly always holds the entry.
 *
 * @param pgno between `first.pgno` and `last.pgno`
 * @returns bytes from the start of the index, not rounded
 */
export function estimateIndexPosition(pgno: Pgno, first: IndexLandmark, last: IndexLandmark): number {
  const pages = last.pgno - first.pgno
  if (pages <= 0) return first.position
  const slope = (last.offset - first.offset) / pages
  const whole = varintBytes(last.pgno, first, slope)
  const part = varintBytes(pgno, first, slope)
  // What is not pgno and offset varints: size varints, and that not every page need be there.
  const rest = (last.position - first.position - whole) / pages
  return first.position + part + rest * (pgno - first.pgno)
}

/** Bytes of pgno and offset varints of pages `first.pgno` up to `end`, offsets growing by `slope` a page. */
function varintBytes(end: number, first: IndexLandmark, slope: number): number {
  let bytes = 0
  let pgno = first.pgno
  while (pgno < end) {
    const pgnoSize = varintSize(pgno)
    const offsetSize = varintSize(first.offset + (pgno - first.pgno) * slope)
    // Up to the page where either grows by a byte.
    const longerPgno = 128 ** pgnoSize
    const longerOffset = first.pgno + (128 ** offsetSize - first.offset) / slope
    const next = Math.min(end, Math.max(pgno + 1, Math.min(longerPgno, longerOffset)))
    bytes += (next - pgno) * (pgnoSize + offsetSize)
    pgno = next
  }
  return bytes
}
