import type { S3Client } from '@aws-sdk/client-s3'
import { StorageError } from '../errors.ts'
import type { RequestObserver } from '../observe.ts'
import { type ClosableBody, ObservedAttempt, type ObservedCommand, observe, whenRead } from './observation.ts'
import { type GetLesson, RequestTemplate, type SdkResponse } from './request-template.ts'
import type { S3Settings } from './settings.ts'
import { type ClientLease, leaseClient } from './shared-client.ts'

type Send = S3Client['send']

export interface GetRequest {
  readonly key: string
  /** The header's value. */
  readonly range: string
  readonly signal: AbortSignal | undefined
}

/** What the parts of one s3 replica share. The SDK client below is shared with other replicas. */
export class S3Connection {
  readonly settings: S3Settings
  readonly observers = new Set<RequestObserver>()
  readonly #lease: ClientLease
  readonly #requestTemplate: RequestTemplate
  /** Requests under way, by what ends them. */
  readonly #pending = new Set<AbortController>()
  #closed = false

  /** Nothing is sent yet. */
  constructor(settings: S3Settings) {
    this.settings = settings
    this.#lease = leaseClient(settings)
    this.#requestTemplate = new RequestTemplate(this.#lease.client)
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

  /**
   * GET a part of a file the short way, once.
   * @returns undefined where that is not to be had; an answer of any status, whose body is to be read or closed
   * @throws whatever befell the request
   */
  async get({ key, range, signal }: GetRequest): Promise<SdkResponse | undefined> {
    return await this.#pend(signal, async (stop) => {
      const observed = (): ObservedAttempt =>
        new ObservedAttempt('get', 'read', [...this.observers], { settings: this.settings, signal: stop })
      const reply = await this.#requestTemplate.send({ key, range, signal: stop, observed })
      return [reply, reply?.body]
    })
  }

  /** What is to be learned from a GET that the SDK will send, if anything. */
  getLesson(key: string): GetLesson | undefined {
    const { directoryBucket, debug = [] } = this.settings
    // Those buckets have signatures of their own; and who debugs wants to see all requests.
    return directoryBucket || debug.length > 0 ? undefined : this.#requestTemplate.lesson(key)
  }

  /** What was learned about GETs is wrong. */
  forgetGet(): void {
    this.#requestTemplate.forget()
  }

  async #send(command: ObservedCommand, options: { readonly abortSignal?: AbortSignal } = {}): Promise<unknown> {
    return await this.#pend(options.abortSignal, async (stop) => {
      if (this.observers.size > 0) observe(command, [...this.observers], { settings: this.settings, signal: stop })
      const result = await this.#lease.client.send(command as never, { abortSignal: stop })
      return [result, (result as { Body?: ClosableBody }).Body]
    })
  }

  /** Make a request that `signal` and `close` end, until its body has been read. */
  async #pend<T>(
    signal: AbortSignal | undefined,
    request: (stop: AbortSignal) => Promise<readonly [result: T, body: ClosableBody | undefined]>,
  ): Promise<T> {
    const stop = new AbortController()
    const relay = (): void => stop.abort(signal?.reason)
    const over = (): void => {
      this.#pending.delete(stop)
      signal?.removeEventListener('abort', relay)
    }
    signal?.addEventListener('abort', relay, { once: true })
    this.#pending.add(stop)
    try {
      signal?.throwIfAborted()
      const [result, body] = await request(stop.signal)
      whenRead(body, over)
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

/** Request options that carry a signal, if there is one. */
export function abortable(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal ? { abortSignal: signal } : {}
}
