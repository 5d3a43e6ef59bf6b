import type { Codec } from './codec/codec.ts'
import { LtxError } from './errors.ts'

/**
 * Decompress the LZ4 block at `at` of the codec's memory into its page region.
 *
 * @throws LtxError LTX_FRAME_LZ4, LTX_FRAME_INFLATED_SIZE unless it gives exactly one page
 */
export function inflatePage(c: Codec, at: number, length: number, pageSize: number): void {
  const inflated = c.lz4Decompress(at, length, c.page, pageSize)
  if (inflated === pageSize) return
  if (inflated < 0) {
    const reason = `the LZ4 block is malformed or exceeds ${pageSize} bytes`
    throw new LtxError('LTX_FRAME_LZ4', `Cannot decode page frame: ${reason}`)
  }
  const reason = `the LZ4 block holds ${inflated} bytes of ${pageSize}`
  throw new LtxError('LTX_FRAME_INFLATED_SIZE', `Cannot decode page frame: ${reason}`)
}
