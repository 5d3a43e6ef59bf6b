import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Headers } from './cors.ts'

const LEFT = new Error('The reader has left')

export interface ExchangeOptions {
  /** What every reply carries. */
  readonly headers: Headers
  /** A reader that takes nothing for so long is disconnected. */
  readonly idleTimeoutMs: number
}

/** One request and its reply. */
export class Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Aborted when the reader leaves before the reply is complete. */
  readonly signal: AbortSignal
  /** Bytes of bodies sent. */
  sent = 0
  readonly #options: ExchangeOptions

  constructor(request: IncomingMessage, response: ServerResponse, options: ExchangeOptions) {
    this.request = request
    this.response = response
    this.#options = options
    const left = new AbortController()
    this.signal = left.signal
    response.once('close', () => left.abort(LEFT))
  }

  get isHead(): boolean {
    return this.request.method === 'HEAD'
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  /** Begin a reply whose body is written by the caller. */
  begin(status: number, headers: Headers): void {
    this.response.writeHead(status, { ...this.#options.headers, ...headers })
  }

  /** A whole reply. */
  send(status: number, body: string | Uint8Array, headers: Headers): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    this.begin(status, { ...headers, 'content-length': String(bytes.length) })
    if (!this.isHead) this.sent += bytes.length
    this.response.setTimeout(this.#options.idleTimeoutMs, () => this.breakOff())
    this.response.end(this.isHead ? undefined : bytes)
  }

  /** A reply that has no body by its nature: 204, 304. */
  sendHead(status: number, headers: Headers): void {
    this.begin(status, headers)
    this.response.end()
  }

  /** One line, of this moment only. */
  sendText(status: number, text: string, headers: Headers = {}): void {
    this.send(status, `${text}\n`, {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      ...headers,
    })
  }

  /**
   * Send a chunk, and wait until it has left: it is not ours any more once the next one is asked for.
   * @throws the signal's reason; an Error when nothing leaves for the idle timeout
   */
  async write(chunk: Uint8Array): Promise<void> {
    this.signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const leave = (): void => reject(this.signal.reason)
    const timer = setTimeout(() => reject(new Error('The reader takes nothing')), this.#options.idleTimeoutMs)
    this.signal.addEventListener('abort', leave, { once: true })
    this.response.write(chunk, (error) => (error ? reject(error) : resolve()))
    try {
      await promise
      this.sent += chunk.length
    } finally {
      clearTimeout(timer)
      this.signal.removeEventListener('abort', leave)
    }
  }

  /** Break off: the reader must not take what it got for all of it. */
  breakOff(): void {
    this.response.destroy()
  }

  /** If-None-Match, or If-Range, in the strong sense. */
  matches(name: 'if-none-match' | 'if-range', etag: string): boolean {
    const given = this.header(name)?.trim()
    if (given === undefined) return false
    if (name === 'if-range') return given === etag
    return given === '*' || given.split(',').some((one) => one.trim().replace(/^W\//, '') === etag)
  }
}
