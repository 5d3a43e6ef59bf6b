import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Log, silentLog } from '../../writer/index.ts'
import { closeServer } from '../close-server.ts'
import { type BoundSocket, bindSocket } from './bind-socket.ts'
import { cpuProfile, OTHER_PROFILES } from './cpu-profile.ts'
import * as endpoints from './endpoints.ts'
import { readRequest } from './read-request.ts'
import { errorReply, RequestError } from './request-error.ts'
import { stringifyTXIDs } from './txid-json.ts'

export interface ControlSocketOptions extends Pick<endpoints.Subject, 'control' | 'expandPath' | 'parseReplica'> {
  /** Of the program, for /info. */
  readonly version: string
  readonly path: string
  /** Its permissions. Default 0600. */
  readonly permissions?: number
  readonly log?: Log
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number
}

const DEFAULT_GRACE_MS = 5_000
const REQUEST_TIMEOUT_MS = 10_000
const KEEP_ALIVE_TIMEOUT_MS = 5_000
const CONNECTIONS_MAX = 256
const HEADER_BYTES_MAX = 16 * 1024

type Handler = (request: IncomingMessage, query: URLSearchParams, signal: AbortSignal) => Promise<unknown>
type Method = 'GET' | 'POST'

/**
 * Lets a running daemon be asked and told things: HTTP over a Unix socket, with Litestream's endpoints. Who may open the
 * socket may do all of it.
 *
 * @see facts 8.3
 */
export class ControlSocket {
  readonly #options: ControlSocketOptions
  readonly #log: Log
  readonly #server: Server
  readonly #stop = new AbortController()
  #routes: ReadonlyMap<string, readonly [Method, Handler]> = new Map()
  #bound: BoundSocket | undefined
  #closing: Promise<void> | undefined

  /** Nothing is listened to yet. */
  constructor(options: ControlSocketOptions) {
    this.#options = options
    this.#log = options.log ?? silentLog
    this.#server = createServer(
      {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: REQUEST_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      },
      (request, response) => void this.#answer(request, response),
    )
    this.#server.maxConnections = CONNECTIONS_MAX
  }

  /** Answer from now on. @throws DaemonError DAEMON_CANNOT_LISTEN */
  async listen(): Promise<void> {
    const { path, permissions = 0o600, now = Date.now } = this.#options
    this.#routes = routes({ ...this.#options, now, startedAt: now() })
    this.#bound = await bindSocket(this.#server, path, permissions)
    this.#log.info('control socket listening', { path })
  }

  /** Take no more requests; those under way may end, for so long. The socket is gone afterwards. */
  close(graceMs = DEFAULT_GRACE_MS): Promise<void> {
    this.#closing ??= this.#close(graceMs)
    return this.#closing
  }

  async #close(graceMs: number): Promise<void> {
    this.#stop.abort()
    if (!this.#bound) return
    await this.#bound.remove()
    await closeServer(this.#server, graceMs)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#stop.signal.aborted) response.setHeader('connection', 'close')
    try {
      const { pathname, searchParams } = parseTarget(request.url ?? '')
      const handler = this.#find(request.method ?? '', pathname)
      const left = new AbortController()
      response.once('close', () => left.abort())
      const body = await handler(request, searchParams, AbortSignal.any([left.signal, this.#stop.signal]))
      send(response, 200, body)
    } catch (error) {
      const { status, body } = errorReply(error)
      if (status >= 500) this.#log.warn('a request at the control socket failed', { error: body.error })
      // What is left of a body that is too large would have to be read.
      if (status === 413) response.setHeader('connection', 'close')
      if (status === 405) response.setHeader('allow', (error as RequestError).details as string)
      send(response, status, body)
    }
  }

  #find(method: string, pathname: string): Handler {
    const route = this.#routes.get(pathname)
    if (!route) {
      if (pathname.startsWith('/debug/pprof')) throw new RequestError(404, OTHER_PROFILES)
      throw new RequestError(404, `there is no ${pathname}`)
    }
    const [wanted, handler] = route
    const allowed = wanted === 'GET' ? ['GET', 'HEAD'] : [wanted]
    if (!allowed.includes(method)) throw new RequestError(405, `${pathname} takes ${wanted}`, allowed.join(', '))
    return handler
  }
}

function routes(subject: endpoints.Subject): ReadonlyMap<string, readonly [Method, Handler]> {
  const command = (run: (subject: endpoints.Subject, fields: Fields) => Promise<unknown>): [Method, Handler] => [
    'POST',
    async (request) => run(subject, await readRequest(request)),
  ]
  const question = (
    run: (subject: endpoints.Subject, query: URLSearchParams) => Promise<unknown>,
  ): [Method, Handler] => ['GET', (_, query) => run(subject, query)]
  return new Map<string, readonly [Method, Handler]>([
    ['/start', command(endpoints.start)],
    ['/stop', command(endpoints.stop)],
    ['/sync', command(endpoints.sync)],
    ['/register', command(endpoints.register)],
    ['/unregister', command(endpoints.unregister)],
    ['/txid', question(endpoints.txid)],
    ['/list', question(endpoints.list)],
    ['/info', question(endpoints.info)],
    ['/debug/sync-status', question(endpoints.syncStatus)],
    ['/debug/pprof/profile', ['GET', (_, query, signal) => cpuProfile(query, signal)]],
  ])
}

type Fields = Awaited<ReturnType<typeof readRequest>>

function parseTarget(target: string): URL {
  const url = URL.parse(target, 'http://localhost')
  if (!url) throw new RequestError(400, 'the request has no proper path')
  return url
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed) return
  const text = `${stringifyTXIDs(body)}\n`
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.end(text)
}
