import { parseAddress } from '../gateway/index.ts'
import { type ReplicaClient, withObserver } from '../storage/node.ts'
import { type Log, silentLog } from '../writer/index.ts'
import type { Config } from './config/config.ts'
import type { Control } from './control.ts'
import { Heartbeat } from './heartbeat.ts'
import type { McpSubject } from './mcp/index.ts'
import type { DaemonMetrics } from './metrics/index.ts'
import type { ControlSocketOptions } from './socket/index.ts'

export interface ServicesOptions
  extends Omit<McpSubject, 'control'>,
    Pick<ControlSocketOptions, 'version' | 'expandPath' | 'parseReplica'> {
  readonly log?: Log
}

/**
 * What a configuration wants beside replication: control socket, metrics, heartbeat, MCP. One that cannot begin is an error in
 * the log: replication is worth more.
 */
export class Services {
  readonly #config: Config
  readonly #options: ServicesOptions
  readonly #log: Log
  readonly #stop = new AbortController()
  readonly #closing: (() => Promise<void>)[] = []
  #control: Control | undefined
  #metrics: DaemonMetrics | undefined

  /** Nothing is listened to yet. */
  constructor(config: Config, options: ServicesOptions) {
    this.#config = config
    this.#options = options
    this.#log = options.log ?? silentLog
  }

  /** A client whose requests are counted where metrics are served. */
  async observe(client: ReplicaClient): Promise<ReplicaClient> {
    if (this.#config.addr === undefined) return client
    const { operations } = await this.#loadMetrics()
    return withObserver(client, (request) => operations.record(client.type, request))
  }

  /** Begin to answer, and to tell. */
  async start(control: Control): Promise<void> {
    this.#control = control
    const { socket, addr, mcpAddr, heartbeat } = this.#config
    if (socket.enabled) await this.#try('the control socket', () => this.#startSocket(control))
    if (addr !== undefined) await this.#try('metrics', () => this.#startMetrics(addr))
    if (mcpAddr !== undefined) await this.#try('MCP', () => this.#startMcp(control, mcpAddr))
    if (heartbeat) {
      const running = new Heartbeat({ ...heartbeat, control, log: this.#log }).run(this.#stop.signal)
      this.#closing.push(() => running)
    }
  }

  /** Take no more requests; those under way may end, for some seconds. */
  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#closing.splice(0).map((close) => close()))
  }

  async #startSocket(control: Control): Promise<void> {
    const { ControlSocket } = await import('./socket/index.ts')
    const { path, permissions } = this.#config.socket
    const { version, expandPath, parseReplica, now } = this.#options
    const about = { control, version, expandPath, parseReplica, now, log: this.#log }
    const socket = new ControlSocket({ ...about, path, permissions })
    await socket.listen()
    this.#closing.push(() => socket.close())
  }

  async #startMetrics(addr: string): Promise<void> {
    const { MetricsServer } = await import('./metrics/index.ts')
    const server = new MetricsServer(await this.#loadMetrics())
    const { url } = await server.listen(parseAddress(addr))
    this.#log.info('serving metrics', { url: `${url}/metrics` })
    this.#closing.push(() => server.close())
  }

  async #startMcp(control: Control, mcpAddr: string): Promise<void> {
    const { McpHttpServer } = await import('./mcp/index.ts')
    const { mcpToken } = this.#config
    const subject = { ...this.#options, control, log: this.#log }
    const server = new McpHttpServer({ ...subject, ...(mcpToken !== undefined && { token: mcpToken }) })
    const { url } = await server.listen(parseAddress(mcpAddr))
    this.#log.info('serving MCP', { url })
    this.#closing.push(() => server.close())
  }

  async #loadMetrics(): Promise<DaemonMetrics> {
    const { DaemonMetrics } = await import('./metrics/index.ts')
    // Requests are made before there is a daemon to be asked.
    this.#metrics ??= new DaemonMetrics({ list: () => this.#control?.list() ?? [] })
    return this.#metrics
  }

  async #try(what: string, begin: () => Promise<void>): Promise<void> {
    try {
      await begin()
    } catch (error) {
      const { message, hint } = error as Error & { hint?: string }
      this.#log.error(`cannot serve ${what}`, { error: message, ...(hint && { hint }) })
    }
  }
}
