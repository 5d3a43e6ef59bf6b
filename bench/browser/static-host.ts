import { closeSync, createReadStream, openSync, readSync, realpathSync, type Stats, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { extname, join, sep } from 'node:path'
import { pipeline } from 'node:stream'
import type { Certificate } from './certificate.ts'
import { HostMeter } from './host-meter.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
}

/** Pages may share memory between threads only where everything they load agrees. */
const ISOLATION = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
}

/** What the subjects' code is loaded from: not again once the clock runs. */
const LASTING = '/pages/'
const KEEP_ALIVE_MS = 600_000

type Request = IncomingMessage | Http2ServerRequest
type Response = ServerResponse | Http2ServerResponse

/**
 * A static web server of one folder, as object storage behind a domain is: validators and single ranges, nothing else. By
 * HTTP/2 where it has a certificate.
 */
export class StaticHost {
  readonly meter = new HostMeter()
  readonly #server: Server | Http2SecureServer
  readonly #sessions = new Set<{ destroy(): void }>()

  private constructor(root: string, certificate: Certificate | undefined) {
    const answer = (request: Request, response: Response) => {
      const path = request.url ?? '/'
      const end = this.meter.begin({ method: request.method ?? '', path, range: request.headers.range })
      let sent = 0
      response.once('close', () => end(sent))
      serve(root, request, response, (bytes) => {
        sent = bytes
      })
    }
    if (certificate === undefined) {
      this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true }, answer)
      return
    }
    this.#server = createSecureServer(certificate, answer).on('session', (session) => {
      this.#sessions.add(session)
      session.once('close', () => this.#sessions.delete(session))
    })
  }

  static async start(root: string, certificate?: Certificate): Promise<StaticHost> {
    const host = new StaticHost(realpathSync(root), certificate)
    await new Promise<void>((resolve, reject) => {
      host.#server.once('error', reject)
      host.#server.listen(0, '127.0.0.1', resolve)
    })
    return host
  }

  get endpoint(): string {
    const scheme = 'closeIdleConnections' in this.#server ? 'http' : 'https'
    return `${scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Close the connections on which nothing is under way; by HTTP/2 all. */
  closeIdle(): void {
    if ('closeIdleConnections' in this.#server) this.#server.closeIdleConnections()
    for (const session of this.#sessions) session.destroy()
  }

  async stop(): Promise<void> {
    this.closeIdle()
    if ('closeAllConnections' in this.#server) this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

function serve(root: string, request: Request, response: Response, sends: (bytes: number) => void): void {
  const { method = '', headers } = request
  if (method !== 'GET' && method !== 'HEAD') {
    end(response, 405)
    return
  }
  const { pathname } = new URL(request.url ?? '/', 'http://host')
  const path = join(root, decodeURIComponent(pathname), pathname.endsWith('/') ? 'index.html' : '')
  const stats = path.startsWith(root + sep) ? statSync(path, { throwIfNoEntry: false }) : undefined
  if (!stats?.isFile()) {
    end(response, 404)
    return
  }
  const etag = `"${stats.size.toString(16)}-${Math.round(stats.mtimeMs).toString(16)}"`
  const fixed = { ...ISOLATION, etag, 'last-modified': stats.mtime.toUTCString(), 'accept-ranges': 'bytes' }
  for (const [name, value] of Object.entries(fixed)) response.setHeader(name, value)
  if (pathname.startsWith(LASTING)) response.setHeader('cache-control', 'max-age=3600')
  response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream')
  if (headers['if-none-match'] === etag) end(response, 304)
  else send({ path, stats, headOnly: method === 'HEAD', range: rangeOf(headers.range, stats.size), sends }, response)
}

interface Sending {
  readonly path: string
  readonly stats: Stats
  readonly headOnly: boolean
  readonly range: Range | 'none' | 'unsatisfiable'
  /** Told how many bytes the body has. */
  readonly sends: (bytes: number) => void
}

interface Range {
  readonly start: number
  /** Inclusive. */
  readonly end: number
}

function send({ path, stats, headOnly, range, sends }: Sending, response: Response): void {
  if (range === 'unsatisfiable') {
    response.setHeader('content-range', `bytes */${stats.size}`)
    end(response, 416)
    return
  }
  const { start, end: last } = range === 'none' ? { start: 0, end: stats.size - 1 } : range
  if (range !== 'none') {
    response.statusCode = 206
    response.setHeader('content-range', `bytes ${start}-${last}/${stats.size}`)
  }
  const size = last - start + 1
  response.setHeader('content-length', size)
  if (headOnly || size <= 0) {
    response.end()
    return
  }
  sends(size)
  if (size <= AT_ONCE) response.end(readPart(path, start, size))
  else pipeline(createReadStream(path, { start, end: last, highWaterMark: 1 << 18 }), response, () => {})
}

/** Up to so many bytes are read at once: a stream costs more than they do. */
const AT_ONCE = 256 * 1024

function readPart(path: string, start: number, size: number): Buffer {
  const fd = openSync(path, 'r')
  try {
    const bytes = Buffer.allocUnsafe(size)
    return bytes.subarray(0, readSync(fd, bytes, 0, size, start))
  } finally {
    closeSync(fd)
  }
}

/** A single range of RFC 9110, 14.1.2. What cannot be understood is ignored, as it says. */
function rangeOf(header: string | undefined, size: number): Sending['range'] {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  if (first === undefined || (first === '' && last === '')) return 'none'
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (start >= size || (first === '' && Number(last) === 0)) return 'unsatisfiable'
  return end < start ? 'none' : { start, end }
}

function end(response: Response, status: number): void {
  response.statusCode = status
  response.end()
}
