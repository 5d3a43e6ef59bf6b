import type { S3Client } from '@aws-sdk/client-s3'
import { StorageError } from '../errors.ts'
import type { RequestObserver, RequestOutcome, RequestVerb } from '../observe.ts'
import { s3Error, s3ErrorName, s3ErrorStatus } from './s3-error.ts'
import type { S3Settings } from './settings.ts'
import { type ClientLease, leaseClient } from './shared-client.ts'

type Send = S3Client['send']

/** What the parts of one s3 replica share. The SDK client below is shared with other replicas. */
export class S3Connection {
  readonly settings: S3Settings
  readonly observers = new Set<RequestObserver>()
  readonly #lease: ClientLease
  /** Requests under way, by what ends them. */
  readonly #pending = new Set<AbortController>()
  #closed = false

  /** Nothing is sent yet. */
  constructor(settings: S3Settings) {
    this.settings = settings
    this.#lease = leaseClient(settings)
  }

  /** As the SDK client's `send`, observed by this replica's observers and ended by its `close`. */
  get client(): { readonly send: Send } {
    return { send: ((command: never, options: never) => this.#send(command, options)) as Send }
  }

  /** End what is under way, bodies that are being read included, and let go of the SDK client. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const request of this.#pending) request.abort()
    this.#lease.release()
  }

  async #send(command: ObservedCommand, options: { readonly abortSignal?: AbortSignal } = {}): Promise<unknown> {
    const stop = new AbortController()
    const { abortSignal: signal } = options
    const relay = (): void => stop.abort(signal?.reason)
    const over = (): void => {
      this.#pending.delete(stop)
      signal?.removeEventListener('abort', relay)
    }
    signal?.addEventListener('abort', relay, { once: true })
    this.#pending.add(stop)
    try {
      signal?.throwIfAborted()
      if (this.observers.size > 0)
        observe(command, [...this.observers], { settings: this.settings, signal: stop.signal })
      const result = await this.#lease.client.send(command as never, { abortSignal: stop.signal })
      whenRead((result as { Body?: ClosableBody }).Body, over)
      return result
    } catch (error) {
      over()
      if (this.#closed && !signal?.aborted) throw this.#closedError(error)
      throw error
    }
  }

  #closedError(cause: unknown): StorageError {
    const { scheme, bucket, path } = this.settings
    return new StorageError('STORAGE_CLOSED', `The replica ${scheme}://${bucket}/${path} was closed during a request`, {
      cause,
    })
  }
}

interface ClosableBody {
  readonly errored?: Error | null
  once?(event: 'close', listener: () => void): void
}

/** Call when a request's body, if it has one that is read piece by piece, is closed. */
function whenRead(body: ClosableBody | undefined, call: () => void): void {
  if (body?.once) body.once('close', call)
  else call()
}

/** Request options that carry a signal, if there is one. */
export function abortable(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal ? { abortSignal: signal } : {}
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

interface ObservedCommand {
  readonly middlewareStack: S3Client['middlewareStack']
}

interface ObservedContext {
  readonly settings: S3Settings
  /** Aborted by the caller, or by closing. */
  readonly signal: AbortSignal
}

/** Tell observers of every attempt of one command; a GET is over when its body is. */
function observe(command: ObservedCommand, observers: readonly RequestObserver[], context: ObservedContext): void {
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
