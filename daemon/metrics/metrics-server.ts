import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { formatAddress, type ListenAddress } from '../../gateway/index.ts'
import { closeServer } from '../close-server.ts'
import { listenOn } from '../listen.ts'
import type { DaemonMetrics } from './daemon-metrics.ts'

const REQUEST_TIMEOUT_MS = 10_000
const CONNECTIONS_MAX = 64
const GRACE_MS = 1_000

/** Serves a daemon's metrics: `/metrics`, and `/health`, which says that it is there. */
export class MetricsServer {
  readonly #metrics: DaemonMetrics
  readonly #server: Server

  /** Nothing is listened to yet. */
  constructor(metrics: DaemonMetrics) {
    this.#metrics = metrics
    this.#server = createServer(
      { headersTimeout: REQUEST_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
      (request, response) => void this.#answer(request, response),
    )
    this.#server.maxConnections = CONNECTIONS_MAX
  }

  /** @returns where: the port is the real one. @throws DaemonError DAEMON_CANNOT_LISTEN */
  async listen(address: ListenAddress): Promise<{ readonly url: string }> {
    return { url: `http://${formatAddress(await listenOn(this.#server, address, 'metrics'))}` }
  }

  async close(): Promise<void> {
    await closeServer(this.#server, GRACE_MS)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.replace(/\?.*$/s, '')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      send(response, 405, 'Only GET and HEAD\n', { allow: 'GET, HEAD' })
    } else if (path === '/metrics') {
      send(response, 200, await this.#metrics.text(), { 'content-type': this.#metrics.contentType })
    } else if (path === '/health') send(response, 200, 'ok\n')
    else send(response, 404, 'There are /metrics and /health\n')
  }
}

function send(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers }).end(text)
}
