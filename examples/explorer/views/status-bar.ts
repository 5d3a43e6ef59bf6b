import type { App } from '../app/app.ts'
import { formatBytes, formatMs, plural, shortTXID } from '../data/format.ts'
import { h } from './dom.ts'
import { errorBox } from './error-box.ts'

const TICK_MS = 1000

/** The page's foot: which state is newest, how old it is, and what reading has cost so far. */
export function statusBar({ store }: App): HTMLElement {
  const text = h('span', {})
  const cost = h('span', {})
  const draw = (): void => {
    const { session, newest, opening, url } = store.get()
    if (!session || newest === undefined) {
      text.textContent = opening ? `Opening ${url}` : 'Not connected'
      cost.textContent = ''
      return
    }
    const { sinceTransactionMs, sinceCheckMs } = session.db.lag()
    const checked = sinceCheckMs === undefined ? '' : `, checked ${ago(sinceCheckMs)}`
    text.textContent = `Newest TXID ${shortTXID(newest)}, written ${ago(sinceTransactionMs)}${checked}`
    const { requests, bytes, roundTrips } = session.db.stats()
    cost.textContent = `${plural(requests, 'request')}, ${formatBytes(bytes)}, ${plural(roundTrips, 'round trip')} so far`
  }
  store.on(['session', 'newest', 'opening', 'requests', 'run'], draw)
  setInterval(draw, TICK_MS)
  return h('footer', { class: 'status' }, text, cost)
}

/** What keeps the page from working, above all else. */
export function troubleBar({ store }: App): HTMLElement {
  const element = h('div', { class: 'trouble' })
  store.on(['trouble'], ({ trouble }) => element.replaceChildren(...(trouble ? [errorBox(trouble)] : [])))
  return element
}

/** Reads out what happens. */
export function announcer({ store }: App): HTMLElement {
  const element = h('div', { class: 'unseen', role: 'status', 'aria-live': 'polite' })
  store.on(['said'], ({ said }) => {
    element.textContent = said
  })
  return element
}

function ago(ms: number): string {
  if (ms < 1000) return 'just now'
  if (ms < 120_000) return `${formatMs(Math.floor(ms / 1000) * 1000).replace(/\.0 s|,000 ms/, ' s')} ago`
  const [value, unit] =
    ms < 7_200_000 ? [ms / 60_000, 'minute'] : ms < 172_800_000 ? [ms / 3_600_000, 'hour'] : [ms / 86_400_000, 'day']
  return `${plural(Math.round(value), unit)} ago`
}
