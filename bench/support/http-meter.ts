import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { HttpFlow } from './http-flow.ts'

/** What a program has asked an S3 server for. */
export interface Metered {
  readonly get: number
  readonly list: number
  readonly head: number
  readonly put: number
  readonly other: number
  readonly requests: number
  /** Received, heads included. */
  readonly bytes: number
  readonly connections: number
  /** Length of the longest chain of requests in which each began after the one before had ended. */
  readonly rounds: number
  /** Most requests under way at one time. */
  readonly maxInFlight: number
}

/** One request and its reply; times as the program sees them, in ms by `performance.now()`. */
export interface Exchange {
  readonly method: string
  readonly path: string
  /** As asked for: `bytes=0-99`. */
  readonly range: string | undefined
  /** Counted from the meter's start. */
  readonly connection: number
  readonly round: number
  readonly beganAt: number
  readonly answeredAt: number
  readonly endedAt: number
  /** Received, heads included. */
  readonly bytes: number
}

const VERBS = ['get', 'list', 'head', 'put', 'other'] as const
type Verb = (typeof VERBS)[number]

interface Pending extends Omit<Exchange, 'endedAt'> {
  answeredAt: number
  bytes: number
  /** Begun before the last `reset`, so not of the present count. */
  readonly epoch: number
}

/**
 * A TCP proxy that counts the HTTP requests that pass. It opens one connection for each that it accepts and changes
 * nothing, so connections cost what they cost without it; put it on the program's side of a slow line, and a request
 * is under way for as long as the program waits.
 */
export class HttpMeter {
  /** Told of each exchange that has ended, if set. */
  onExchange: ((exchange: Exchange) => void) | undefined
  readonly #target: URL
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #count: Record<Verb, number> = { get: 0, list: 0, head: 0, put: 0, other: 0 }
  #bytes = 0
  #connections = 0
  #accepted = 0
  #inFlight = 0
  #maxInFlight = 0
  #deepest = 0
  /** Longest chain among the requests that have ended. */
  #ended = 0
  #epoch = 0

  private constructor(target: string) {
    this.#target = new URL(target)
    this.#server = createServer({ noDelay: true, pauseOnConnect: true }, (client) => this.#accept(client))
  }

  static async start(target: string): Promise<HttpMeter> {
    const meter = new HttpMeter(target)
    await new Promise<void>((resolve, reject) => {
      meter.#server.once('error', reject)
      meter.#server.listen(0, '127.0.0.1', resolve)
    })
    return meter
  }

  get endpoint(): string {
    const address = this.#server.address() as { port: number }
    return `http://127.0.0.1:${address.port}`
  }

  /** Count from zero again. */
  reset(): void {
    for (const verb of VERBS) this.#count[verb] = 0
    this.#bytes = 0
    this.#connections = 0
    this.#maxInFlight = this.#inFlight
    this.#deepest = 0
    this.#ended = 0
    this.#epoch += 1
  }

  read(): Metered {
    return {
      ...this.#count,
      requests: VERBS.reduce((sum, verb) => sum + this.#count[verb], 0),
      bytes: this.#bytes,
      connections: this.#connections,
      rounds: this.#deepest,
      maxInFlight: this.#maxInFlight,
    }
  }

  /** Wait until nothing is under way any more, for at most so long. */
  async settle(mostMs: number): Promise<void> {
    for (let waited = 0; this.#inFlight > 0 && waited < mostMs; waited += 10) await sleep(10)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(client: Socket): void {
    this.#connections += 1
    const connection = ++this.#accepted
    const server = connect({ host: this.#target.hostname, port: Number(this.#target.port), noDelay: true })
    const pending: Pending[] = []
    const requests = new HttpFlow({
      head: (line, head) => {
        pending.push(this.#begin(line, head, connection))
        return 'by-head'
      },
      end: () => {},
    })
    const replies = new HttpFlow({
      head: (line) => (pending[0]?.method === 'HEAD' || /^HTTP\/1\.\d (204|304)/.test(line) ? 'none' : 'by-head'),
      end: () => this.#finish(pending.shift()),
    })
    pass(client, server, (bytes) => requests.push(bytes))
    pass(server, client, (bytes) => {
      this.#bytes += bytes.length
      answered(pending[0], bytes.length)
      replies.push(bytes)
    })
    server.on('end', () => replies.close())
    client.once('close', () => {
      for (const request of pending.splice(0)) this.#finish(request)
    })
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    }
    client.resume()
  }

  #begin(line: string, head: string, connection: number): Pending {
    const [method, path] = line.split(' ') as [string, string]
    this.#count[verbOf(method, path)] += 1
    this.#inFlight += 1
    this.#maxInFlight = Math.max(this.#maxInFlight, this.#inFlight)
    const round = this.#ended + 1
    this.#deepest = Math.max(this.#deepest, round)
    const range = /\r\nrange: *([^\r]*)/i.exec(head)?.[1]
    const beganAt = performance.now()
    return { method, path, range, connection, round, beganAt, answeredAt: 0, bytes: 0, epoch: this.#epoch }
  }

  #finish(request: Pending | undefined): void {
    if (request === undefined) return
    this.#inFlight -= 1
    if (request.epoch === this.#epoch) this.#ended = Math.max(this.#ended, request.round)
    this.onExchange?.({ ...request, endedAt: performance.now() })
  }
}

function answered(request: Pending | undefined, bytes: number): void {
  if (request === undefined) return
  if (request.bytes === 0) request.answeredAt = performance.now()
  request.bytes += bytes
}

function verbOf(method: string, path: string): Verb {
  if (method === 'GET') return path.includes('list-type=') ? 'list' : 'get'
  if (method === 'HEAD') return 'head'
  return method === 'PUT' ? 'put' : 'other'
}

/** Hand everything on, no faster than it is taken. */
function pass(from: Socket, to: Socket, look: (bytes: Buffer) => void): void {
  from.on('data', (chunk) => {
    look(chunk as Buffer)
    if (!to.write(chunk)) {
      from.pause()
      to.once('drain', () => from.resume())
    }
  })
  from.on('end', () => to.end())
  from.on('error', () => to.destroy())
  from.on('close', () => to.destroy())
}
