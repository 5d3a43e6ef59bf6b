import { isStorageError, StorageError } from '../errors.ts'
import { WHOLE_BODY_MS } from '../limits.ts'
import type { Meaning } from '../meaning.ts'
import type { RequestObserver, RequestOutcome, RequestVerb } from '../observe.ts'
import { LONGEST_TIMEOUT_MS } from '../within.ts'
import { noAnswer } from './http-error.ts'

export interface HttpOptions {
  /** What sends requests. Default: the runtime's own. */
  readonly fetch?: typeof globalThis.fetch
  /** Go with every request, for example `{ authorization: 'Bearer ...' }`. */
  readonly headers?: Readonly<Record<string, string>>
  /** A server may be silent for so long; one that sends less than 1 KB/s counts as silent. Default 30 000. */
  readonly idleTimeoutMs?: number
  /** A catalog, a page map, or a page of a store's listing may take so long in all. Default 300 000. */
  readonly totalTimeoutMs?: number
  /**
   * For `https://`: the server is a gateway (`litetap serve`), which announces new transactions, so that nobody need ask.
   * Default false.
   */
  readonly events?: boolean
}

/** Where a connection leads, and what is particular to the store there. */
export interface HttpPlace {
  /** Keys are below it. Its query, as presigned URLs have it, goes with every request. */
  readonly root: URL
  /** The root, fit to be shown. */
  readonly shown: string
  readonly bucket?: string
  /** Makes the headers of a signed request. */
  readonly sign?: ((url: URL, headers: Readonly<Record<string, string>>) => Promise<Headers>) | undefined
  /** What the store's own error codes mean; `{bucket}` and `{endpoint}` are filled in. */
  readonly meanings?: Readonly<Record<string, Meaning>>
}

export interface HttpRequest {
  /** Below the root, not encoded. Default: the root itself. */
  readonly key?: string
  /** The key that it is about, where that is not the one that is asked for. */
  readonly about?: string
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  readonly cache?: RequestCache
  readonly signal: AbortSignal | undefined
}

const DEFAULT_IDLE_TIMEOUT_MS = 30_000

/** How requests to one web server are made. */
export class HttpConnection {
  readonly root: URL
  readonly shown: string
  readonly place: HttpPlace
  readonly idleTimeoutMs: number
  readonly totalTimeoutMs: number
  readonly #ending = new AbortController()
  readonly #fetch: typeof globalThis.fetch
  readonly #headers: Readonly<Record<string, string>>
  readonly #observers = new Set<RequestObserver>()

  constructor(place: HttpPlace, options: HttpOptions) {
    this.place = place
    this.root = place.root
    this.shown = place.shown
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
    this.#headers = options.headers ?? {}
    this.idleTimeoutMs = options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS
    this.totalTimeoutMs = options.totalTimeoutMs ?? WHOLE_BODY_MS
  }

  /** End what is under way, bodies that are being read included; nothing is sent any more. */
  close(reason: StorageError): void {
    this.#ending.abort(reason)
  }

  /** A key for people. */
  nameOf(key: string): string {
    return `${this.shown}/${key}`
  }

  /** What an error code of the store means. */
  meaningOf(code: string): Meaning | undefined {
    const { meanings = {}, bucket = '', root } = this.place
    const known = Object.hasOwn(meanings, code) ? meanings[code] : undefined
    return known && [known[0], known[1].replaceAll('{bucket}', bucket).replaceAll('{endpoint}', root.origin)]
  }

  /**
   * GET something.
   * @returns the reply's head; the observers hear of its end when `end` is called
   * @throws StorageError STORAGE_UNREACHABLE, STORAGE_TLS, STORAGE_TIMEOUT, STORAGE_CLOSED; the signal's reason
   */
  async send(verb: RequestVerb, request: HttpRequest): Promise<{ readonly reply: Response; readonly end: () => void }> {
    const { key = '', about = key, query = {}, headers, cache, signal } = request
    const ends = [...this.#observers].map((observer) => observer(verb))
    const end = (outcome: RequestOutcome): void => {
      for (const each of ends.splice(0)) each(outcome)
    }
    const silence = new AbortController()
    const ended = AbortSignal.any(signal ? [this.#ending.signal, signal] : [this.#ending.signal])
    const timer = setTimeout(() => silence.abort(), Math.min(this.idleTimeoutMs, LONGEST_TIMEOUT_MS))
    try {
      const url = urlOf(this.root, key, query)
      const all = { ...this.#headers, ...headers }
      const reply = await this.#fetch(url.href, {
        headers: this.place.sign ? await this.place.sign(url, all) : all,
        // Workers of an earlier compatibility date refuse the option, and have no cache that it would be about.
        ...(cache && 'cache' in Request.prototype && { cache }),
        signal: AbortSignal.any([ended, silence.signal]),
      })
      const bytes = verb === 'get' && reply.ok ? Number(reply.headers.get('content-length') ?? 0) : 0
      return { reply, end: () => end({ bytes }) }
    } catch (error) {
      end({ bytes: 0, error })
      if (ended.aborted) throw ended.reason
      if (isStorageError(error)) throw error
      const name = this.nameOf(about)
      if (!silence.signal.aborted) throw await noAnswer(error, { name, key: about, endpoint: this.root.origin })
      const message = `Cannot read ${name}: the server sent nothing for ${this.idleTimeoutMs} ms`
      throw new StorageError('STORAGE_TIMEOUT', message, { at: { key: about }, cause: error })
    } finally {
      clearTimeout(timer)
    }
  }

  observe(observer: RequestObserver): () => void {
    const own: RequestObserver = (verb) => observer(verb)
    this.#observers.add(own)
    return () => this.#observers.delete(own)
  }
}

/** Text is appended to the query as it is: to parse and write it again could change a signature's spelling. */
function urlOf(root: URL, key: string, query: NonNullable<HttpRequest['query']>): URL {
  const url = new URL(root)
  if (key !== '')
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/${key.split('/').map(encodeURIComponent).join('/')}`
  const more = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  )
  url.search = [url.search.slice(1), ...more].filter((part) => part !== '').join('&')
  return url
}
