import type { SqlValue } from '../../../entry/web.ts'
import type { Comparer } from '../actions/comparer.ts'
import { comparisonText } from '../actions/comparer.ts'
import type { App } from '../app/app.ts'
import { ALL_COLUMNS } from '../data/choose-key.ts'
import { formatTime, shortTXID } from '../data/format.ts'
import type { Moment } from '../data/moments.ts'
import { h } from './dom.ts'
import { errorBox } from './error-box.ts'
import { createGrid } from './grid.ts'

const SIGNS: Readonly<Record<string, string>> = { added: '+', removed: '−', changed: '±', same: '' }

/** The same query at two moments, row beside row. */
export function compareView(
  { store }: App,
  comparer: Comparer,
  onOpen: (column: string, value: SqlValue) => void,
): HTMLElement {
  const left = createGrid('Rows before', onOpen)
  const right = createGrid('Rows after', onOpen)
  left.onScroll((top) => right.scrollTo(top))
  right.onScroll((top) => left.scrollTo(top))
  const [leftHead, rightHead] = [h('h3', {}), h('h3', {})]
  const summary = h('p', { class: 'summary' })
  const onlyDiffering = h('input', { type: 'checkbox', checked: true })
  const key = h('select', { 'aria-label': 'Match rows by' })
  key.addEventListener('change', () => comparer.matchBy(key.value === '' ? undefined : key.value))
  const message = h('div', { class: 'message' })
  const panes = h(
    'div',
    { class: 'panes' },
    h('section', {}, leftHead, left.element),
    h('section', {}, rightHead, right.element),
  )
  const controls = h(
    'div',
    { class: 'controls' },
    summary,
    h('label', {}, onlyDiffering, 'Differences only'),
    h('label', {}, 'match by', key),
  )

  const draw = (): void => {
    const { comparison, keyColumn, base } = store.get()
    const done = comparison?.status === 'done'
    panes.hidden = !done
    controls.hidden = !done
    message.hidden = done
    if (comparison?.status === 'failed' && comparison.error) message.replaceChildren(errorBox(comparison.error))
    else if (!done)
      message.replaceChildren(
        h(
          'p',
          { class: 'muted' },
          base === undefined ? HOW : comparison ? 'Comparing…' : 'Run a query to compare its rows.',
        ),
      )
    if (!done) return
    summary.textContent = comparisonText(comparison)
    const chosen = comparison.key.length > 0 ? comparison.key.join(', ') : 'all columns'
    const choices = [
      ['', `${chosen} (automatic)`],
      [ALL_COLUMNS, 'all columns'],
      ...comparison.columns.map((name) => [name, name]),
    ]
    key.replaceChildren(...choices.map(([value, text]) => h('option', { value: value! }, text!)))
    key.value = keyColumn ?? ''
    leftHead.replaceChildren(...heading('Before', comparison.before))
    rightHead.replaceChildren(...heading('After', comparison.after))
    const rows = onlyDiffering.checked ? comparison.rows.filter(({ kind }) => kind !== 'same') : comparison.rows
    const common = {
      columns: comparison.columns,
      count: rows.length,
      mark: (i: number) => rows[i]!.kind,
      isChanged: (i: number, column: number) => rows[i]!.changed?.[column] ?? false,
      head: (i: number) => SIGNS[rows[i]!.kind]!,
    }
    left.show({ ...common, row: (i) => rows[i]!.before })
    right.show({ ...common, row: (i) => rows[i]!.after })
  }
  onlyDiffering.addEventListener('change', draw)
  store.on(['comparison', 'base', 'keyColumn'], draw)
  return h('div', { class: 'compare-view' }, controls, panes, message)
}

const HOW = 'Choose Compare beside the slider, or Compare at a transaction, to see what has changed since that moment.'

function heading(word: string, { timestamp, txid }: Moment): HTMLElement[] {
  return [
    h('span', {}, word),
    h('time', {}, formatTime(timestamp)),
    h('span', { class: 'txid' }, `TXID ${shortTXID(txid)}`),
  ]
}
