import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { formatAddress, isLoopback, isLoopbackName, type ListenAddress, Tokens } from '../../gateway/index.ts'
import { type Log, silentLog } from '../../writer/index.ts'
import { closeServer } from '../close-server.ts'
import { DaemonError } from '../errors.ts'
import { listenOn } from '../listen.ts'
import { readBody } from '../read-body.ts'
import type { McpSubject } from './subject.ts'
import { createTools } from './tools.ts'

export interface McpServerOptions extends McpSubject {
  /** What clients must show: `Authorization: Bearer TOKEN`, of 16 characters at least. Secret. */
  readonly token?: string
  readonly log?: Log
}

const BODY_BYTES_MAX = 1024 * 1024
const REQUEST_TIMEOUT_MS = 30_000
const CONNECTIONS_MAX = 64
const GRACE_MS = 10_000

/**
 * Lets language models ask about a daemon and its databases: the Model Context Protocol over streamable HTTP, at any
 * path. Each request stands for itself; there are no sessions.
 *
 * @see facts 8.5
 */
export class McpHttpServer {
  readonly #options: McpServerOptions
  readonly #log: Log
  readonly #tokens: Tokens | undefined
  readonly #server: Server

  /** Nothing is listened to yet. @throws GatewayError GATEWAY_BAD_TOKENS for a token that is too short, or odd */
  constructor(options: McpServerOptions) {
    this.#options = options
    this.#log = options.log ?? silentLog
    this.#tokens = options.token === undefined ? undefined : new Tokens(`${options.token}: *`, [])
    this.#server = createServer(
      { headersTimeout: REQUEST_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
      (request, response) => void this.#handle(request, response),
    )
    this.#server.maxConnections = CONNECTIONS_MAX
  }

  /**
   * @returns where: the port is the real one
   * @throws DaemonError DAEMON_CANNOT_LISTEN, also where others than this machine could connect and there is no token
   */
  async listen(address: ListenAddress): Promise<{ readonly url: string }> {
    if (!isLoopback(address.host) && !this.#tokens) throw unprotected(address)
    const bound = await listenOn(this.#server, address, 'MCP')
    return { url: `http://${formatAddress(bound)}` }
  }

  async close(graceMs = GRACE_MS): Promise<void> {
    await closeServer(this.#server, graceMs)
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const refusal = this.#refuse(request)
      if (refusal) return refuse(response, ...refusal)
      const body = parseBody(await readBody(request, BODY_BYTES_MAX))
      if (body === undefined) return refuse(response, 400, 'a JSON message of at most 1 MiB is needed')
      await this.#answer(request, response, body)
    } catch (error) {
      this.#log.warn('a request for MCP failed', { error: (error as Error).message })
      if (!response.headersSent) refuse(response, 500, 'failed')
      else response.destroy()
    }
  }

  #refuse({
    headers,
    method,
  }: IncomingMessage): [status: number, why: string, headers?: Record<string, string>] | undefined {
    const access = this.#tokens?.check(headers.authorization)
    if (access === 'none' || access === 'wrong') {
      const challenge = access === 'none' ? 'Bearer realm="litetap"' : 'Bearer realm="litetap", error="invalid_token"'
      return [401, 'a token is needed: authorization: Bearer TOKEN', { 'www-authenticate': challenge }]
    }
    // A page whose name was made to point here, and any other page in a browser on this machine, has no token.
    if (!this.#tokens && !isLocal(headers)) return [403, 'without a token, only this machine itself is answered to']
    if (method !== 'POST') return [405, 'only POST', { allow: 'POST' }]
    return undefined
  }

  async #answer(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void> {
    const tools = createTools(this.#options)
    // Without a generator there are no sessions.
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true })
    response.once('close', () => void tools.close())
    // The SDK's own types do not agree under exactOptionalPropertyTypes.
    await tools.connect(transport as Parameters<typeof tools.connect>[0])
    await transport.handleRequest(request, response, body)
  }
}

function isLocal({ host, origin }: IncomingMessage['headers']): boolean {
  if (!isLoopbackName(host ?? '')) return false
  return origin === undefined || isLoopbackName(URL.parse(origin)?.host ?? '')
}

function parseBody(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

function refuse(response: ServerResponse, status: number, why: string, headers: Record<string, string> = {}): void {
  const body = JSON.stringify({ jsonrpc: '2.0', error: { code: -32_000, message: why }, id: null })
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close', ...headers }).end(body)
}

function unprotected(address: ListenAddress): DaemonError {
  const message = `Refused to listen on ${formatAddress(address)} for MCP: others than this machine could restore and reset databases, without a token`
  return new DaemonError('DAEMON_CANNOT_LISTEN', message, { hint: 'Set mcp-token, or listen on 127.0.0.1' })
}
