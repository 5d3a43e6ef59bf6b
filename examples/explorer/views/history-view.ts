import type { App } from '../app/app.ts'
import type { Run } from '../app/state.ts'
import { formatBytes, formatCount, formatMs, shortTXID } from '../data/format.ts'
import { h } from './dom.ts'

/** Every query of this visit with its time and cost; choosing one puts it into the editor. */
export function historyView({ store }: App, onChoose: (sql: string) => void): HTMLElement {
  const list = h('ol', { class: 'history', 'aria-label': 'Queries' })
  store.on(['history'], ({ history }) => {
    if (history.length === 0)
      return list.replaceChildren(h('li', { class: 'message muted' }, 'Queries appear here with what they took.'))
    list.replaceChildren(...history.map((run) => historyItem(run, onChoose)))
  })
  return h('div', { class: 'history-view' }, list)
}

function historyItem(run: Run, onChoose: (sql: string) => void): HTMLElement {
  const { sql, status, count, cost, startedAt, endedAt, txid, error } = run
  const facts = [
    status === 'done' ? `${formatCount(count)} rows` : status,
    formatMs((endedAt ?? startedAt) - startedAt),
    ...(cost ? [`${cost.requests} req`, formatBytes(cost.bytes)] : []),
    ...(txid === undefined ? [] : [`TXID ${shortTXID(txid)}`]),
    ...(error?.code ? [error.code] : []),
  ]
  const choose = h(
    'button',
    { type: 'button', class: `past ${status}`, title: 'Put into the editor' },
    h('code', {}, sql.trim().replace(/\s+/g, ' ')),
    h('span', { class: 'facts' }, ...facts.map((fact) => h('span', {}, fact))),
  )
  choose.addEventListener('click', () => onChoose(sql))
  return h('li', {}, choose)
}
