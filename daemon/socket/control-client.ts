import { type RequestOptions, request } from 'node:http'
import { DaemonError } from '../errors.ts'
import type {
  ErrorReply,
  InfoReply,
  ListReply,
  RegisterReply,
  StartReply,
  StopReply,
  SyncReply,
  UnregisterReply,
} from './messages.ts'
import { parseTXIDs, stringifyTXIDs } from './txid-json.ts'

export interface ControlClientOptions {
  readonly socketPath: string
  /** For each request, sent along where the daemon takes one; whole seconds there. */
  readonly timeoutMs: number
}

/** The daemon may take its time and still say why it failed: it is waited for a little longer than it was given. */
const ANSWER_MS = 2_000

/**
 * Asks a running daemon, Litestream's or ours, by its control socket.
 *
 * @throws DaemonError DAEMON_UNREACHABLE when no daemon listens there, DAEMON_TIMEOUT, DAEMON_REFUSED with the daemon's
 *   own words
 */
export class ControlClient {
  readonly #options: ControlClientOptions

  constructor(options: ControlClientOptions) {
    this.#options = options
  }

  async info(): Promise<InfoReply> {
    return (await this.#ask('info')) as InfoReply
  }

  async list(): Promise<ListReply> {
    return (await this.#ask('list')) as ListReply
  }

  async start(path: string): Promise<StartReply> {
    return (await this.#tell('start', { path, timeout: this.#seconds() })) as StartReply
  }

  async stop(path: string): Promise<StopReply> {
    return (await this.#tell('stop', { path, timeout: this.#seconds() })) as StopReply
  }

  async sync(path: string, wait: boolean): Promise<SyncReply> {
    return (await this.#tell('sync', { path, wait, timeout: this.#seconds() })) as SyncReply
  }

  async register(path: string, replicaURL: string): Promise<RegisterReply> {
    return (await this.#tell('register', { path, replica_url: replicaURL })) as RegisterReply
  }

  async unregister(path: string): Promise<UnregisterReply> {
    return (await this.#tell('unregister', { path, timeout: this.#seconds() })) as UnregisterReply
  }

  #seconds(): number {
    return Math.ceil(this.#options.timeoutMs / 1000)
  }

  #ask(name: string): Promise<unknown> {
    return this.#call(name, { method: 'GET' })
  }

  #tell(name: string, fields: Readonly<Record<string, unknown>>): Promise<unknown> {
    const body = stringifyTXIDs(fields)
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    return this.#call(name, { method: 'POST', headers }, body)
  }

  async #call(name: string, options: RequestOptions, body?: string): Promise<unknown> {
    const { socketPath, timeoutMs } = this.#options
    const signal = AbortSignal.timeout(timeoutMs + ANSWER_MS)
    try {
      const reply = await exchange({ ...options, socketPath, path: `/${name}`, host: 'localhost', signal }, body)
      if (reply.status === 200) return parseTXIDs(reply.text)
      throw refused(name, reply)
    } catch (error) {
      if (error instanceof DaemonError) throw error
      throw signal.aborted ? late(name, this.#options, error) : unreachable(socketPath, error)
    }
  }
}

interface Reply {
  readonly status: number
  readonly text: string
}

function exchange(options: RequestOptions, body: string | undefined): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...options, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.once('error', reject)
    })
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}

function refused(name: string, { status, text }: Reply): DaemonError {
  const reply = parseError(text)
  const message = `${name} failed: ${reply?.error ?? (text.trim() || `the daemon answered with status ${status}`)}`
  const hint = reply?.details
  return new DaemonError('DAEMON_REFUSED', message, typeof hint === 'string' ? { hint } : {})
}

function parseError(text: string): ErrorReply | undefined {
  try {
    const value = JSON.parse(text) as Partial<ErrorReply> | null
    return typeof value?.error === 'string' && value.error !== '' ? (value as ErrorReply) : undefined
  } catch {
    return undefined
  }
}

const HINTS: Readonly<Record<string, string>> = {
  EACCES: 'run this as the user that runs the daemon, or widen socket.permissions',
}
const NOBODY = '-socket PATH, if the daemon listens elsewhere'
const QUESTION = 'is "litetap replicate" running with socket.enabled: true?'

function unreachable(socketPath: string, cause: unknown): DaemonError {
  const { code = '', message } = cause as NodeJS.ErrnoException
  const text = `failed to connect to control socket ${socketPath}: ${reason(code, message)}`
  return new DaemonError('DAEMON_UNREACHABLE', text, {
    at: { path: socketPath },
    hint: HINTS[code] ?? NOBODY,
    cause,
  })
}

function reason(code: string, message: string): string {
  if (code === 'ENOENT') return `there is no such socket; ${QUESTION}`
  if (code === 'ECONNREFUSED') return `no daemon listens on it; ${QUESTION}`
  return code === 'EACCES' ? 'permission denied' : message
}

function late(name: string, { socketPath, timeoutMs }: ControlClientOptions, cause: unknown): DaemonError {
  const message = `${name} failed: the daemon at ${socketPath} did not answer within ${timeoutMs / 1000} s`
  const hint = 'it may still be at it: ask again, or give it longer with -timeout'
  return new DaemonError('DAEMON_TIMEOUT', message, { at: { path: socketPath }, hint, cause })
}
