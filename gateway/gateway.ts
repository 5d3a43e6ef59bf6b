import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { formatAddress, isLoopback, isLoopbackName, type ListenAddress } from './address.ts'
import { Cors } from './cors.ts'
import { GatewayError } from './errors.ts'
import { Exchange } from './exchange.ts'
import type { Feed } from './feed.ts'
import { GatewayMetrics } from './gateway-metrics.ts'
import { RateLimit } from './rate-limit.ts'
import { parseRoute, type Route } from './route.ts'
import { type Served, serveDatabase } from './serve-database.ts'
import { serveFile } from './serve-file.ts'
import { DEFAULT_LIMITS, type GatewayLimits, type GatewayOptions } from './settings.ts'
import { StaticFiles } from './static-files.ts'
import { failureStatus } from './store-failure.ts'
import { Subscribers } from './subscribers.ts'
import { type Access, EVERYTHING, type Scope } from './tokens.ts'

type Handled = Route | { readonly kind: 'malformed' }

const KEEP_ALIVE_TIMEOUT_MS = 15_000
const DEFAULT_GRACE_MS = 5_000
/** Seconds after which it makes sense to come again. */
const SOON = { 'retry-after': '1' }
const NO_SNIFF = { 'x-content-type-options': 'nosniff' }
const NOT_THERE = 'There is nothing here'

/** Serves replicas over HTTP, to readers that cannot, or must not, reach the store. */
export class Gateway {
  readonly #options: GatewayOptions
  readonly #limits: GatewayLimits
  readonly #served: ReadonlyMap<string, Served>
  readonly #cors: Cors
  readonly #rate: RateLimit
  readonly #subscribers: Subscribers
  readonly #static: StaticFiles
  readonly #server: Server
  readonly #metrics: GatewayMetrics
  /** Requests under way by connection. */
  readonly #busy = new Map<Socket, number>()
  #inFlight = 0
  #connections = 0
  /** Only names of this machine are answered to: what makes a foreign name point here is an attack. */
  #loopbackOnly = false
  #closing: Promise<void> | undefined

