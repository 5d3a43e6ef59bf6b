import { h } from './dom.ts'

const KEY = 'litetap-explorer.theme'
const THEMES = ['auto', 'light', 'dark'] as const
const LABELS = { auto: 'Auto', light: 'Light', dark: 'Dark' }

/** Chooses between the system's theme and the other two. */
export function themeChoice(): HTMLElement {
  const select = h(
    'select',
    { 'aria-label': 'Theme', class: 'quiet' },
    ...THEMES.map((theme) => h('option', { value: theme }, LABELS[theme])),
  )
  const apply = (theme: string): void => {
    document.documentElement.style.colorScheme = theme === 'auto' ? '' : theme
    dispatchEvent(new Event('themechange'))
  }
  select.value = localStorage.getItem(KEY) ?? 'auto'
  apply(select.value)
  select.addEventListener('change', () => {
    localStorage.setItem(KEY, select.value)
    apply(select.value)
  })
  return select
}
