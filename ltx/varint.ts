import { LtxError } from './errors.ts'

/** Bytes that any varint of an LTX file takes at most: values stay below 2^53. */
export const MAX_VARINT_SIZE = 8

/** Bytes of `value` as an unsigned LEB128 varint. */
export function varintSize(value: number): number {
  if (value < 2 ** 7) return 1
  if (value < 2 ** 14) return 2
  if (value < 2 ** 21) return 3
  if (value < 2 ** 28) return 4
  if (value < 2 ** 35) return 5
  if (value < 2 ** 42) return 6
  return value < 2 ** 49 ? 7 : 8
}

/** Write `value` at `at`; Go: `binary.AppendUvarint`. @returns the position after it */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value
  let position = at
  while (rest >= 0x80) {
    bytes[position++] = rest | 0x80 // the low 32 bits of `rest`: its low 7 are what counts
    rest = rest < 0x8000_0000 ? rest >>> 7 : Math.floor(rest / 128)
  }
  bytes[position++] = rest
  return position
}

/** Reads varints one after another out of bytes that may end in the middle of one. */
export class VarintReader {
  #bytes: Uint8Array
  #end: number
  /** The next byte to read. */
  position: number

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes
    this.position = start
    this.#end = end
  }

  /**
   * The next value, or -1 when the bytes end before it does (the position is then of no use).
   *
   * @throws LtxError LTX_INDEX_VARINT when it exceeds 2^53 - 1 or is longer than it needs to be
   */
  next(): number {
    let value = 0
    let scale = 1
    for (let count = 1; count <= MAX_VARINT_SIZE; count++) {
      if (this.position >= this.#end) return -1
      const byte = this.#bytes[this.position++]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (byte === 0 && count > 1) throw malformed('longer than its value needs')
        if (value > Number.MAX_SAFE_INTEGER) break
        return value
      }
      scale *= 128
    }
    throw malformed('above 2^53 - 1')
  }
}

function malformed(what: string): LtxError {
  return new LtxError('LTX_INDEX_VARINT', `Cannot decode page index: a varint is ${what}`)
}
