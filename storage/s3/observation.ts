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

/** Tell observers of every attempt of one command; a GET is over when its body is. */
export function observe(
  command: ObservedCommand,
  observers: readonly RequestObserver[],
  context: ObservedContext,
): void {
  const { settings, signal } = context
  command.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const verb = VERBS[commandName] ?? 'other'
        const ends = observers.map((observer) => observer(verb))
        const end = (outcome: RequestOutcome): void => {
          for (const each of ends.splice(0)) each(outcome)
        }
        const failureOf = (error: unknown): { error?: unknown } => {
          if (error === undefined) return {}
          if (signal.aborted) return { error: new DOMException('The request was ended', 'AbortError') }
          return { error: s3Error(error, { verb: commandName, settings }) }
        }
        try {
          const result = await next(args)
          const { body, headers } = result.response as HttpResponse
          const sent = verb === 'put' ? lengthOf((args.request as HttpResponse).headers) : 0
          if (verb !== 'get') end({ bytes: sent })
          else whenRead(body, () => end({ bytes: lengthOf(headers), ...failureOf(body?.errored ?? undefined) }))
          return result
        } catch (error) {
          end({ bytes: 0, ...(!isAbsence(error) && failureOf(error)) })
          throw error
        }
      },
    // Outside of what reads the answer, so that a refusal is an error here; inside of the retries.
    { step: 'finalizeRequest', priority: 'low', name: 'litetapObservation' },
  )
}

interface HttpResponse {
  readonly headers: Readonly<Record<string, string>>
  readonly body?: ClosableBody
}

function lengthOf(headers: Readonly<Record<string, string>>): number {
  return Number(headers['content-length'] ?? 0)
}

/** There is no such object, or nothing at this place of it: an answer like others. */
function isAbsence(error: unknown): boolean {
  const status = s3ErrorStatus(error)
  return (status === 404 && s3ErrorName(error) !== 'NoSuchBucket') || status === 416
}
