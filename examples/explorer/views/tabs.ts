import { h, newId, setAttributes } from './dom.ts'

export interface Tab<T extends string> {
  readonly id: T
  readonly label: string
  readonly panel: HTMLElement
}

export interface Tabs<T extends string> {
  readonly element: HTMLElement
  readonly list: HTMLElement
  select(id: T): void
  /** A short fact behind a tab's name. */
  note(id: T, text: string): void
}

/** A tab list and its panels; arrow keys go from tab to tab. */
export function createTabs<T extends string>(
  label: string,
  tabs: readonly Tab<T>[],
  onSelect: (id: T) => void,
): Tabs<T> {
  const list = h('div', { role: 'tablist', 'aria-label': label, class: 'tablist' })
  const buttons = new Map<T, { button: HTMLButtonElement; note: HTMLElement }>()
  for (const { id, label: name, panel } of tabs) {
    const [tabId, panelId] = [newId('tab'), newId('panel')]
    const note = h('span', { class: 'tab-note' })
    const button = h(
      'button',
      { type: 'button', role: 'tab', id: tabId, 'aria-controls': panelId, class: 'tab' },
      name,
      note,
    )
    button.addEventListener('click', () => onSelect(id))
    setAttributes(panel, { role: 'tabpanel', id: panelId, 'aria-labelledby': tabId })
    panel.classList.add('panel')
    list.append(button)
    buttons.set(id, { button, note })
  }
  list.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    const all = [...buttons.values()].map(({ button }) => button)
    const at = all.indexOf(document.activeElement as HTMLButtonElement)
    if (step === undefined || at < 0) return
    event.preventDefault()
    const next = all[(at + step + all.length) % all.length]!
    next.focus()
    next.click()
  })
  return {
    element: h('div', { class: 'tabs' }, list, ...tabs.map(({ panel }) => panel)),
    list,
    select(id) {
      for (const tab of tabs) {
        const selected = tab.id === id
        const { button } = buttons.get(tab.id)!
        setAttributes(button, { 'aria-selected': String(selected), tabindex: selected ? 0 : -1 })
        tab.panel.hidden = !selected
      }
    },
    note(id, text) {
      buttons.get(id)!.note.textContent = text
    },
  }
}
