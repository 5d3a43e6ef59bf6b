import { connect, createServer, type Server, type Socket } from 'node:net'

/** How the line behaves; changeable while it runs. */
export interface LineOptions {
  /** Round trip added, in ms; half of it each way. A new connection costs one more. */
  rtt: number
  /** Mbit/s per direction, shared by all connections; 0 for no limit. */
  mbit: number
  /** Accept and reset every new connection. */
  refuse: boolean
  /** Swallow everything, keep connections open. */
  blackhole: boolean
  /** Reset the connection on which `stats.down` reaches this; then it is Infinity again. */
  resetAfter: number
}

export interface LagProxy {
  readonly port: number
  readonly endpoint: string
  /** Connections accepted, bytes delivered up and down, connections reset. */
  readonly stats: Readonly<LineStats>
  set(options: Partial<LineOptions>): void
  /** Reset all connections now. */
  resetAll(): void
  close(): Promise<void>
}

interface LineStats {
  connections: number
  up: number
  down: number
  resets: number
}

type Direction = 'up' | 'down'

const CHUNK = 16 * 1024
/** Bytes waiting in one direction at which its sender is told to wait. */
const HIGH_WATER = 1024 * 1024

/**
 * A TCP proxy that adds latency, limits bandwidth and makes faults. No root, no kernel modules; no TCP slow start.
 * @param target URL of the real server
 */
export async function startLagProxy(target: string, options: Partial<LineOptions> = {}): Promise<LagProxy> {
  const line = new Line(new URL(target), options)
  const port = await line.listen()
  return {
    port,
    endpoint: `http://127.0.0.1:${port}`,
    stats: line.stats,
    set: (changes) => Object.assign(line.options, changes),
    resetAll: () => line.resetAll(),
    close: () => line.close(),
  }
}

class Line {
  readonly options: LineOptions
  readonly stats: LineStats = { connections: 0, up: 0, down: 0, resets: 0 }
  readonly #target: URL
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** When each direction is free again, by `performance.now()`. */
  readonly #freeAt: Record<Direction, number> = { up: 0, down: 0 }

  constructor(target: URL, options: Partial<LineOptions>) {
    this.#target = target
    const defaults = { rtt: 0, mbit: 0, refuse: false, blackhole: false, resetAfter: Number.POSITIVE_INFINITY }
    this.options = { ...defaults, ...options }
    const settings = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true }
    this.#server = createServer(settings, (client) => this.#accept(client))
  }

  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(0, '127.0.0.1', () => resolve((this.#server.address() as { port: number }).port))
    })
  }

  resetAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  /** When bytes that come in now are to go out. */
  departure(direction: Direction, bytes: number): number {
    const now = performance.now()
    const { mbit, rtt } = this.options
    if (mbit <= 0) return now + rtt / 2
    this.#freeAt[direction] = Math.max(now, this.#freeAt[direction]) + (bytes * 8) / (mbit * 1000)
    return this.#freeAt[direction] + rtt / 2
  }

  #adopt(socket: Socket, other: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {
      socket.destroy()
      other.destroy()
    })
    socket.on('close', () => this.#sockets.delete(socket))
  }

  #accept(client: Socket): void {
    this.stats.connections += 1
    if (this.options.refuse) {
      client.resetAndDestroy()
      return
    }
    const port = Number(this.#target.port)
    const server = connect({ host: this.#target.hostname, port, allowHalfOpen: true, noDelay: true })
    this.#adopt(client, server)
    this.#adopt(server, client)
    // The server's end travels through the queue, behind its data; a client that has gone wants nothing more.
    client.on('close', () => setTimeout(() => server.destroy(), this.options.rtt + 100))
    setTimeout(() => {
      new Pipe(this, { from: client, to: server, direction: 'up' })
      new Pipe(this, { from: server, to: client, direction: 'down' })
      client.resume()
    }, this.options.rtt)
  }
}

/** One direction of one connection: a queue of chunks, each with the time at which it is to go out. */
class Pipe {
  readonly #line: Line
  readonly #ends: { readonly from: Socket; readonly to: Socket; readonly direction: Direction }
  readonly #queue: { readonly at: number; readonly chunk: Uint8Array | undefined }[] = []
  #queued = 0
  #lastAt = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(line: Line, ends: { readonly from: Socket; readonly to: Socket; readonly direction: Direction }) {
    this.#line = line
    this.#ends = ends
    ends.from.on('data', (bytes) => this.#receive(bytes as Uint8Array))
    ends.from.on('end', () => this.#push(undefined))
  }

  #receive(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += CHUNK) this.#push(bytes.subarray(at, at + CHUNK))
    if (this.#queued > HIGH_WATER) this.#ends.from.pause()
  }

  /** Hand a chunk over, unless a fault is due. False if the connection was reset. */
  #deliver(chunk: Uint8Array): boolean {
    const { from, to, direction } = this.#ends
    const { stats, options } = this.#line
    if (options.blackhole) return true
    stats[direction] += chunk.length
    if (direction === 'down' && stats.down >= options.resetAfter) {
      options.resetAfter = Number.POSITIVE_INFINITY
      stats.resets += 1
      this.#queue.length = 0
      from.resetAndDestroy()
      to.resetAndDestroy()
      return false
    }
    if (!to.destroyed) to.write(chunk)
    return true
  }

  #push(chunk: Uint8Array | undefined): void {
    const size = chunk?.length ?? 0
    this.#lastAt = Math.max(this.#lastAt, this.#line.departure(this.#ends.direction, size))
    this.#queued += size
    this.#queue.push({ at: this.#lastAt, chunk })
    this.#schedule()
  }

  #schedule(): void {
    const first = this.#queue[0]
    if (this.#timer || !first) return
    this.#timer = setTimeout(() => this.#flush(), Math.max(0, first.at - performance.now()))
  }

  #flush(): void {
    const { from, to } = this.#ends
    this.#timer = undefined
    while (this.#queue[0] && this.#queue[0].at <= performance.now() + 0.3) {
      const { chunk } = this.#queue.shift()!
      if (!chunk) to.end()
      else if (!this.#deliver(chunk)) return
      this.#queued -= chunk?.length ?? 0
    }
    if (this.#queued < HIGH_WATER / 2 && from.isPaused()) from.resume()
    this.#schedule()
  }
}
