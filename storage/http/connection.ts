import { StorageError } from '../errors.ts'
import type { RequestObserver, RequestVerb } from '../observe.ts'
import { redactURL } from '../url-parts.ts'

export interface HttpOptions {
  /** What sends requests. Default: the runtime's own. */
  readonly fetch?: typeof globalThis.fetch
  /** Go with every request, for example `{ authorization: 'Bearer ...' }`. */
  readonly headers?: Readonly<Record<string, string>>
  /** A server may be silent for so long. Default 30 000. */
  readonly idleTimeoutMs?: number
}

const DEFAULT_IDLE_TIMEOUT_MS = 30_000

/** How requests to one web server are made. */
export class HttpConnection {
  /** The replica's URL, fit to be shown. */
  readonly shown: string
  readonly idleTimeoutMs: number
  readonly #base: URL
  readonly #fetch: typeof globalThis.fetch
  readonly #headers: Readonly<Record<string, string>>
  readonly #observers = new Set<RequestObserver>()

  /** @throws StorageError STORAGE_BAD_URL */
  constructor(url: string, options: HttpOptions) {
    this.#base = parse(url)
    this.shown = redactURL(url).replace(/\/+$/, '')
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
    this.#headers = options.headers ?? {}
    this.idleTimeoutMs = options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS
  }

  /**
   * @param path below the replica's URL
   * @returns the reply's head; the observers hear of its end when `end` is called
   */
  async send(
    verb: RequestVerb,
    path: string,
    init: {
      readonly headers: Readonly<Record<string, string>>
      readonly cache?: RequestCache
      readonly signal: AbortSignal | undefined
    },
  ): Promise<{ readonly reply: Response; readonly end: () => void }> {
    const ends = [...this.#observers].map((observer) => observer(verb))
    const end = (): void => {
      for (const each of ends.splice(0)) each()
    }
    try {
      const reply = await this.#fetch(this.urlOf(path), {
        headers: { ...this.#headers, ...init.headers },
        ...(init.cache && { cache: init.cache }),
        ...(init.signal && { signal: init.signal }),
      })
      return { reply, end }
    } catch (error) {
      end()
      throw error
    }
  }

  urlOf(path: string): string {
    const url = new URL(this.#base)
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`
    return url.href
  }

  observe(observer: RequestObserver): () => void {
    const own: RequestObserver = (verb) => observer(verb)
    this.#observers.add(own)
    return () => this.#observers.delete(own)
  }
}

function parse(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    const message = `Cannot use replica URL ${redactURL(text)}: it must begin with https:// or http://`
    throw new StorageError('STORAGE_BAD_URL', message)
  }
  if (url.username !== '' || url.password !== '') {
    const message = `Cannot use replica URL ${redactURL(text)}: give a user and password as the header authorization`
    throw new StorageError('STORAGE_BAD_URL', message)
  }
  url.hash = ''
  return url
}
