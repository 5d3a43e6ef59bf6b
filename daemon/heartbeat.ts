import { setTimeout as delay } from 'node:timers/promises'
import { type Log, silentLog } from '../writer/index.ts'
import type { Control, DatabaseReport } from './control.ts'

export interface HeartbeatOptions {
  /** Asked with GET; 2xx is fine. It may hold a secret. */
  readonly url: string
  /** Not less than a minute. Default 5 minutes. */
  readonly intervalMs?: number
  readonly control: Pick<Control, 'list'>
  readonly log?: Log
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number
  readonly fetch?: typeof fetch
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>
}

const DEFAULT_INTERVAL_MS = 5 * 60_000
const LEAST_INTERVAL_MS = 60_000
const CHECK_INTERVAL_MS = 15_000
const TIMEOUT_MS = 30_000

/** What the decision rests on; times are ms since the Unix epoch. */
export interface HeartbeatState {
  readonly now: number
  readonly intervalMs: number
  /** Of the last request, whatever came of it. */
  readonly attemptedAt: number | undefined
}

/**
 * Whether it is time to say that all is well: the last time is an interval ago, a database is there, and each one that
 * is not stopped had its replica up to date within the interval.
 *
 * A database in which nothing happens is up to date for as long as its replica holds all of it and nothing is amiss.
 *
 * @see facts 8.2
 */
export function isHeartbeatDue(reports: readonly DatabaseReport[], state: HeartbeatState): boolean {
  const { now, intervalMs, attemptedAt } = state
  if (attemptedAt !== undefined && now - attemptedAt < intervalMs) return false
  const open = reports.filter((report) => report.state !== 'stopped')
  return open.length > 0 && open.every((report) => isHealthy(report, now - intervalMs))
}

function isHealthy({ txid, replicatedTXID, lastSyncAt, trouble }: DatabaseReport, since: number): boolean {
  if (lastSyncAt !== undefined && lastSyncAt >= since) return true
  return trouble === undefined && txid > 0n && replicatedTXID >= txid
}

/** Tells a dead man's switch that replication is well, for as long as it is. */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  readonly #log: Log
  readonly #intervalMs: number
  #attemptedAt: number | undefined

  constructor(options: HeartbeatOptions) {
    this.#options = options
    this.#log = options.log ?? silentLog
    this.#intervalMs = Math.max(options.intervalMs ?? DEFAULT_INTERVAL_MS, LEAST_INTERVAL_MS)
  }

  /** Check every 15 seconds until `stop` aborts. Failures are logged: the switch's silence is what tells of them. */
  async run(stop: AbortSignal): Promise<void> {
    const { sleep = pause } = this.#options
    while (!stop.aborted) {
      await sleep(CHECK_INTERVAL_MS, stop)
      if (!stop.aborted) await this.check(stop)
    }
  }

  /** Say it if it is time. @returns true when it was said and heard */
  async check(stop?: AbortSignal): Promise<boolean> {
    const { control, now = Date.now } = this.#options
    const state = { now: now(), intervalMs: this.#intervalMs, attemptedAt: this.#attemptedAt }
    if (!isHeartbeatDue(control.list(), state)) return false
    // Before the request: one that fails is not made again at once.
    this.#attemptedAt = state.now
    return await this.#ping(stop)
  }

  async #ping(stop: AbortSignal | undefined): Promise<boolean> {
    const { url, fetch: send = fetch } = this.#options
    const timeout = AbortSignal.timeout(TIMEOUT_MS)
    try {
      const reply = await send(url, { signal: stop ? AbortSignal.any([stop, timeout]) : timeout })
      await reply.body?.cancel()
      if (!reply.ok) throw new Error(`it answered with status ${reply.status}`)
      this.#log.debug('heartbeat sent', { to: shown(url) })
      return true
    } catch (error) {
      if (stop?.aborted) return false
      this.#log.error('heartbeat failed', { to: shown(url), error: reason(error) })
      return false
    }
  }
}

/** The rest of such a URL is often the secret by which it is found. */
function shown(url: string): string {
  return URL.parse(url)?.origin ?? 'no URL'
}

function reason(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {})
}
