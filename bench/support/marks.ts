import { createHash } from 'node:crypto'

const MARK_BYTES = 16

/**
 * The bytes that commit `n` of a run leaves in its page. They are random, so LZ4 keeps them as literals and they can be
 * found in an LTX file of either frame form without decoding it (a chance match that breaks one up: about 1 in 100,000).
 */
export function mark(run: string, n: number): Buffer {
  return createHash('sha256').update(`${run}/${n}`).digest().subarray(0, MARK_BYTES)
}

/** The highest of the commits `from`..`to` whose mark is in the bytes; undefined for none. */
export function newestMark(bytes: Buffer, run: string, from: number, to: number): number | undefined {
  for (let n = to; n >= from; n--) if (bytes.includes(mark(run, n))) return n
  return undefined
}
