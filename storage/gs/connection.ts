import { readBeginning, readLimited, type WholeBodyContext } from '../limited-body.ts'
import { type BodyLimit, ERROR_BYTES } from '../limits.ts'
import type { RequestVerb } from '../observe.ts'
import { type ChunkSource, webChunks } from '../range-body.ts'
import { Requests } from '../requests.ts'
import { ANSWER_LIMIT } from '../store-limits.ts'
import { GsRefusal, gsError } from './gs-error.ts'
import type { CheckedGsOptions } from './settings.ts'

export interface GsRequest {
  readonly verb: RequestVerb
  /** For people, before the object's name: `read`, `list`. */
  readonly doing: string
  /** The object or prefix that it is about. */
  readonly key: string
  readonly method?: string
  /** Below the endpoint; absolute for an upload's own address. Default: the object's. */
  readonly url?: string
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly signal: AbortSignal | undefined
  /** Made once only. */
  readonly once?: boolean
  /** Tried longer: nobody above can try again. */
  readonly patient?: boolean
  /** What its answer may have, where that is read whole. Default: a few words. */
  readonly limit?: BodyLimit
  /** Statuses beside 2xx that are answers. */
  readonly answers?: readonly number[]
}

/** Requests to Google Cloud Storage's JSON API for one bucket. */
export class GsConnection {
  readonly settings: CheckedGsOptions
  readonly requests: Requests

  constructor(settings: CheckedGsOptions) {
    this.settings = settings
    this.requests = new Requests({ idleTimeoutMs: settings.idleTimeoutMs, retry: settings.retry ?? {} })
  }

  /** An object's name for people. */
  nameOf(key: string): string {
    return `gs://${this.settings.bucket}/${key}`
  }

  /** An answer, read whole. @throws StorageError; the signal's reason */
  ask(request: GsRequest): Promise<{ readonly reply: Response; readonly body: Uint8Array }> {
    return this.#run(request, false, async (reply) => ({ reply, body: await this.#whole(reply, request) }))
  }

  /** An answer that is JSON. @throws StorageError; the signal's reason */
  askJson<T>(request: GsRequest): Promise<T> {
    return this.#run(request, false, async (reply) => {
      return JSON.parse(new TextDecoder().decode(await this.#whole(reply, request))) as T
    })
  }

  /** An answer whose body is read later. `end` is to be called when that is over. */
  open(request: GsRequest): Promise<{ readonly reply: Response; readonly end: () => void }> {
    return this.#run(request, true, async (reply, end) => ({ reply, end }))
  }

  #run<T>(request: GsRequest, lasting: boolean, read: (reply: Response, end: () => void) => Promise<T>): Promise<T> {
    const { verb, key, signal, body, once = false, patient = false } = request
    const what = `${request.doing} ${this.nameOf(key)}`
    const { bucket, endpoint } = this.settings
    return this.requests.run({
      verb,
      what,
      key,
      signal,
      once,
      patient,
      lasting,
      bytes: body?.length ?? 0,
      send: async (both, end) => read(await this.#send(request, both), end),
      errorOf: (error) => gsError(error, { what, key, bucket, endpoint }),
    })
  }

  async #send(request: GsRequest, signal: AbortSignal): Promise<Response> {
    const { endpoint, bucket, authorize } = this.settings
    const { key, method = 'GET', body, query = {}, answers = [] } = request
    const url = new URL(
      request.url ?? `/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(key)}`,
      endpoint,
    )
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value)
    const headers = new Headers(request.headers)
    headers.set('user-agent', 'litetap')
    for (const [name, value] of (await authorize?.(url.href)) ?? []) headers.set(name, value)
    // Bytes of a plain ArrayBuffer, which is all that there are here.
    const init = { method, headers, signal, redirect: 'manual' as const }
    const reply = await fetch(url, body ? { ...init, body: body as Uint8Array<ArrayBuffer> } : init)
    if (reply.ok || answers.includes(reply.status)) return reply
    throw new GsRefusal(reply.status, await readBeginning(bodyOf(reply), ERROR_BYTES, this.#about(request)))
  }

  #whole(reply: Response, request: GsRequest): Promise<Uint8Array> {
    return readLimited(bodyOf(reply), request.limit ?? ANSWER_LIMIT, this.#about(request))
  }

  #about({ key, signal }: GsRequest): WholeBodyContext {
    return { key, name: this.nameOf(key), idleTimeoutMs: this.requests.idleTimeoutMs, signal }
  }
}

function bodyOf(reply: Response): ChunkSource {
  return reply.body ? webChunks(reply.body) : { next: async () => undefined, stop: async () => {} }
}

/** The answer to a refusal that is one: else the error goes on. */
export function refusalOf(error: unknown): GsRefusal | undefined {
  const cause = (error as { cause?: unknown } | undefined)?.cause
  return cause instanceof GsRefusal ? cause : undefined
}
