import type { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { within } from '../within.ts'
import type { ClosableBody, ObservedAttempt } from './observation.ts'

/** The SDK's description of a request. */
interface SdkRequest {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
}

/** The SDK's description of an answer; header names in lower case. */
export interface SdkResponse {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: ClosableBody & AsyncIterable<Uint8Array>
}

interface Signer {
  sign(
    request: SdkRequest,
    options: { signingDate: Date; signingRegion: string; signingService: string },
  ): Promise<SdkRequest>
}

/** The parts of an SDK client that sign and send; its configuration gives them out. */
interface SdkParts {
  readonly systemClockOffset: number
  readonly requestHandler: {
    handle(request: SdkRequest, options: { abortSignal: AbortSignal }): Promise<{ response: SdkResponse }>
  }
  signer(scheme: AuthScheme): Promise<Signer>
}

interface AuthScheme {
  readonly name: string
  readonly signingRegion?: string
  readonly signingName?: string
}

export interface LearnedRequest {
  readonly key: string
  /** The header's value. */
  readonly range: string
  readonly signal: AbortSignal
  /** Tells observers that the request begins. */
  observed(): ObservedAttempt
}

/** One GET by the SDK, from which is learned how it sends them. */
export interface GetLesson {
  watch(command: GetObjectCommand): void
  /** When the call is over, however it ended. */
  end(): void
}

/** How the SDK sends and signs the GETs of one replica. */
interface Manner {
  readonly request: SdkRequest
  /** The request's path up to where the names of levels begin. */
  readonly root: string
  readonly signer: Signer
  readonly signingRegion: string
  readonly signingService: string
}

/** What follows a replica's path in the key of a file: nothing in it needs an escape in a URL. */
const FILE = /\/[0-9a-f]{4}\/[0-9a-f]{16}-[0-9a-f]{16}\.ltx$/
/** Headers of one request only. */
const OWN_HEADERS = /^(authorization|range|x-amz-date|x-amz-security-token|amz-sdk-.*)$/i

/**
 * Sends GETs as the SDK would, without all that it does anew for each: its first one shows the address and the headers;
 * its own signer and connections do the rest. That is a third of the SDK's processor time (decision 0016), and a reader
 * opens a replica with some seventy GETs. Whatever is not a plain success is the SDK's: retries, redirects, messages.
 */
export class RequestTemplate {
  readonly #parts: SdkParts
  #manner: Promise<Manner | undefined> | undefined

  constructor(client: S3Client) {
    this.#parts = client.config as unknown as SdkParts
  }

  /**
   * Something to learn from the GET of this file, if nothing is known yet: it is to be sent by the SDK then, and others
   * wait until they see how.
   */
  lesson(key: string): GetLesson | undefined {
    if (this.#manner !== undefined || !FILE.test(key)) return undefined
    const { promise, resolve } = Promise.withResolvers<Manner | undefined>()
    this.#manner = promise
    let attempts = 0
    const watch = (command: GetObjectCommand): void =>
      command.middlewareStack.add(
        (next, context) => async (args) => {
          const manner = await this.#read(args.request as SdkRequest, context as Context, key).catch(() => undefined)
          // A further attempt may be sent elsewhere: the last one counts.
          if (attempts++ > 0 && this.#manner) this.#manner = Promise.resolve(manner)
          resolve(manner)
          return next(args)
        },
        { step: 'finalizeRequest', priority: 'low', name: 'litetapLearnedGet' },
      )
    const end = (): void => {
      resolve(undefined)
      void promise.then((manner) => {
        if (manner === undefined && this.#manner === promise) this.forget()
      })
    }
    return { watch, end }
  }

  /** Learn again from the next one. */
  forget(): void {
    this.#manner = undefined
  }

  /**
   * GET a part of a file.
   * @returns undefined when it is not known how; an answer of any status
   * @throws what the SDK's connection throws
   */
  async send({ key, range, signal, observed }: LearnedRequest): Promise<SdkResponse | undefined> {
    const file = FILE.exec(key)?.[0]
    if (this.#manner === undefined || file === undefined) return undefined
    const manner = await within(this.#manner, { signal })
    if (manner === undefined) return undefined
    const { signer, signingRegion, signingService, root, request } = manner
    const signed = await signer.sign(
      { ...request, path: root + file, headers: { ...request.headers, range } },
      { signingDate: new Date(Date.now() + this.#parts.systemClockOffset), signingRegion, signingService },
    )
    const attempt = observed()
    try {
      const { response } = await this.#parts.requestHandler.handle(signed, { abortSignal: signal })
      if (response.statusCode < 300) attempt.endWithBody(response.body, response.headers)
      else attempt.fail(statusError(response.statusCode))
      return response
    } catch (error) {
      attempt.fail(error)
      throw error
    }
  }

  async #read(request: SdkRequest, { authSchemes }: Context, key: string): Promise<Manner | undefined> {
    const scheme = authSchemes?.[0]
    const file = FILE.exec(key)?.[0]
    const { signingRegion, signingName } = scheme ?? {}
    if (scheme?.name !== 'sigv4' || !signingRegion || !signingName || !file || !request.path.endsWith(file)) return
    const headers = Object.entries(request.headers).filter(([name]) => !OWN_HEADERS.test(name))
    return {
      request: { ...request, headers: Object.fromEntries(headers) },
      root: request.path.slice(0, -file.length),
      signer: await this.#parts.signer(scheme),
      signingRegion,
      signingService: signingName,
    }
  }
}

/** What the SDK's endpoint rules have said about a request. */
interface Context {
  readonly authSchemes?: readonly AuthScheme[]
}

/** An answer that is none, as the SDK would throw it. */
export function statusError(status: number): Error {
  return Object.assign(new Error(`The server answered with status ${status}`), {
    $metadata: { httpStatusCode: status },
  })
}
