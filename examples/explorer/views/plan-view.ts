import type { App } from '../app/app.ts'
import { formatBytes, plural } from '../data/format.ts'
import { h } from './dom.ts'
import { errorBox } from './error-box.ts'

/** What SQLite plans, and roughly what it would cost on a cold cache. */
export function planView({ store }: App): HTMLElement {
  const element = h('div', { class: 'plan-view' })
  store.on(['plan'], ({ plan }) => {
    if (plan?.error) return element.replaceChildren(errorBox(plan.error))
    if (!plan?.estimate)
      return element.replaceChildren(
        h('p', { class: 'muted' }, 'Explain shows how SQLite would find the rows, without running the query.'),
      )
    const { plan: lines, scans, pages, bytes } = plan.estimate
    element.replaceChildren(
      h('pre', { class: 'sql' }, plan.sql.trim()),
      h('ol', {}, ...lines.map((line) => h('li', {}, line))),
      h('p', {}, `Roughly ${plural(pages, 'page')}, ${formatBytes(bytes)}, if nothing is at hand.`),
      ...(scans.length > 0 ? [h('p', { class: 'muted' }, `Read from one end to the other: ${scans.join(', ')}`)] : []),
    )
  })
  return element
}
