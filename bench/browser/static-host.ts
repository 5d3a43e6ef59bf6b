import { createReadStream, realpathSync, type Stats, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, sep } from 'node:path'
import { pipeline } from 'node:stream'

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

/** A static web server of one folder, as object storage behind a domain is: validators and single ranges, nothing else. */
export class StaticHost {
  readonly #server: Server

  private constructor(root: string) {
    this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true }, (request, response) =>
      serve(root, request, response),
    )
  }

  static async start(root: string): Promise<StaticHost> {
    const host = new StaticHost(realpathSync(root))
    await new Promise<void>((resolve, reject) => {
      host.#server.once('error', reject)
      host.#server.listen(0, '127.0.0.1', resolve)
    })
    return host
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Close the connections on which nothing is under way. */
  closeIdle(): void {
    this.#server.closeIdleConnections()
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

function serve(root: string, request: IncomingMessage, response: ServerResponse): void {
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
  response.setHeaders(new Map(Object.entries({ ...ISOLATION, etag, 'last-modified': stats.mtime.toUTCString() })))
  response.setHeader('accept-ranges', 'bytes')
  if (pathname.startsWith(LASTING)) response.setHeader('cache-control', 'max-age=3600')
  response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream')
  if (headers['if-none-match'] === etag) end(response, 304)
  else send({ path, stats, headOnly: method === 'HEAD', range: rangeOf(headers.range, stats.size) }, response)
}

interface Sending {
  readonly path: string
  readonly stats: Stats
  readonly headOnly: boolean
  readonly range: Range | 'none' | 'unsatisfiable'
}

interface Range {
  readonly start: number
  /** Inclusive. */
  readonly end: number
}

function send({ path, stats, headOnly, range }: Sending, response: ServerResponse): void {
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
  response.setHeader('content-length', last - start + 1)
  if (headOnly || last < start) response.end()
  else pipeline(createReadStream(path, { start, end: last, highWaterMark: 1 << 18 }), response, () => {})
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

function end(response: ServerResponse, status: number): void {
  response.statusCode = status
  response.end()
}
