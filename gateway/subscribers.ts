import { formatTXID, parseTXID } from '../ltx/index.ts'
import type { Exchange } from './exchange.ts'
import type { Feed, TxidEvent } from './feed.ts'

/** Between comments that show that the line is alive. */
const KEEP_ALIVE_MS = 15_000
/** What a reader waits before it connects again. */
const RETRY_MS = 2_000

/** Those who hear of new transactions. */
export class Subscribers {
  readonly #open = new Map<Exchange, () => void>()
  readonly #keepAliveMs: number

  constructor(keepAliveMs = KEEP_ALIVE_MS) {
    this.#keepAliveMs = keepAliveMs
  }

  get count(): number {
    return this.#open.size
  }

  /**
   * Announce every transaction until the reader leaves, the last one at once unless Last-Event-ID says that it is known.
   * A reader that does not keep up misses some, never the last.
   * @throws StorageError when the first look at the store fails; nothing has been sent then
   */
  async serve(exchange: Exchange, feed: Feed): Promise<void> {
    const { response, signal } = exchange
    let begun = false
    let waiting: TxidEvent | undefined
    let last = parseTXID(exchange.header('last-event-id') ?? '')
    const say = (text: string): void => {
      exchange.sent += text.length
      response.write(text)
    }
    const tell = (event: TxidEvent): void => {
      if (!begun || response.writableNeedDrain) waiting = event
      else if (event.txid !== last) {
        last = event.txid
        say(formatEvent(event))
      }
    }
    const unsubscribe = feed.subscribe(tell)
    let timer: ReturnType<typeof setInterval> | undefined
    const end = (): void => {
      clearInterval(timer)
      unsubscribe()
      this.#open.delete(exchange)
    }
    this.#open.set(exchange, end)
    signal.addEventListener('abort', end, { once: true })
    try {
      await feed.refresh(Number.POSITIVE_INFINITY)
    } catch (error) {
      end()
      throw error
    }
    if (!this.#open.has(exchange)) return
    exchange.begin(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    begun = true
    waiting = undefined // what came meanwhile is the newest, or before it
    say(`retry: ${RETRY_MS}\n\n`)
    const { newest } = feed
    if (newest && newest.txid > (last ?? 0n)) tell(newest)
    response.on('drain', () => {
      const event = waiting
      waiting = undefined
      if (event) tell(event)
    })
    let stuck = false
    timer = setInterval(() => {
      if (!response.writableNeedDrain) say(': \n\n')
      else if (stuck) exchange.breakOff()
      stuck = response.writableNeedDrain
    }, this.#keepAliveMs)
  }

  /** End all streams in good order: readers connect again, to whoever is there then. */
  close(): void {
    for (const [exchange, end] of [...this.#open]) {
      end()
      if (exchange.response.headersSent) exchange.response.end()
      else exchange.breakOff()
    }
  }
}

function formatEvent({ txid, timestamp }: TxidEvent): string {
  const id = formatTXID(txid)
  return `event: txid\nid: ${id}\ndata: ${JSON.stringify({ txid: id, timestamp })}\n\n`
}
