import { type Codec, newCodec } from './codec.ts'

/** The largest block of an LZ4 frame. */
export const MAX_LZ4_BLOCK = 4 * 1024 * 1024

/** What the codec's 16-byte copies may run over an end. */
const SPARE = 64

let large: Codec | undefined

/**
 * Decompress one LZ4 block of any size that a frame can have. The memory for it, 8 MiB, is made at the first use.
 *
 * @param block at most MAX_LZ4_BLOCK bytes
 * @param limit the most it may decompress to, at most MAX_LZ4_BLOCK
 * @returns fresh bytes; undefined for a malformed block, or one that is longer
 */
export function decompressLargeBlock(block: Uint8Array, limit: number): Uint8Array<ArrayBuffer> | undefined {
  large ??= newCodec(2 * (MAX_LZ4_BLOCK + SPARE))
  const source = large.bytes.length - 2 * (MAX_LZ4_BLOCK + SPARE)
  const target = source + MAX_LZ4_BLOCK + SPARE
  large.bytes.set(block, source)
  const length = large.lz4Decompress(source, block.length, target, limit)
  return length < 0 ? undefined : large.bytes.slice(target, target + length)
}
