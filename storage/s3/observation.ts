import type { S3Client } from '@aws-sdk/client-s3'
import type { RequestObserver, RequestOutcome, RequestVerb } from '../observe.ts'
import { s3Error, s3ErrorName, s3ErrorStatus } from './s3-error.ts'
import type { S3Settings } from './settings.ts'

/** What of a body that is read piece by piece is needed here. */
export interface ClosableBody {
  readonly errored?: Error | null
  once?(event: 'close', listener: () => void): void
}

/** Call when a request's body, if it has one that is read piece by piece, is closed. */
export function whenRead(body: ClosableBody | undefined, call: () => void): void {
  if (body?.once) body.once('close', call)
  else call()
}

const VERBS: Readonly<Record<string, RequestVerb>> = {
  ListObjectsV2Command: 'list',
  HeadObjectCommand: 'head',
  GetObjectCommand: 'get',
  PutObjectCommand: 'put',
  UploadPartCommand: 'put',
  DeleteObjectsCommand: 'delete',
  DeleteObjectCommand: 'delete',
}

export interface ObservedCommand {
  readonly middlewareStack: S3Client['middlewareStack']
}

export interface ObservedContext {
  readonly settings: S3Settings
  /** Aborted by the caller, or by closing. */
  readonly signal: AbortSignal
}

/** One attempt of a request, of which observers are told. */
export class ObservedAttempt {
  readonly #verb: string
  readonly #context: ObservedContext
  readonly #ends: ReturnType<RequestObserver>[]

  /** It begins. @param doing what the SDK or we call it, for messages */
  constructor(verb: RequestVerb, doing: string, observers: readonly RequestObserver[], context: ObservedContext) {
    this.#verb = doing
    this.#context = context
    this.#ends = observers.map((observer) => observer(verb))
  }

  /** It is over: so many bytes were sent, or nothing is to be read. */
  end(bytes: number): void {
    this.#finish({ bytes })
  }

  /** It has failed; that something is not there is no failure. */
  fail(error: unknown): void {
    this.#finish({ bytes: 0, ...(!isAbsence(error) && this.#failure(error)) })
  }

  /** It is over when the body has been read. */
  endWithBody(body: ClosableBody | undefined, headers: HttpResponse['headers']): void {
    whenRead(body, () => this.#finish({ bytes: lengthOf(headers), ...this.#failure(body?.errored ?? undefined) }))
  }

  #finish(outcome: RequestOutcome): void {
    for (const end of this.#ends.splice(0)) end(outcome)
  }

  #failure(error: unknown): { error?: unknown } {
    const { settings, signal } = this.#context
    if (error === undefined) return {}
    if (signal.aborted) return { error: new DOMException('The request was ended', 'AbortError') }
    return { error: s3Error(error, { verb: this.#verb, settings }) }
  }
}

/** Tell observers of every attempt of one command; a GET is over when its body is. */
export function observe(
  command: ObservedCommand,
  observers: readonly RequestObserver[],
  context: ObservedContext,
): void {
  command.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const verb = VERBS[commandName] ?? 'other'
        const attempt = new ObservedAttempt(verb, commandName, observers, context)
        try {
          const result = await next(args)
          const { body, headers } = result.response as HttpResponse
          if (verb === 'get') attempt.endWithBody(body, headers)
          else attempt.end(verb === 'put' ? lengthOf((args.request as HttpResponse).headers) : 0)
          return result
        } catch (error) {
          attempt.fail(error)
          throw error
        }
      },
    // Outside of what reads the answer, so that a refusal is an error here; inside of the retries.
    { step: 'finalizeRequest', priority: 'low', name: 'litetapObservation' },
  )
}

interface HttpResponse {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body?: ClosableBody
}

function lengthOf(headers: HttpResponse['headers']): number {
  return Number(headers['content-length'] ?? 0)
}

/** There is no such object, or nothing at this place of it: an answer like others. */
function isAbsence(error: unknown): boolean {
  const status = s3ErrorStatus(error)
  return (status === 404 && s3ErrorName(error) !== 'NoSuchBucket') || status === 416
}
