import type { ByteQueue } from './byte-queue.ts'
import type { Crc64 } from './checksum.ts'
import { LtxError } from './errors.ts'
import type { PageIndex } from './page-index.ts'
import { INDEX_SIZE_FIELD } from './page-index.ts'
import type { Pgno } from './pgno.ts'
import { MAX_VARINT_SIZE, VarintReader } from './varint.ts'

const MAX_ENTRY_SIZE = 3 * MAX_VARINT_SIZE

/** Compares an index, as its bytes arrive, with the frames that were seen. It keeps no copy of either. */
export class IndexVerifier {
  readonly #frames: PageIndex
  #next = 0
  /** Bytes read so far, the terminator included. */
  #size = 0
  #terminated = false

  constructor(frames: PageIndex) {
    this.#frames = frames
  }

  /**
   * Read on. Every byte read is added to `crc`.
   *
   * @returns true when the index and its size field have been read completely
   * @throws LtxError LTX_INDEX_VARINT, LTX_INDEX_FRAMES, LTX_INDEX_SIZE
   */
  read(queue: ByteQueue, crc: Crc64): boolean {
    while (!this.#terminated) {
      if (!queue.peek(Math.min(MAX_ENTRY_SIZE, Math.max(1, queue.length)))) return false
      const end = this.#readEntries(queue.bytes, queue.at, queue.at + queue.contiguous)
      const size = end - queue.at
      if (size === 0) return false
      crc.update(queue.bytes.subarray(queue.at, end))
      queue.skip(size)
      this.#size += size
    }
    if (!queue.peek(INDEX_SIZE_FIELD)) return false
    const field = queue.bytes.subarray(queue.at, queue.at + INDEX_SIZE_FIELD)
    const size = new DataView(field.buffer, field.byteOffset).getBigUint64(0)
    if (size !== BigInt(this.#size)) {
      const reason = `its size field says ${size}, it has ${this.#size} bytes`
      throw new LtxError('LTX_INDEX_SIZE', `Cannot decode page index: ${reason}`)
    }
    crc.update(field)
    queue.skip(INDEX_SIZE_FIELD)
    return true
  }

  /** @returns the position after the last complete entry */
  #readEntries(bytes: Uint8Array, start: number, end: number): number {
    const reader = new VarintReader(bytes, start, end)
    for (let done = start; ; done = reader.position) {
      const pgno = reader.next()
      if (pgno < 0) return done
      if (pgno === 0) {
        if (this.#next < this.#frames.length) throw this.#differs('it ends')
        this.#terminated = true
        return reader.position
      }
      const offset = reader.next()
      const size = reader.next()
      if (offset < 0 || size < 0) return done
      this.#compare(pgno, offset, size)
    }
  }

  #compare(pgno: Pgno, offset: number, size: number): void {
    const i = this.#next++
    const frames = this.#frames
    if (i < frames.length && pgno === frames.pgno(i) && offset === frames.offset(i) && size === frames.size(i)) return
    throw this.#differs(`it has page ${pgno} at ${offset}, ${size} bytes`, i)
  }

  #differs(what: string, i = this.#next): LtxError {
    const seen =
      i < this.#frames.length
        ? `page ${this.#frames.pgno(i)} at ${this.#frames.offset(i)}, ${this.#frames.size(i)} bytes`
        : 'no further frame'
    return new LtxError('LTX_INDEX_FRAMES', `Cannot decode page index: ${what} where the page block has ${seen}`)
  }
}
