import type { App } from '../app/app.ts'
import type { InspectorTab, ResultTab } from '../app/state.ts'
import { button, h } from './dom.ts'
import { createTabs, type Tab } from './tabs.ts'

export interface WorkbenchParts {
  readonly schema: HTMLElement
  readonly editor: HTMLElement
  readonly runBar: HTMLElement
  readonly results: readonly Tab<ResultTab>[]
  readonly inspector: readonly Tab<InspectorTab>[]
}

/** How the page's parts lie: schema, query and results, inspector. On a narrow page one below the other. */
export function workbench({ store }: App, parts: WorkbenchParts): HTMLElement {
  const results = createTabs('Results', parts.results, (resultTab) => store.set({ resultTab }))
  const inspector = createTabs('Inspector', parts.inspector, (inspectorTab) => store.set({ inspectorTab }))
  store.on(['resultTab'], ({ resultTab }) => results.select(resultTab))
  store.on(['inspectorTab'], ({ inspectorTab }) => inspector.select(inspectorTab))
  store.on(['comparison'], ({ comparison }) => {
    const differing = comparison?.rows.filter(({ kind }) => kind !== 'same').length ?? 0
    results.note('compare', differing > 0 ? String(differing) : '')
  })
  const element = h('div', { class: 'work' })
  const toggle = button(
    'Schema',
    () => {
      const open = element.classList.toggle('schema-open')
      toggle.setAttribute('aria-expanded', String(open))
    },
    { class: 'schema-toggle', 'aria-expanded': 'false' },
  )
  const main = h(
    'main',
    { class: 'main' },
    h('section', { class: 'query-part', 'aria-label': 'Query' }, parts.editor, parts.runBar),
    h('section', { class: 'result-part', 'aria-label': 'Results' }, results.element),
  )
  element.append(
    toggle,
    parts.schema,
    main,
    h('aside', { class: 'inspector', 'aria-label': 'Inspector' }, inspector.element),
  )
  return element
}
