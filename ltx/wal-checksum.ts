import { codec, MAX_CODEC_INPUT } from './codec/codec.ts'

/**
 * SQLite's running WAL checksum (facts 3.7): for each pair of 32-bit words `s0 += w0 + s1; s1 += w1 + s0`.
 *
 * @param bytes a multiple of 8
 * @param bigEndianWords true for WAL magic 0x377f0683, false for 0x377f0682
 * @returns the new `[s0, s1]`, as unsigned 32-bit numbers
 * @throws RangeError when the length is not a multiple of 8
 */
export function walChecksum(s0: number, s1: number, bytes: Uint8Array, bigEndianWords: boolean): [number, number] {
  if (bytes.length % 8 !== 0) throw new RangeError(`Cannot checksum ${bytes.length} WAL bytes: not a multiple of 8`)
  const { bytes: memory, page, walChecksum } = codec()
  let state: [number, number] = [s0, s1]
  for (let start = 0; start < bytes.length; start += MAX_CODEC_INPUT) {
    const piece = bytes.subarray(start, start + MAX_CODEC_INPUT)
    memory.set(piece, page)
    const sum = BigInt.asUintN(64, walChecksum(state[0], state[1], page, piece.length, bigEndianWords))
    state = [Number(sum & 0xffff_ffffn), Number(sum >> 32n)]
  }
  return state
}

/** One generation of a WAL, and where in it frames are to be proved from. */
export interface WalChain {
  /** Bytes. */
  readonly pageSize: number
  readonly salt1: number
  readonly salt2: number
  /** True for WAL magic 0x377f0683. */
  readonly bigEndianWords: boolean
}

/**
 * The memory that WAL frames are read into to be proved: room for many of them, or one of the largest. It is shared;
 * what is in it holds until the next scan.
 */
export function walBlock(): Uint8Array<ArrayBuffer> {
  return codec().block
}

/**
 * Prove WAL frames in `walBlock()`: each carries the salts and continues the running checksum (facts 3.7).
 *
 * @param count whole frames there, from its first byte on
 * @param seed the running checksum in front of the first one; behind a valid frame it is the one in its header
 * @returns how many are valid, from the first on
 */
export function countValidWalFrames(chain: WalChain, count: number, seed: readonly [number, number]): number {
  const { block, walFrames } = codec()
  const { pageSize, salt1, salt2, bigEndianWords } = chain
  if (count * (24 + pageSize) > block.length) throw new RangeError(`Cannot prove ${count} WAL frames at once`)
  return walFrames(block.byteOffset, count, pageSize, salt1, salt2, seed[0], seed[1], bigEndianWords)
}
