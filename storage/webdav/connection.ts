import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Readable } from 'node:stream'
import { AuthType, createClient, type RequestOptionsCustom, type WebDAVClient } from 'webdav'
import { StorageError } from '../errors.ts'
import { readBeginning } from '../limited-body.ts'
import { ERROR_BYTES } from '../limits.ts'
import { streamChunks } from '../range-body.ts'
import type { WebdavSettings } from './settings.ts'
import { type WebdavErrorContext, webdavError } from './webdav-error.ts'

/** Enough to hide the round trips of many small files. */
const MAX_SOCKETS = 16

/** What is of no interest is read for so long. */
const DRAIN_MS = 10_000

/** A reply whose body has not been read. */
export interface DavReply {
  readonly status: number
  header(name: string): string | undefined
  readonly body: Readable | undefined
}

export interface DavRequest {
  readonly method: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | Readable
}

/** Sends requests over connections that stay open, one for each request under way. */
export class WebdavConnection {
  readonly settings: WebdavSettings
  readonly #client: WebDAVClient
  /** In UTF-8, as the library does not; where Digest is asked for, the library replaces it. */
  readonly #login: Readonly<Record<string, string>>
  readonly #agents: readonly [HttpAgent, HttpsAgent]

  constructor(settings: WebdavSettings) {
    this.settings = settings
    const agent = { keepAlive: true, maxSockets: MAX_SOCKETS, noDelay: true }
    const [httpAgent, httpsAgent] = [new HttpAgent(agent), new HttpsAgent(agent)]
    this.#agents = [httpAgent, httpsAgent]
    const { user, password = '' } = settings
    const basic = Buffer.from(`${user}:${password}`).toString('base64')
    this.#login = user === undefined ? {} : { Authorization: `Basic ${basic}` }
    // Basic at first, Digest once the server asks for that.
    const login =
      user === undefined ? { authType: AuthType.None } : { authType: AuthType.Auto, username: user, password }
    this.#client = createClient(settings.endpoint, { httpAgent, httpsAgent, ...login })
  }

  /** The address of a path, as it is written in a header. */
  address(path: string): string {
    return this.settings.endpoint + path.split('/').map(encodeURIComponent).join('/')
  }

  /**
   * Send a request.
   * @returns the reply; its body must be read or destroyed
   * @throws what `webdav` throws, with `status` where there was an answer; StorageError STORAGE_TIMEOUT; the signal's reason
   */
  async send({ method, headers = {}, body }: DavRequest, context: WebdavErrorContext): Promise<DavReply> {
    const { signal, path } = context
    signal?.throwIfAborted()
    const silence = new AbortController()
    const timer = setTimeout(() => silence.abort(), this.settings.idleTimeoutMs)
    const sending = body && !Buffer.isBuffer(body) ? body : undefined
    sending?.on('data', () => timer.refresh()) // as long as it takes some, it is not silent
    const request: RequestOptionsCustom = {
      method,
      // What is compressed has other offsets.
      headers: { 'Accept-Encoding': 'identity', ...this.#login, ...headers },
      signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
      ...(body && { data: body }),
    }
    try {
      const reply = await this.#client.customRequest(path, request)
      if (reply.status >= 400)
        throw Object.assign(new Error(`status ${reply.status}`), { status: reply.status, response: reply })
      return {
        status: reply.status,
        header: (name) => reply.headers.get(name) ?? undefined,
        body: (reply as unknown as { body: Readable | null }).body ?? undefined,
      }
    } catch (error) {
      drain((error as { response?: { body?: Readable | null } }).response?.body ?? undefined)
      sending?.destroy()
      if (signal?.aborted) throw signal.reason
      throw silence.signal.aborted ? this.#silent(context, error) : error
    } finally {
      clearTimeout(timer)
    }
  }

  /** Send a request whose reply says nothing beyond its status. @throws StorageError; the signal's reason */
  async tell(request: DavRequest, context: WebdavErrorContext): Promise<number> {
    try {
      const reply = await this.send(request, context)
      drain(reply.body)
      return reply.status
    } catch (error) {
      throw webdavError(error, context)
    }
  }

  close(): void {
    for (const agent of this.#agents) agent.destroy()
  }

  #silent({ verb, path }: WebdavErrorContext, cause: unknown): StorageError {
    const { endpoint, idleTimeoutMs } = this.settings
    const message = `Cannot ${verb} ${endpoint}${path}: the server sent nothing for ${idleTimeoutMs} ms`
    return new StorageError('STORAGE_TIMEOUT', message, { at: { key: path, endpoint }, cause })
  }
}

/** Let the connection be used again: it is not before the body is read. A long one, or one that drips, ends it instead. */
export function drain(body: Readable | undefined): void {
  if (!body) return
  const context = { key: '', name: 'the answer', idleTimeoutMs: DRAIN_MS, totalTimeoutMs: DRAIN_MS, signal: undefined }
  void readBeginning(streamChunks(body), ERROR_BYTES, context)
}
