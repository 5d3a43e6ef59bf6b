import { emptyStream } from '../body.ts'
import { isStorageError } from '../errors.ts'
import { rangeBody, streamChunks, withEnd } from '../range-body.ts'
import { planRangeReply } from '../range-reply.ts'
import type { ByteStream, OpenOptions } from '../types.ts'
import { isNoBlob } from './abs-error.ts'
import type { AbsConnection } from './connection.ts'

/** Open a blob's bytes; undefined if there is no such blob. Past its end there is nothing: an empty stream. */
export async function readBlob(
  connection: AbsConnection,
  key: string,
  { offset = 0, size = 0, signal }: OpenOptions,
): Promise<ByteStream | undefined> {
  const asked = { key, name: connection.nameOf(key), offset, size }
  try {
    return await connection.run({
      verb: 'get',
      doing: 'read',
      key,
      signal,
      lasting: true,
      send: async (container, abortSignal, end) => {
        // The SDK's own resuming of broken bodies is off: whoever reads knows how far it came.
        const options = { abortSignal, maxRetryRequests: 0 }
        const reply = await container.getBlobClient(key).download(offset, size > 0 ? size : undefined, options)
        const source = withEnd(streamChunks(reply.readableStreamBody), end)
        try {
          const plan = planRangeReply(
            {
              status: reply._response.status,
              contentRange: reply.contentRange,
              contentLength: reply.contentLength,
              contentEncoding: reply.contentEncoding,
            },
            asked,
          )
          return rangeBody(source, plan, { ...asked, idleTimeoutMs: connection.requests.idleTimeoutMs, signal })
        } catch (error) {
          await source.stop()
          throw error
        }
      },
    })
  } catch (error) {
    if (isNoBlob(error)) return undefined
    if (isStorageError(error) && error.at.status === 416) return emptyStream()
    throw error
  }
}
