/** A file up to this size is kept. */
const KEPT_BYTES_MAX = 256 * 1024

/**
 * Write all chunks.
 *
 * @param chunks each valid until the next is asked for
 * @returns them as one piece, for an upload that need not read the file again; undefined when they are too many to keep
 */
export async function writeKeeping(
  chunks: AsyncIterable<Uint8Array>,
  write: (chunk: Uint8Array) => Promise<void>,
): Promise<Uint8Array | undefined> {
  const kept: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    await write(chunk)
    bytes += chunk.length
    if (bytes <= KEPT_BYTES_MAX) kept.push(Buffer.from(chunk))
    else kept.length = 0
  }
  return bytes <= KEPT_BYTES_MAX ? Buffer.concat(kept) : undefined
}
