import { ownedStream } from './body.ts'
import { StorageError } from './errors.ts'
import type { RangeAsked, RangePlan } from './range-reply.ts'
import type { ByteStream } from './types.ts'

/** The body of a reply, wherever it comes from. */
export interface ChunkSource {
  /** The next chunk, the reader's own; undefined at the end. */
  next(): Promise<Uint8Array | undefined>
  /** Gives the connection up unless the body was read to its end. */
  stop(): Promise<void>
}

export interface RangeBodyContext extends RangeAsked {
  /** What is read, for people: without any secret. */
  readonly name: string
  /** The server may be silent for so long. */
  readonly idleTimeoutMs: number
  readonly signal: AbortSignal | undefined
}

/** A body of fetch, or any other web stream (in browsers those are not async iterable everywhere). */
export function webChunks(body: ReadableStream<Uint8Array>): ChunkSource {
  const reader = body.getReader()
  return { next: async () => (await reader.read()).value, stop: () => reader.cancel() }
}

interface NodeBody extends AsyncIterable<Uint8Array> {
  destroy(): void
  on(event: 'error', listener: () => void): void
  setTimeout?(ms: number): void
}

/** One way to read from a Node stream and a web stream: SDKs give either. */
export function streamChunks(body: unknown): ChunkSource {
  if (body instanceof ReadableStream) return webChunks(body)
  const stream = body as NodeBody
  // From here on silence is judged by how long a read takes: a consumer may pause for as long as it likes.
  stream.setTimeout?.(0)
  const iterator = stream[Symbol.asyncIterator]()
  return {
    next: async () => {
      const { done, value } = await iterator.next()
      // A plain view: a Buffer's `slice` does not copy, which would surprise whoever keeps a part.
      return done ? undefined : new Uint8Array(value.buffer, value.byteOffset, value.length)
    },
    stop: async () => {
      stream.on('error', () => {})
      stream.destroy()
    },
  }
}

/** A body that tells when it is over or has been left. */
export function withEnd({ next, stop }: ChunkSource, end: () => void): ChunkSource {
  return {
    next: async () => {
      const chunk = await next()
      if (chunk === undefined) end()
      return chunk
    },
    stop: async () => {
      end()
      await stop().catch(() => {})
    },
  }
}

/**
 * Exactly the planned bytes of a reply's body.
 *
 * @throws StorageError STORAGE_SHORT_READ, STORAGE_BAD_RANGE_REPLY, STORAGE_TIMEOUT; the signal's reason
 */
export function rangeBody(source: ChunkSource, plan: RangePlan, context: RangeBodyContext): ByteStream {
  const { key, name } = context
  let skip = plan.skip
  let taken = 0
  const fail = (code: 'STORAGE_SHORT_READ' | 'STORAGE_BAD_RANGE_REPLY', why: string, cause?: unknown): StorageError =>
    new StorageError(code, `Cannot read ${name}: ${why}`, { at: { key, offset: context.offset + taken }, cause })
  const next = async (): Promise<Uint8Array | undefined> => {
    for (;;) {
      context.signal?.throwIfAborted()
      if (!plan.toEnd && taken === plan.take) return undefined
      const chunk = await readChunk(source, context).catch((error) => {
        if (context.signal?.aborted) throw context.signal.reason
        if (error instanceof StorageError) throw error
        throw fail('STORAGE_SHORT_READ', `the connection was lost after ${taken} of ${plan.take ?? 'all'} bytes`, error)
      })
      if (chunk === undefined) {
        if (plan.take === undefined || taken === plan.take) return undefined
        throw fail('STORAGE_SHORT_READ', `the reply ended after ${taken} of ${plan.take} bytes`)
      }
      const dropped = Math.min(skip, chunk.length)
      skip -= dropped
      let rest = chunk.subarray(dropped)
      if (plan.take !== undefined && taken + rest.length > plan.take) {
        if (plan.toEnd) throw fail('STORAGE_BAD_RANGE_REPLY', `the reply goes on after ${plan.take} bytes`)
        rest = rest.subarray(0, plan.take - taken)
      }
      taken += rest.length
      if (rest.length > 0) return rest
    }
  }
  return ownedStream(next, () => source.stop())
}

/** The next chunk, or STORAGE_TIMEOUT if the server has been silent for too long. */
async function readChunk(source: ChunkSource, context: RangeBodyContext): Promise<Uint8Array | undefined> {
  const { name, key, idleTimeoutMs } = context
  let timer: ReturnType<typeof setTimeout> | undefined
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `Cannot read ${name}: the server sent nothing for ${idleTimeoutMs} ms`
      reject(new StorageError('STORAGE_TIMEOUT', message, { at: { key } }))
    }, idleTimeoutMs)
  })
  try {
    return await Promise.race([source.next(), silence])
  } finally {
    clearTimeout(timer)
  }
}
