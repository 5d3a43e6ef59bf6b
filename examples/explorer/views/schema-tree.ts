import type { App } from '../app/app.ts'
import { formatCount } from '../data/format.ts'
import { quoteName, type Relation } from '../data/schema.ts'
import { h } from './dom.ts'
import { handleTreeKey } from './tree-keys.ts'

/** Tables and views with their columns, as a tree. Enter or a double click on one queries it. */
export function schemaTree({ store }: App, onQuery: (sql: string) => void): HTMLElement {
  const filter = h('input', {
    type: 'search',
    placeholder: 'Filter',
    'aria-label': 'Filter tables and columns',
    class: 'filter',
  })
  const tree = h('ul', { role: 'tree', 'aria-label': 'Schema', class: 'tree' })
  const facts = h('p', { class: 'facts' })
  const open = new Set<string>()

  const draw = (): void => {
    const { schema, opening } = store.get()
    const wanted = filter.value.trim().toLowerCase()
    const relations = (schema?.relations ?? []).filter((relation) => matches(relation, wanted))
    const focused = (document.activeElement as HTMLElement | null)?.dataset.path
    tree.replaceChildren(...relations.map((relation) => relationItem(relation, open, wanted)))
    const items = [...tree.querySelectorAll<HTMLElement>('[role=treeitem]')]
    const current = items.find((item) => item.dataset.path === focused) ?? items[0]
    current?.setAttribute('tabindex', '0')
    if (focused !== undefined && tree.contains(current ?? null)) current?.focus()
    const size = schema && `${formatCount(schema.pages)} pages of ${formatCount(schema.pageSize)} bytes`
    facts.textContent = size ?? (opening ? 'Opening…' : 'Open a replica to see its tables.')
  }
  const toggle = (path: string, expanded: boolean): void => {
    if (expanded) open.add(path)
    else open.delete(path)
    draw()
  }
  const query = (path: string): void => {
    const name = path.split('\u001f')[0]!
    onQuery(`SELECT * FROM ${quoteName(name)} LIMIT 100`)
  }
  tree.addEventListener('click', (event) => {
    const target = event.target as HTMLElement
    const item = target.closest<HTMLElement>('[role=treeitem]')
    if (!item) return
    if (target.closest('.query')) query(item.dataset.path!)
    else if (item.hasAttribute('aria-expanded'))
      toggle(item.dataset.path!, item.getAttribute('aria-expanded') !== 'true')
    else item.focus()
  })
  tree.addEventListener('keydown', (event) => handleTreeKey(event, tree, { toggle, activate: query }))
  filter.addEventListener('input', draw)
  store.on(['schema', 'opening'], draw)
  return h('nav', { class: 'side', 'aria-label': 'Schema' }, h('div', { class: 'side-head' }, filter), tree, facts)
}

function matches({ name, columns }: Relation, wanted: string): boolean {
  return [name, ...columns.map((column) => column.name)].some((text) => text.toLowerCase().includes(wanted))
}

function relationItem(relation: Relation, open: ReadonlySet<string>, wanted: string): HTMLElement {
  const { name, kind, columns, indexes } = relation
  const expanded = open.has(name) || (wanted !== '' && !name.toLowerCase().includes(wanted))
  const item = h(
    'li',
    {
      role: 'treeitem',
      'aria-expanded': String(expanded),
      'aria-label': `${name}, ${kind}`,
      tabindex: -1,
      'data-path': name,
      title: relation.sql,
    },
    h(
      'div',
      { class: 'node' },
      h('span', { class: 'twist', 'aria-hidden': 'true' }),
      h('span', { class: 'name' }, name),
      h('span', { class: 'kind' }, kind === 'table' ? '' : kind),
      h('span', { class: 'query', 'aria-hidden': 'true', title: 'Show rows (Enter)' }, 'rows'),
    ),
  )
  if (!expanded) return item
  const leaves = [
    ...columns.map((column) =>
      leaf(name, column.name, column.type, column.key > 0 ? 'key' : column.notNull ? 'not null' : ''),
    ),
    ...indexes.map((index) => leaf(name, index, 'index', '')),
  ]
  item.append(h('ul', { role: 'group' }, ...leaves))
  return item
}

function leaf(relation: string, name: string, type: string, note: string): HTMLElement {
  const label = [name, type.toLowerCase(), note].filter((part) => part !== '').join(', ')
  return h(
    'li',
    { role: 'treeitem', 'aria-label': label, tabindex: -1, 'data-path': `${relation}\u001f${name}`, class: 'leaf' },
    h(
      'div',
      { class: 'node' },
      h('span', { class: 'name' }, name),
      h('span', { class: 'type' }, type.toLowerCase()),
      h('span', { class: 'note' }, note),
    ),
  )
}
