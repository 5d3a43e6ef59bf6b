import { type RetryOptions, retried } from './backoff.ts'
import { isStorageError, StorageError } from './errors.ts'
import type { Observable, RequestObserver, RequestOutcome, RequestVerb } from './observe.ts'
import { LONGEST_TIMEOUT_MS, within } from './within.ts'

export interface RequestsOptions {
  /** A server may be silent for so long. */
  readonly idleTimeoutMs: number
  readonly retry: Omit<RetryOptions, 'signal'>
}

/** One request, made of as many attempts as it takes. */
export interface Request<T> {
  readonly verb: RequestVerb
  /** For people, without any secret: `read gs://bucket/key`. */
  readonly what: string
  readonly key: string
  readonly signal: AbortSignal | undefined
  /** Bytes in its body: the server is silent while they are on their way. */
  readonly bytes?: number
  /** Made once only: its outcome must be judged by who asked. */
  readonly once?: boolean
  /** Part of a stream that can be read only once, so that nobody above can try again: tried longer. */
  readonly patient?: boolean
  /** The answer has a body that is read later; whoever reads it says when it is over. */
  readonly lasting?: boolean
  /** Makes one attempt. @param end tells the observers that it is over, and what came; needed only if `lasting` */
  send(signal: AbortSignal, end: (bytes?: number) => void): Promise<T>
  /** What a failed attempt means. */
  errorOf(error: unknown): StorageError
}

/** For what is lost as a whole if one part of it is: rides out about 45 s. */
export const PATIENT_ATTEMPTS = 10

/** A line slower than this (bytes per ms) counts as silent. */
const SLOWEST_UPLOAD = 64

/** Makes a backend's requests: observed, bounded in time, and tried again where the error says that it may help. */
export class Requests implements Observable {
  readonly #options: RequestsOptions
  readonly #observers = new Set<RequestObserver>()

  constructor(options: RequestsOptions) {
    this.#options = options
  }

  get idleTimeoutMs(): number {
    return this.#options.idleTimeoutMs
  }

  /** @throws StorageError; the signal's reason */
  run<T>(request: Request<T>): Promise<T> {
    const { retry } = this.#options
    const attempts = request.once ? 1 : (retry.attempts ?? (request.patient ? PATIENT_ATTEMPTS : undefined))
    return retried({ ...retry, ...(attempts && { attempts }) }, request.signal, () => this.#attempt(request))
  }

  observe(observer: RequestObserver): () => void {
    // A wrapper of its own, so that one function may observe twice.
    const own: RequestObserver = (verb) => observer(verb)
    this.#observers.add(own)
    return () => this.#observers.delete(own)
  }

  async #attempt<T>(request: Request<T>): Promise<T> {
    const { signal, verb, lasting } = request
    signal?.throwIfAborted()
    const ends = [...this.#observers].map((observer) => observer(verb))
    const over = (outcome: RequestOutcome): void => {
      for (const end of ends.splice(0)) end(outcome)
    }
    const end = (bytes = request.bytes ?? 0): void => over({ bytes })
    const silence = new AbortController()
    const patienceMs = this.#options.idleTimeoutMs + Math.ceil((request.bytes ?? 0) / SLOWEST_UPLOAD)
    const timer = setTimeout(() => silence.abort(), Math.min(patienceMs, LONGEST_TIMEOUT_MS))
    try {
      const both = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal
      // Not every part of an attempt heeds a signal: getting credentials does not.
      const result = await within(request.send(both, end), { signal: both })
      if (!lasting) end()
      return result
    } catch (error) {
      over({ bytes: 0, error })
      const late = silence.signal.aborted
      silence.abort() // an answer that is refused by its head may have a body without an end
      if (signal?.aborted) throw signal.reason
      if (late) throw silent(request, patienceMs, error)
      throw isStorageError(error) ? error : request.errorOf(error)
    } finally {
      clearTimeout(timer)
    }
  }
}

function silent({ what, key }: Request<unknown>, ms: number, cause: unknown): StorageError {
  const message = `Cannot ${what}: the server sent nothing for ${ms} ms`
  return new StorageError('STORAGE_TIMEOUT', message, { at: { key }, cause })
}
