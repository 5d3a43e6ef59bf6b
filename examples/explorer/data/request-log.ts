import type { LtxFileName } from '../../../storage/types.ts'
import { fileOfURL } from './file-of-url.ts'

/** Who asked: queries, or the explorer itself for what it shows beside them. */
export type Asker = 'query' | 'explorer'

/** A request as far as it has come. */
export interface LoggedRequest {
  readonly id: number
  readonly asker: Asker
  /** Undefined for the catalog. */
  readonly file: LtxFileName | undefined
  readonly name: string
  /** Undefined for the whole. */
  readonly offset: number | undefined
  readonly length: number | undefined
  /** Milliseconds since the page's time origin. */
  readonly startedAt: number
  answeredAt: number | undefined
  endedAt: number | undefined
  status: number | undefined
  bytes: number
  /** It broke off, or was ended. */
  broken: boolean
}

/** Of these statuses no reply can be made that has a body, and none has one. */
const BODILESS = new Set([204, 205, 304])

/** Every request that goes out, as it really went. */
export class RequestLog {
  readonly requests: LoggedRequest[] = []
  readonly #onChange: () => void

  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  /** A `fetch` that is noted down. */
  fetchFor(asker: Asker): typeof globalThis.fetch {
    return async (input, init) => {
      const request = this.#begin(asker, String(input), new Headers(init?.headers))
      try {
        const reply = await globalThis.fetch(input, init)
        request.answeredAt = performance.now()
        request.status = reply.status
        if (reply.body === null || BODILESS.has(reply.status)) {
          this.#end(request)
          return reply
        }
        return new Response(this.#counted(reply.body, request), reply)
      } catch (error) {
        request.broken = true
        this.#end(request)
        throw error
      }
    }
  }

  #begin(asker: Asker, url: string, headers: Headers): LoggedRequest {
    const range = /^bytes=(\d+)-(\d*)$/.exec(headers.get('range') ?? '')
    const [offset, last] = [range?.[1], range?.[2]].map((text) => (text ? Number(text) : undefined))
    const request: LoggedRequest = {
      id: this.requests.length + 1,
      asker,
      ...fileOfURL(url),
      offset,
      length: last === undefined ? undefined : last - (offset ?? 0) + 1,
      startedAt: performance.now(),
      answeredAt: undefined,
      endedAt: undefined,
      status: undefined,
      bytes: 0,
      broken: false,
    }
    this.requests.push(request)
    this.#onChange()
    return request
  }

  #end(request: LoggedRequest): void {
    if (request.endedAt !== undefined) return
    request.endedAt = performance.now()
    this.#onChange()
  }

  #counted(
    body: ReadableStream<Uint8Array<ArrayBuffer>>,
    request: LoggedRequest,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    const reader = body.getReader()
    return new ReadableStream({
      pull: async (controller) => {
        try {
          const { done, value } = await reader.read()
          if (done) {
            this.#end(request)
            return controller.close()
          }
          request.bytes += value.length
          controller.enqueue(value)
        } catch (error) {
          request.broken = true
          this.#end(request)
          controller.error(error)
        }
      },
      cancel: async (reason) => {
        request.broken = request.length !== request.bytes
        this.#end(request)
        await reader.cancel(reason)
      },
    })
  }
}
