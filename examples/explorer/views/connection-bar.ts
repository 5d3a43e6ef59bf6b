import type { Connection } from '../actions/connection.ts'
import type { App } from '../app/app.ts'
import { keepToken, tokenFor } from '../app/token.ts'
import { button, h, newId } from './dom.ts'
import { themeChoice } from './theme.ts'

/** The page's head: which replica, live or not, and the theme. */
export function connectionBar({ store }: App, connection: Connection, onOpened: () => void): HTMLElement {
  const urlId = newId('url')
  const url = h('input', {
    id: urlId,
    type: 'url',
    class: 'url',
    required: true,
    placeholder: 'https://host/replica',
    'aria-label': 'Replica URL',
    autocomplete: 'off',
    spellcheck: 'false',
    autocapitalize: 'off',
  })
  const token = h('input', {
    type: 'password',
    class: 'token',
    placeholder: 'Bearer token',
    'aria-label': 'Bearer token, if the server wants one',
    autocomplete: 'off',
  })
  const open = h('button', { type: 'submit', class: 'primary' }, 'Open')
  const form = h('form', { class: 'connect', 'aria-label': 'Replica' }, url, token, open)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    keepToken(url.value, token.value)
    void connection.open(url.value.trim(), token.value).then((opened) => opened && onOpened())
  })
  url.addEventListener('change', () => {
    token.value = tokenFor(url.value)
  })

  const live = button('Live', () => store.set({ live: !store.get().live }), {
    class: 'switch',
    role: 'switch',
    title: 'Follow new transactions',
  })
  store.on(['live'], (state) => live.setAttribute('aria-checked', String(state.live)))
  store.on(['url', 'opening', 'session'], (state) => {
    if (document.activeElement !== url) url.value = state.url
    token.value ||= tokenFor(state.url)
    open.disabled = state.opening
    open.textContent = state.opening ? 'Opening…' : 'Open'
    live.disabled = state.session === undefined
  })
  return h(
    'header',
    { class: 'top' },
    h('h1', { class: 'brand' }, 'litetap', h('span', {}, ' explorer')),
    form,
    h('div', { class: 'top-end' }, live, themeChoice()),
  )
}
