import { HEADER_SIZE } from './header.ts'
import { MIN_FRAME_SIZE, maxFrameSize } from './page-frame.ts'
import type { PageIndexEntry } from './page-index.ts'
import { MAX_VARINT_SIZE, VarintReader } from './varint.ts'

/**
 * Links that prove a chain of entries whose beginning was guessed: each must continue the frame offsets to the
 * byte. With eight, 80,000 random windows had not one wrong (prototype; test/ltx/index-window.test.ts).
 */
const PROOF_LENGTH = 8

/** What has to be known about the file; and where in its index the window lies. */
export interface IndexWindowLimits {
  /** From the header. */
  readonly commit: number
  readonly pageSize: number
  /** Absolute offset of the six zero bytes that end the page block: the index's offset minus 6. */
  readonly pageBlockEnd: number
  /** Bytes from the start of the index to the start of the window; 0 means nothing has to be guessed. */
  readonly position: number
}

/** An entry and where it lies. */
export interface IndexWindowEntry extends PageIndexEntry {
  /** Bytes from the start of the index to this entry. */
  readonly position: number
}

/** The part of an index that a window holds. */
export interface IndexWindow {
  /** Every entry that lies whole in the window behind the first whose beginning could be proved; never empty. */
  readonly entries: readonly IndexWindowEntry[]
  /** Bytes from the start of the index to the end of the last entry: the next one begins there. */
  readonly end: number
  /** True when no entry follows. */
  readonly last: boolean
}

/**
 * Read bytes cut anywhere out of a page index. Entries lie side by side without marks, but their frames follow one
 * another without gaps (`offset + size` is the next offset) and their pages ascend: a wrong beginning does not
 * survive that. What it cannot prove is a page number that was damaged and still ascends: the frame carries its own
 * page number, which has to be compared.
 *
 * @param bytes what follows the index's terminator is not looked at
 * @returns undefined when the window is too small to prove anything, or the index is not what it should be: read the
 *   whole index then, `decodePageIndex` will say what is wrong
 */
export function decodeIndexWindow(bytes: Uint8Array, limits: IndexWindowLimits): IndexWindow | undefined {
  if (limits.position === 0) return readChain(bytes, 0, limits)
  const candidates = Math.min(bytes.length, 3 * MAX_VARINT_SIZE + 1)
  for (let start = 1; start < candidates; start++) {
    if (bytes[start - 1]! >= 0x80) continue // within a varint
    const window = readChain(bytes, start, limits)
    if (window && (window.last || window.entries.length >= PROOF_LENGTH)) return window
  }
  return undefined
}

/** Read entries from `start` to the end of the bytes or of the index; undefined at the first that cannot be. */
function readChain(bytes: Uint8Array, start: number, limits: IndexWindowLimits): IndexWindow | undefined {
  const { commit, pageBlockEnd, position } = limits
  const maxSize = maxFrameSize(limits.pageSize)
  const reader = new VarintReader(bytes, start, bytes.length)
  const entries: IndexWindowEntry[] = []
  let end = start
  let previous = 0
  let expected = position + start === 0 ? HEADER_SIZE : -1
  try {
    for (;;) {
      const pgno = reader.next()
      if (pgno === 0) {
        const complete = entries.length > 0 && expected === pageBlockEnd
        return complete ? { entries, end: position + end, last: true } : undefined
      }
      const offset = reader.next()
      const size = reader.next()
      if (pgno < 0 || offset < 0 || size < 0) break
      if (pgno <= previous || pgno > commit || size < MIN_FRAME_SIZE || size > maxSize) return undefined
      if (expected < 0 ? offset < HEADER_SIZE : offset !== expected) return undefined
      if (offset + size > pageBlockEnd) return undefined
      entries.push({ pgno, offset, size, position: position + end })
      previous = pgno
      expected = offset + size
      end = reader.position
    }
  } catch {
    return undefined // a varint that no index holds
  }
  return entries.length > 0 ? { entries, end: position + end, last: false } : undefined
}
