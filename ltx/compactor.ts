import { Encoder } from './encoder.ts'
import { hasChecksums } from './header.ts'
import type { FrameForm } from './page-frame.ts'
import type { MergeOptions } from './page-merge.ts'
import { PageMerge } from './page-merge.ts'
import type { LtxReader } from './reader.ts'

/** Output is handed on when there is this much of it. */
const CHUNK_SIZE = 256 * 1024

export interface CompactOptions extends MergeOptions {
  /** Frames of the output; default `block`. */
  readonly form?: FrameForm
}

/**
 * Merge files into one that does what all of them do. Every input is read to its end and proved, whether its pages
 * are wanted or not; but that is known only after the page block has been passed on, so make the output durable
 * only when the iteration ended without an error.
 *
 * A block that goes into the output unchanged is not compressed again: it has been decompressed and checked, and
 * the file checksum covers the page, not its compressed form.
 *
 * The output has checksums when all inputs have them. Memory: a page and a chunk per input, 12 bytes per page.
 *
 * @param inputs in TXID order, none of them read from yet
 * @returns the output in chunks that are the caller's
 * @throws LtxError LTX_COMPACT_*, or whatever is wrong with an input
 * @see facts 1.10; superfly/ltx@8cb8f8e compactor.go Compact
 */
export async function* compact(
  inputs: readonly LtxReader[],
  options: CompactOptions = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const form = options.form ?? 'block'
  try {
    const merge = await PageMerge.open(inputs, options)
    const encoder = new Encoder(merge.header, { form })
    for (let page = merge.tryNext(); page !== 'end'; page = merge.tryNext()) {
      if (page === 'more') {
        await merge.fill()
      } else {
        encoder.encodePage(page.pgno, page.data, merge.payload)
        if (encoder.pendingBytes >= CHUNK_SIZE) yield encoder.take()
      }
    }
    const { postApplyChecksum } = await merge.close()
    encoder.finish(hasChecksums(merge.header) ? postApplyChecksum : 0n)
    yield encoder.take()
  } finally {
    for (const input of inputs) await input.cancel()
  }
}
