import { webChunks } from '../range-body.ts'
import type { Watch } from '../types.ts'
import { pause } from '../within.ts'
import type { HttpConnection } from './connection.ts'
import { EventParser } from './event-parser.ts'

/** Where a gateway announces new transactions, below the replica's URL. */
export const EVENTS_NAME = 'litetap/events'

export interface WatchEventsOptions {
  /** Ends the watch, as `close` does. */
  readonly signal?: AbortSignal
  /** A stream that is silent for so long is lost: a gateway sends a comment every 15 s. Default 45 000. */
  readonly silenceMs?: number
  /** The first pause before connecting again; it doubles with each failure. Default 1000. */
  readonly baseMs?: number
  /** The longest pause, and that after the server said that it has no events. Default 60 000. */
  readonly maxMs?: number
  /** In [0, 1). */
  readonly random?: () => number
}

/**
 * Hear of new transactions from a gateway (`litetap serve`) by server-sent events. By `fetch`, not by `EventSource`, which
 * cannot send a token. One connection at a time; when it is lost, another is made, which goes on where it ended. A server
 * that has no events is asked again now and then: until it has, `live` is false.
 *
 * @param onChange called at each announcement, and whenever a connection is made: what came before may have been missed
 */
export function watchEvents(connection: HttpConnection, onChange: () => void, options: WatchEventsOptions = {}): Watch {
  const end = new AbortController()
  const signal = options.signal ? AbortSignal.any([end.signal, options.signal]) : end.signal
  const state = { live: false, lastId: '' }
  void keepListening(connection, state, { ...options, signal, onChange })
  return {
    get live() {
      return state.live
    },
    close: () => end.abort(),
  }
}

interface Listening extends WatchEventsOptions {
  readonly signal: AbortSignal
  readonly onChange: () => void
}

interface ListenState {
  live: boolean
  lastId: string
}

/** Never fails. */
async function keepListening(connection: HttpConnection, state: ListenState, options: Listening): Promise<void> {
  const { signal, baseMs = 1000, maxMs = 60_000, random = Math.random } = options
  let failures = 0
  while (!signal.aborted) {
    const end = await listen(connection, state, options)
    state.live = false
    if (signal.aborted) return
    failures = end === 'lost' ? 0 : failures + 1
    const longest = end === 'refused' ? maxMs : Math.min(maxMs, baseMs * 2 ** Math.max(0, failures - 1))
    await pause(longest * (0.5 + random() / 2), signal).catch(() => {}) // closed: then this ends
  }
}

/** Listen until the stream ends. @returns `lost` after it had begun; `refused` when the server has no such stream */
async function listen(
  connection: HttpConnection,
  state: ListenState,
  { signal, onChange, silenceMs = 45_000 }: Listening,
): Promise<'lost' | 'failed' | 'refused'> {
  const stop = new AbortController()
  const both = AbortSignal.any([signal, stop.signal])
  let timer = setTimeout(() => stop.abort(), silenceMs)
  let finish = (): void => {}
  try {
    const headers = { accept: 'text/event-stream', ...(state.lastId && { 'last-event-id': state.lastId }) }
    const { reply, end } = await connection.send('get', {
      key: EVENTS_NAME,
      headers,
      cache: 'no-store',
      signal: both,
    })
    finish = end
    const type = reply.headers.get('content-type') ?? ''
    if (reply.status !== 200 || !type.startsWith('text/event-stream') || !reply.body) {
      await reply.body?.cancel().catch(() => {})
      return reply.status >= 500 || reply.status === 429 ? 'failed' : 'refused'
    }
    state.live = true
    onChange()
    const parser = new EventParser()
    const { next, stop: leave } = webChunks(reply.body)
    try {
      for (let chunk = await next(); chunk !== undefined; chunk = await next()) {
        clearTimeout(timer)
        timer = setTimeout(() => stop.abort(), silenceMs)
        for (const { type, id } of parser.push(chunk)) {
          state.lastId = id
          if (type === 'txid' && !signal.aborted) onChange()
        }
      }
    } finally {
      await leave().catch(() => {})
    }
    return 'lost'
  } catch {
    return state.live ? 'lost' : 'failed'
  } finally {
    clearTimeout(timer)
    finish()
  }
}
