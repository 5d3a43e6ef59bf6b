import type { S3Client } from '@aws-sdk/client-s3'
import { StorageError } from '../errors.ts'
import type { RequestObserver } from '../observe.ts'
import { type ClosableBody, type ObservedCommand, observe, whenRead } from './observation.ts'
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

/** Request options that carry a signal, if there is one. */
export function abortable(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal ? { abortSignal: signal } : {}
}
