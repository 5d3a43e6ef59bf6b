import type { TimeTraveller } from '../actions/time-traveller.ts'
import type { App } from '../app/app.ts'
import { formatBytes, formatClock, formatDay, formatTime, plural, shortTXID } from '../data/format.ts'
import type { Moment } from '../data/moments.ts'
import { button, h, setAttributes } from './dom.ts'

/** Moments that are listed at most: the last ones. All are on the slider. */
const MAX_LISTED = 400

/** What has been written, newest first; new transactions appear on top. */
export function transactionsView({ store }: App, traveller: TimeTraveller): HTMLElement {
  const body = h('tbody', {})
  const note = h('p', { class: 'message muted' })
  const columns = ['TXID', 'Time', 'Written', 'Level', ''].map((name) => h('th', { scope: 'col' }, name))
  const table = h(
    'table',
    {},
    h('caption', { class: 'unseen' }, 'Transactions'),
    h('thead', {}, h('tr', {}, ...columns)),
    body,
  )
  let known: bigint | undefined

  store.on(['moments', 'at', 'base', 'inspectorTab', 'session'], ({ moments, at, base, inspectorTab, session }) => {
    if (session === undefined) known = undefined
    if (inspectorTab !== 'transactions') return
    const shown = moments.slice(-MAX_LISTED).reverse()
    const current = at ?? moments.at(-1)?.txid
    const rows = shown.map((moment) => {
      const row = transactionRow(moment, traveller, moment === moments.at(-1))
      setAttributes(row, {
        'aria-current': moment.txid === current && 'true',
        'data-base': moment.txid === base && 'true',
      })
      if (known !== undefined && moment.txid > known) row.classList.add('arrived')
      return row
    })
    known = moments.at(-1)?.txid ?? known
    body.replaceChildren(...rows)
    table.hidden = moments.length === 0
    note.hidden = moments.length > 0 && moments.length <= MAX_LISTED
    note.textContent =
      moments.length === 0
        ? 'Open a replica to see its transactions.'
        : `${plural(moments.length - MAX_LISTED, 'earlier moment')} on the slider.`
  })
  return h(
    'div',
    { class: 'transactions-view' },
    h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'List of transactions' }, table),
    note,
  )
}

function transactionRow({ txid, timestamp, file }: Moment, traveller: TimeTraveller, isNewest: boolean): HTMLElement {
  const name = shortTXID(txid)
  return h(
    'tr',
    {},
    h('th', { scope: 'row', class: 'txid' }, name),
    h(
      'td',
      {},
      h(
        'time',
        { title: formatTime(timestamp) },
        h('span', { class: 'day' }, `${formatDay(timestamp)} `),
        formatClock(timestamp),
      ),
    ),
    h('td', { class: 'numeric' }, formatBytes(file.size)),
    h('td', { class: 'numeric' }, file.minTXID === 1n ? `L${file.level} full` : `L${file.level}`),
    h(
      'td',
      { class: 'acts' },
      button('View', () => traveller.lookAt(isNewest ? undefined : txid), {
        class: 'quiet',
        'aria-label': `View TXID ${name}`,
      }),
      button('Compare', () => traveller.compareWith(txid), {
        class: 'quiet',
        'aria-label': `Compare with TXID ${name}`,
      }),
    ),
  )
}