  /** Nothing is sent or listened to yet. @throws GatewayError GATEWAY_BAD_OPTION */
  constructor(options: GatewayOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.#cors = new Cors(options.origins ?? (options.tokens ? ['*'] : undefined))
    const { requestsPerSecond, burst } = this.#limits
    this.#rate = new RateLimit({ perSecond: requestsPerSecond, burst, now: () => performance.now() })
    this.#subscribers = new Subscribers(options.keepAliveMs)
    this.#static = new StaticFiles(options.staticFiles)
    this.#served = new Map([...options.databases].map(([name, client]) => [name, serveDatabase(name, client, options)]))
    this.#metrics = new GatewayMetrics(() => ({
      connections: this.#connections,
      inFlight: this.#inFlight,
      subscribers: this.#subscribers.count,
      databases: this.#served,
    }))
    this.#server = this.#makeServer()
  }

  /**
   * Answer requests from now on.
   * @returns where: the port is the real one
   * @throws GatewayError GATEWAY_UNPROTECTED where others than this machine could connect, and there are no tokens;
   *   GATEWAY_CANNOT_LISTEN
   */
  async listen({ host, port }: ListenAddress): Promise<ListenAddress & { readonly url: string }> {
    const { tokens, insecureNoToken = false } = this.#options
    if (!isLoopback(host) && !tokens && !insecureNoToken) throw unprotected({ host, port })
    this.#loopbackOnly = isLoopback(host) && !tokens && !insecureNoToken
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => reject(cannotListen({ host, port }, cause)))
      this.#server.listen({ host, port }, resolve)
    })
    const bound = { host, port: (this.#server.address() as AddressInfo).port }
    return { ...bound, url: `http://${formatAddress(bound)}` }
  }

  /**
   * Stop: event streams end, replies under way may end, for so long; then all is closed, the databases' clients too.
   * Called again with 0, it waits no longer.
   */
  close(graceMs = DEFAULT_GRACE_MS): Promise<void> {
    if (graceMs <= 0) this.#server.closeAllConnections()
    this.#closing ??= this.#close(graceMs)
    return this.#closing
  }

  async #close(graceMs: number): Promise<void> {
    this.#subscribers.close()
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const timer = setTimeout(() => this.#server.closeAllConnections(), graceMs)
    await closed
    clearTimeout(timer)
    for (const { feed, client } of this.#served.values()) {
      await feed.close()
      await client.close()
    }
  }

  #makeServer(): Server {
    const { headerBytes, requestTimeoutMs, connections } = this.#limits
    const server = createServer(
      {
        maxHeaderSize: headerBytes,
        headersTimeout: requestTimeoutMs,
        requestTimeout: requestTimeoutMs,
        connectionsCheckingInterval: Math.min(1000, requestTimeoutMs),
        keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      },
      (request, response) => void this.#handle(request, response),
    )
    server.maxConnections = connections
    server.on('connection', (socket) => {
      this.#connections += 1
      socket.once('close', () => {
        this.#connections -= 1
      })
    })
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => this.#refuseRaw(error, socket))
    return server
  }

  /** What is no HTTP. In the middle of a reply nothing can be said. */
  #refuseRaw(error: NodeJS.ErrnoException, socket: Socket): void {
    const status =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? '431 Request Header Fields Too Large'
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? '408 Request Timeout'
          : '400 Bad Request'
    this.#metrics.answered('malformed', status.slice(0, 3))
    if (!socket.writable || this.#busy.has(socket)) return void socket.destroy()
    socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy())
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedAt = performance.now()
    const { url: target = '', method = '', socket } = request
    const route: Handled = parseRoute(target) ?? { kind: 'malformed' }
    const headers = { ...NO_SNIFF, ...this.#cors.headers(request.headers.origin) }
    const exchange = new Exchange(request, response, { headers, idleTimeoutMs: this.#limits.idleTimeoutMs })
    const address = socket.remoteAddress ?? ''
    this.#busy.set(socket, (this.#busy.get(socket) ?? 0) + 1)
    response.once('close', () => {
      this.#release(socket)
      const status = response.headersSent ? response.statusCode : 0
      this.#metrics.answered(route.kind, String(status), exchange.sent)
      const ms = performance.now() - startedAt
      this.#options.onRequest?.({
        method,
        path: target.replace(/\?.*$/s, ''),
        address,
        status,
        bytes: exchange.sent,
        ms,
      })
    })
    if (this.#closing) response.setHeader('connection', 'close')
    try {
      await this.#answer(exchange, route, address)
    } catch (error) {
      this.#fail(exchange, error, 'database' in route ? route.database : undefined)
    }
  }

  #release(socket: Socket): void {
    const others = (this.#busy.get(socket) ?? 1) - 1
    if (others > 0) this.#busy.set(socket, others)
    else this.#busy.delete(socket)
    if (this.#closing) setImmediate(() => this.#server.closeIdleConnections())
  }

  /** From what costs nothing to what costs most; nothing but a route's own values goes further in. */
  async #answer(exchange: Exchange, route: Handled, address: string): Promise<void> {
    const { method = '', url = '' } = exchange.request
    const seconds = this.#rate.take(address)
    if (seconds > 0) return exchange.sendText(429, 'Too many requests', { 'retry-after': String(seconds) })
    if (url.length > this.#limits.targetLength) return exchange.sendText(414, 'The path is too long')
    if (route.kind === 'malformed') return exchange.sendText(400, 'The request has no proper path')
    if (exchange.request.headersDistinct.host?.length !== 1) return exchange.sendText(400, 'One host, please')
    if (hasBody(exchange.request)) return exchange.sendText(400, 'Nothing is taken here', { connection: 'close' })
    if (this.#loopbackOnly && !isLoopbackName(exchange.header('host') ?? '')) {
      return exchange.sendText(403, 'Without tokens, only names of this machine itself are answered to')
    }
    if (method === 'OPTIONS') return exchange.sendHead(204, this.#cors.preflight())
    if (method !== 'GET' && method !== 'HEAD') {
      return exchange.sendText(405, 'Only GET and HEAD', { allow: 'GET, HEAD, OPTIONS' })
    }
    if (route.kind === 'health') return exchange.sendText(200, 'ok')
    if (route.kind === 'index' && this.#static.serve(exchange, '/')) return
    if (route.kind === 'other' && this.#static.serve(exchange, route.path)) return
    const access = this.#options.tokens?.check(exchange.header('authorization')) ?? EVERYTHING
    if (access === 'none' || access === 'wrong') return refuseStranger(exchange, access)
    await this.#answerReader(exchange, route, access)
  }

  async #answerReader(exchange: Exchange, route: Route, scope: Scope): Promise<void> {
    if (route.kind === 'index') return this.#sendIndex(exchange, scope)
    if (route.kind === 'metrics' && scope.all) {
      return exchange.sendText(200, await this.#metrics.text(), { 'content-type': this.#metrics.contentType })
    }
    if (!('database' in route)) return exchange.sendText(404, NOT_THERE)
    // The same reply for what is not there and for what is not to be seen.
    const served = scope.includes(route.database) ? this.#served.get(route.database) : undefined
    if (!served) return exchange.sendText(404, NOT_THERE)
    if (route.kind === 'events') return await this.#sendEvents(exchange, served)
    if (this.#inFlight >= this.#limits.concurrent) return exchange.sendText(503, 'Busy', SOON)
    this.#inFlight += 1
    const timer = setTimeout(() => exchange.breakOff(), this.#limits.replyTimeoutMs)
    exchange.signal.addEventListener('abort', () => {
      clearTimeout(timer)
      this.#inFlight -= 1
    })
    if (route.kind === 'catalog') return await sendCatalog(exchange, served.feed)
    if (route.kind === 'pageMap') return sendPageMap(exchange, served.feed)
    const isPublic = this.#options.tokens === undefined
    await serveFile(exchange, route.file, { ...served, isPublic })
  }

  async #sendEvents(exchange: Exchange, { feed }: Served): Promise<void> {
    if (exchange.isHead) return exchange.sendText(405, 'Only GET', { allow: 'GET, OPTIONS' })
    if (this.#closing || this.#subscribers.count >= this.#limits.subscribers)
      return exchange.sendText(503, 'Busy', SOON)
    await this.#subscribers.serve(exchange, feed)
  }

  #sendIndex(exchange: Exchange, scope: Scope): void {
    const databases = [...this.#served.keys()]
      .filter((name) => scope.includes(name))
      .map((name) => ({ name, path: `/${name}` }))
    exchange.send(200, `${JSON.stringify({ litetap: 1, databases }, undefined, 2)}\n`, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
    })
  }

  /** What the store said is for whoever runs the gateway, not for readers. */
  #fail(exchange: Exchange, error: unknown, database: string | undefined): void {
    if (exchange.signal.aborted) return
    this.#options.onError?.(error, database)
    if (exchange.response.headersSent) {
      exchange.breakOff()
      return
    }
    const status = failureStatus(error)
    exchange.sendText(status, status === 500 ? 'Failed' : 'The store cannot be read now', status === 503 ? SOON : {})
  }
}

/** @see Gateway */
export function createGateway(options: GatewayOptions): Gateway {
  return new Gateway(options)
}

async function sendCatalog(exchange: Exchange, feed: Feed): Promise<void> {
  const { body, etag } = await feed.catalog()
  const headers = { etag, 'cache-control': 'no-cache, no-transform' }
  if (exchange.matches('if-none-match', etag)) exchange.sendHead(304, headers)
  else exchange.send(200, body, { ...headers, 'content-type': 'application/json' })
}

/** Of this moment, as the catalog is that names it: it is not kept on the way. */
function sendPageMap(exchange: Exchange, feed: Feed): void {
  const body = feed.pageMap()
  const headers = { 'content-type': 'application/octet-stream', 'cache-control': 'no-store, no-transform' }
  if (body) exchange.send(200, body, headers)
  else exchange.sendText(404, NOT_THERE)
}

function refuseStranger(exchange: Exchange, access: Access): void {
  const challenge = access === 'none' ? 'Bearer realm="litetap"' : 'Bearer realm="litetap", error="invalid_token"'
  exchange.sendText(401, 'A token is needed: authorization: Bearer TOKEN', { 'www-authenticate': challenge })
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
}

function unprotected(address: ListenAddress): GatewayError {
  const message = `Refused to listen on ${formatAddress(address)}: others than this machine could read, without a token`
  return new GatewayError('GATEWAY_UNPROTECTED', message, {
    hint: 'Give tokens, or listen on 127.0.0.1; or say that everybody may read',
  })
}

function cannotListen(address: ListenAddress, cause: Error): GatewayError {
  const why = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE' ? 'something else does already' : cause.message
  return new GatewayError('GATEWAY_CANNOT_LISTEN', `Cannot listen on ${formatAddress(address)}: ${why}`, { cause })
}
