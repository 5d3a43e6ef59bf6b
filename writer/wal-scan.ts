import { countValidWalFrames, walBlock } from '../ltx/index.ts'
import {
  parseWalFrameHeader,
  sameSalts,
  type WalChecksum,
  type WalFrameHeader,
  type WalHeader,
  type WalSalts,
  walFrameSize,
} from './wal.ts'
import type { WalFile } from './wal-file.ts'

/** A point between two frames of one WAL generation, from where reading can go on and prove each frame. */
export interface WalPosition extends WalSalts {
  /** Byte offset of the next frame; 32 at the front. */
  readonly offset: number
  /** Running checksum up to `offset`. */
  readonly checksum: WalChecksum
}

export interface WalScan {
  /** Byte offset of the newest committed frame of each page, for pages up to `commit`. */
  readonly frames: ReadonlyMap<number, number>
  /** Database size in pages after the last transaction found; 0 when none was found. */
  readonly commit: number
  /** Behind the last frame of the last whole transaction; the start when none was found. */
  readonly end: WalPosition
  /** True when `maxBytes` ended the scan at a commit, so that more may follow. */
  readonly limited: boolean
}

export interface WalScanOptions {
  /** Stop at the first commit at or past so many bytes from the start. 0: no limit. */
  readonly maxBytes?: number
  /** Frames that start at or past this offset are not looked at. */
  readonly endOffset?: number
}

/** Where reading of a generation starts. */
export function walStart(header: WalHeader): WalPosition {
  return { salt1: header.salt1, salt2: header.salt2, offset: 32, checksum: header.checksum }
}

const FIRST_READ_BYTES = 64 * 1024

/**
 * Read whole transactions from `start` to the end of the valid frames.
 *
 * A frame counts when it is whole, carries the generation's salts and continues the running checksum; a transaction
 * counts when its last frame does. So neither a writer at work nor the stale frames of an older generation can be
 * mistaken for data, and no lock is needed.
 *
 * @see facts 3.7
 */
export function scanWal(wal: WalFile, header: WalHeader, start: WalPosition, options: WalScanOptions = {}): WalScan {
  const { maxBytes = 0, endOffset = Number.MAX_SAFE_INTEGER } = options
  const frameSize = walFrameSize(header.pageSize)
  const committed = new CommittedFrames()
  let end = start
  let limited = false
  for (const frame of framesFrom(wal, header, start)) {
    if (frame.offset >= endOffset) break
    committed.add(frame.header.pgno, frame.offset)
    if (frame.header.commit === 0) continue
    committed.commit(frame.header.commit)
    end = { ...start, offset: frame.offset + frameSize, checksum: frame.header.checksum }
    limited = maxBytes > 0 && end.offset - start.offset >= maxBytes
    if (limited) break
  }
  return { frames: committed.frames(), commit: committed.size, end, limited }
}

/** Frames in file order; those of an unfinished transaction wait until their commit frame is seen. */
class CommittedFrames {
  readonly #frames = new Map<number, number>()
  #open: number[] = []
  size = 0

  add(pgno: number, offset: number): void {
    this.#open.push(pgno, offset)
  }

  commit(size: number): void {
    for (let i = 0; i < this.#open.length; i += 2) this.#frames.set(this.#open[i]!, this.#open[i + 1]!)
    this.#open = []
    this.size = size
  }

  /** A page above the final size was cut off by a later transaction. */
  frames(): ReadonlyMap<number, number> {
    for (const pgno of this.#frames.keys()) if (pgno > this.size) this.#frames.delete(pgno)
    return this.#frames
  }
}

interface ScannedFrame {
  readonly offset: number
  readonly header: WalFrameHeader
}

/** The valid frames from `start`, in order, proved a block at a time; a small block first. */
function* framesFrom(wal: WalFile, header: WalHeader, start: WalPosition): Generator<ScannedFrame> {
  const next = wal.frameHeader(start.offset)
  if (!next || !sameSalts(next, start)) return // the usual idle answer, for one small read
  const { pageSize, bigEndian } = header
  const chain = { pageSize, salt1: start.salt1, salt2: start.salt2, bigEndianWords: bigEndian }
  const frameSize = walFrameSize(pageSize)
  const block = walBlock()
  let { offset, checksum } = start
  for (let want = FIRST_READ_BYTES; ; want = block.length) {
    const frames = Math.max(1, Math.floor(Math.min(want, block.length) / frameSize))
    const read = wal.read(block.subarray(0, frames * frameSize), offset)
    const valid = countValidWalFrames(chain, Math.floor(read / frameSize), checksum)
    for (let i = 0; i < valid; i++) {
      const frame = parseWalFrameHeader(block, i * frameSize)
      yield { offset: offset + i * frameSize, header: frame }
      checksum = frame.checksum
    }
    if (valid < frames) return
    offset += valid * frameSize
  }
}
