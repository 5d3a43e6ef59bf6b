import { ownedStream } from './body.ts'
import { StorageError, type StorageErrorCode } from './errors.ts'
import type { BodyLimit } from './limits.ts'
import { Patience } from './patience.ts'
import type { RangeAsked, RangePlan } from './range-reply.ts'
import type { ByteStream } from './types.ts'
import { within } from './within.ts'

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
  /** The server may be silent for so long; what drips counts as silence (`Patience`). */
  readonly idleTimeoutMs: number
  /** Longest wait for all of it, in ms. Default: as long as it takes, for it is as long as a file can be. */
  readonly totalTimeoutMs?: number | undefined
  readonly signal: AbortSignal | undefined
}

/** A body of fetch, or any other web stream (in browsers those are not async iterable everywhere). */
export function webChunks(body: ReadableStream<Uint8Array>): ChunkSource {
  const reader = body.getReader()
  return { next: async () => (await reader.read()).value, stop: () => reader.cancel() }
}

/** A stream of ours. */
export function chunksOf(stream: ByteStream): ChunkSource {
  const iterator = stream[Symbol.asyncIterator]()
  return {
    next: async () => (await iterator.next()).value,
    stop: async () => {
      await iterator.return?.()
    },
  }
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
export function withEnd({ next, stop }: ChunkSource, end: (bytes: number) => void): ChunkSource {
  let bytes = 0
  return {
    next: async () => {
      const chunk = await next()
      if (chunk === undefined) end(bytes)
      else bytes += chunk.length
      return chunk
    },
    stop: async () => {
      end(bytes)
      await stop().catch(() => {})
    },
  }
}

/** What to take from a body. */
export interface BodyPlan extends RangePlan {
  /** Where nothing else tells how long it may be. */
  readonly limit?: BodyLimit
}

/**
 * Exactly the planned bytes of a reply's body.
 *
 * @throws StorageError STORAGE_SHORT_READ, STORAGE_BAD_RANGE_REPLY, STORAGE_TOO_LARGE, STORAGE_TIMEOUT; the signal's reason
 */
export function rangeBody(source: ChunkSource, plan: BodyPlan, context: RangeBodyContext): ByteStream {
  const { key, name, idleTimeoutMs, totalTimeoutMs, signal } = context
  const { limit } = plan
  const patience = new Patience({ idleMs: idleTimeoutMs, totalMs: totalTimeoutMs })
  let skip = plan.skip
  let taken = 0
  const fail = (code: StorageErrorCode, why: string, cause?: unknown): StorageError =>
    new StorageError(code, `Cannot read ${name}: ${why}`, { at: { key, offset: context.offset + taken }, cause })
  const late = (): StorageError => fail('STORAGE_TIMEOUT', `the server is silent or too slow after ${taken} bytes`)
  const next = async (): Promise<Uint8Array | undefined> => {
    for (;;) {
      signal?.throwIfAborted()
      if (!plan.toEnd && taken === plan.take) return undefined
      const coming = within(source.next(), { ms: patience.left, signal, late })
      const chunk = await patience.count(coming).catch((error) => {
        if (signal?.aborted) throw signal.reason
        if (error instanceof StorageError) throw error
        throw fail('STORAGE_SHORT_READ', `the connection was lost after ${taken} of ${plan.take ?? 'all'} bytes`, error)
      })
      if (chunk === undefined) {
        if (plan.take === undefined || taken === plan.take) return undefined
        throw fail('STORAGE_SHORT_READ', `the reply ended after ${taken} of ${plan.take} bytes`)
      }
      patience.heard(chunk.length)
      const dropped = Math.min(skip, chunk.length)
      skip -= dropped
      let rest = chunk.subarray(dropped)
      if (limit && taken + rest.length > limit.bytes) {
        throw fail('STORAGE_TOO_LARGE', `it has more than ${limit.bytes} bytes; ${limit.hint}`)
      }
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
