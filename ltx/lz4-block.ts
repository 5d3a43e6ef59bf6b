import { codec, MAX_CODEC_INPUT } from './codec/codec.ts'
import { LtxError } from './errors.ts'
import { lz4Bound } from './page-frame.ts'

/**
 * Compress up to 65536 bytes into one LZ4 block (no frame, no size).
 *
 * @returns fresh bytes, at most `length + length / 255 + 16`
 * @throws RangeError when `data` is longer
 */
export function compressBlock(data: Uint8Array): Uint8Array<ArrayBuffer> {
  if (data.length > MAX_CODEC_INPUT) throw new RangeError(`Cannot compress ${data.length} bytes: at most 65536`)
  const { bytes, page, frame, lz4Compress } = codec()
  bytes.set(data, page)
  return bytes.slice(frame, frame + lz4Compress(page, data.length, frame))
}

/**
 * Decompress one LZ4 block.
 *
 * @param maxSize the most it may decompress to, at most 65536
 * @returns fresh bytes
 * @throws LtxError LTX_FRAME_LZ4 when it is malformed or larger; RangeError when `maxSize` is
 */
export function decompressBlock(block: Uint8Array, maxSize: number): Uint8Array<ArrayBuffer> {
  if (maxSize > MAX_CODEC_INPUT) throw new RangeError(`Cannot decompress to ${maxSize} bytes: at most 65536`)
  const { bytes, page, frame, lz4Decompress } = codec()
  const fits = block.length <= lz4Bound(MAX_CODEC_INPUT)
  if (fits) bytes.set(block, frame)
  const size = fits ? lz4Decompress(frame, block.length, page, maxSize) : -1
  if (size < 0) {
    const reason = `${block.length} bytes are malformed or hold more than ${maxSize}`
    throw new LtxError('LTX_FRAME_LZ4', `Cannot decompress LZ4 block: ${reason}`)
  }
  return bytes.slice(page, page + size)
}
