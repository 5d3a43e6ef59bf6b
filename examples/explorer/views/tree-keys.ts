/** What a tree's keys do to an item, which is named by its `data-path`. */
export interface TreeActions {
  toggle(path: string, expanded: boolean): void
  activate(path: string): void
}

/** Up, Down, Home, End go from item to item; Right and Left open, close, or go to the parent; Enter does what it is for. */
export function handleTreeKey(event: KeyboardEvent, tree: HTMLElement, actions: TreeActions): void {
  const items = [...tree.querySelectorAll<HTMLElement>('[role=treeitem]')]
  const item = items.find((each) => each === document.activeElement)
  if (!item) return
  const at = items.indexOf(item)
  const expanded = item.getAttribute('aria-expanded')
  const path = item.dataset.path!
  const goTo = (to: HTMLElement | undefined): void => {
    if (!to) return
    item.setAttribute('tabindex', '-1')
    to.setAttribute('tabindex', '0')
    to.focus()
  }
  const keys: Record<string, () => void> = {
    ArrowDown: () => goTo(items[at + 1]),
    ArrowUp: () => goTo(items[at - 1]),
    Home: () => goTo(items[0]),
    End: () => goTo(items.at(-1)),
    ArrowRight: () => (expanded === 'false' ? actions.toggle(path, true) : goTo(items[at + 1])),
    ArrowLeft: () => {
      if (expanded === 'true') actions.toggle(path, false)
      else goTo(item.parentElement?.closest<HTMLElement>('[role=treeitem]') ?? undefined)
    },
    Enter: () => actions.activate(path),
    ' ': () => expanded !== null && actions.toggle(path, expanded !== 'true'),
  }
  const act = keys[event.key]
  if (!act) return
  event.preventDefault()
  act()
}
