import type { SqlValue } from '../../../entry/web.ts'
import { type App, say } from '../app/app.ts'
import type { Run } from '../app/state.ts'
import { formatCount, plural } from '../data/format.ts'
import { asCSV, asJSON } from '../data/rows-as-text.ts'
import { button, h } from './dom.ts'
import { errorBox } from './error-box.ts'
import { createGrid } from './grid.ts'

/** The rows of the last query, or why there are none. */
export function rowsView(
  app: App,
  onOpen: (column: string, value: SqlValue) => void,
  onMore: (limit: number) => void,
): HTMLElement {
  const { store } = app
  const grid = createGrid('Rows', onOpen)
  const message = h('div', { class: 'message' })
  const note = h('div', { class: 'note-bar', hidden: true })
  const copy = async (name: string, format: typeof asCSV): Promise<void> => {
    const { run } = store.get()
    if (!run) return
    await navigator.clipboard.writeText(format({ columns: run.columns, rows: run.rows.slice(0, run.count) }))
    say(app, `${plural(run.count, 'row')} copied as ${name}`)
  }
  const copies = h(
    'div',
    { class: 'copies' },
    button('Copy CSV', () => void copy('CSV', asCSV), { class: 'quiet' }),
    button('Copy JSON', () => void copy('JSON', asJSON), { class: 'quiet' }),
  )
  store.on(['run', 'session', 'opening', 'trouble'], ({ run, session, trouble }) => {
    // Until the new ones come, the rows before stay.
    if (run?.status === 'running' && run.columns.length === 0 && !grid.element.hidden) return
    const hasRows = run !== undefined && run.columns.length > 0 && run.status !== 'failed'
    grid.element.hidden = !hasRows
    copies.hidden = !hasRows || run.count === 0
    message.hidden = hasRows
    if (hasRows) {
      const { rows, columns, count } = run
      grid.show({ columns, count, row: (i) => rows[i] })
    } else message.replaceChildren(...emptyMessage(run, session !== undefined, trouble !== undefined))
    note.hidden = !run?.capped
    if (run?.capped) {
      const more = run.count * 10
      note.replaceChildren(
        `The first ${formatCount(run.count)} rows. There are more.`,
        button(`Fetch ${formatCount(more)}`, () => onMore(more), { class: 'quiet' }),
      )
    }
  })
  return h('div', { class: 'rows-view' }, grid.element, message, note, copies)
}

function emptyMessage(run: Run | undefined, open: boolean, trouble: boolean): Node[] {
  if (run?.status === 'failed' && run.error) return [errorBox(run.error)]
  if (run?.status === 'running') return [h('p', { class: 'muted' }, 'Waiting for the first row…')]
  if (run?.status === 'cancelled') return [h('p', { class: 'muted' }, 'Cancelled before there was a row.')]
  if (run) return [h('p', { class: 'muted' }, 'The statement gives no rows.')]
  if (trouble) return []
  const text = open
    ? 'Choose a table, or write a query and run it.'
    : 'Open a replica: nothing is copied, pages come when a query reads them.'
  return [h('p', { class: 'muted' }, text)]
}
