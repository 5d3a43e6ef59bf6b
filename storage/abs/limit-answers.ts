import type { ContainerClient } from '@azure/storage-blob'
import { readBeginning, readLimited } from '../limited-body.ts'
import { ERROR_BYTES, WHOLE_BODY_MS } from '../limits.ts'
import { streamChunks } from '../range-body.ts'
import { LISTING_LIMIT } from '../store-limits.ts'

interface SdkRequest {
  /** Whose answers are not read by the SDK. */
  streamResponseStatusCodes?: Set<number>
}

interface SdkReply {
  readonly status: number
  readableStreamBody?: unknown
  bodyAsText?: string | null
}

/** The SDK's chain of what is done to a request; it tells nobody of it. */
interface SdkParts {
  readonly storageClientContext: {
    readonly pipeline: {
      addPolicy(
        policy: {
          readonly name: string
          sendRequest(request: SdkRequest, next: (request: SdkRequest) => Promise<SdkReply>): Promise<SdkReply>
        },
        options: { readonly afterPhase: 'Sign' },
      ): void
    }
  }
}

const ANY_STATUS = Number.POSITIVE_INFINITY

/**
 * Read the answers that the SDK would read as a whole, with no limit to them: listings, and what is said in refusals. Blobs
 * do not come this way.
 * @param container with all clients that are made from it
 */
export function limitAnswers(container: ContainerClient, idleTimeoutMs: number): void {
  const { pipeline } = (container as unknown as SdkParts).storageClientContext
  const context = { key: '', name: container.url.split('?')[0]!, idleTimeoutMs, totalTimeoutMs: WHOLE_BODY_MS }
  pipeline.addPolicy(
    {
      name: 'litetapLimitAnswers',
      sendRequest: async (request, next) => {
        const streamed = request.streamResponseStatusCodes
        request.streamResponseStatusCodes = new Set([ANY_STATUS])
        const reply = await next(request).finally(() => {
          if (streamed) request.streamResponseStatusCodes = streamed
          else delete request.streamResponseStatusCodes
        })
        const body = reply.readableStreamBody
        if (body === undefined || streamed?.has(reply.status)) return reply
        delete reply.readableStreamBody
        const source = streamChunks(body)
        reply.bodyAsText =
          reply.status < 400
            ? new TextDecoder().decode(await readLimited(source, LISTING_LIMIT, { ...context, signal: undefined }))
            : await readBeginning(source, ERROR_BYTES, { ...context, signal: undefined })
        return reply
      },
    },
    { afterPhase: 'Sign' },
  )
}
