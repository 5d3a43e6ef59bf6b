import { readAll } from './body.ts'
import type { BodyLimit } from './limits.ts'
import { type ChunkSource, type RangeBodyContext, rangeBody } from './range-body.ts'

/** What is read, for people and for errors, and how long that may take. */
export type WholeBodyContext = Omit<RangeBodyContext, 'offset' | 'size'>

/**
 * A body as a whole, which has a limit before it is read: for everything that is kept in memory.
 *
 * @throws StorageError STORAGE_TOO_LARGE, STORAGE_TIMEOUT, STORAGE_SHORT_READ; the signal's reason. The body is closed then.
 */
export async function readLimited(
  source: ChunkSource,
  limit: BodyLimit,
  context: WholeBodyContext,
): Promise<Uint8Array> {
  const plan = { skip: 0, take: undefined, toEnd: true, limit }
  return await readAll(rangeBody(source, plan, { ...context, offset: 0, size: 0 }))
}

/**
 * The first bytes of a body that says why something failed, as far as they come; then it is left. Never fails, unless
 * by the signal.
 */
export async function readBeginning(source: ChunkSource, bytes: number, context: WholeBodyContext): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    const plan = { skip: 0, take: bytes, toEnd: false }
    for await (const chunk of rangeBody(source, plan, { ...context, offset: 0, size: 0 })) {
      text += decoder.decode(chunk, { stream: true })
    }
  } catch {
    context.signal?.throwIfAborted()
    // What has come says enough.
  }
  return text
}
