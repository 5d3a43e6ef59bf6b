import { outcomeText } from '../actions/query-runner.ts'
import type { App } from '../app/app.ts'
import { formatCount } from '../data/format.ts'
import { costText } from './cost-text.ts'
import { button, h } from './dom.ts'

const LIMITS = [1000, 10_000, 100_000, 1_000_000]
const TICK_MS = 100

export interface RunBarActions {
  run(): void
  cancel(): void
  explain(): void
  copyLink(): void
}

/** Below the editor: run, cancel, how many rows, and what became of it. */
export function runBar({ store }: App, actions: RunBarActions): HTMLElement {
  const mac = /Mac|iPhone|iPad/.test(navigator.platform)
  const run = button('Run', actions.run, { class: 'primary', title: `${mac ? '⌘' : 'Ctrl'}+Enter` })
  const cancel = button('Cancel', actions.cancel, { title: 'Escape' })
  const plan = button('Explain', actions.explain, { class: 'quiet', title: 'The plan, and roughly what it would cost' })
  const link = button('Copy link', actions.copyLink, {
    class: 'quiet',
    title: 'A link to this view, without any secret',
  })
  const limit = h(
    'select',
    { 'aria-label': 'Rows at most', class: 'quiet' },
    ...LIMITS.map((count) => h('option', { value: count }, `${formatCount(count)} rows`)),
  )
  limit.addEventListener('change', () => store.set({ limit: Number(limit.value) }))
  const outcome = h('span', { class: 'outcome' })
  const cost = h('span', { class: 'cost' })
  const draw = (): void => {
    const { run: current, session, limit: rows } = store.get()
    const running = current?.status === 'running'
    run.disabled = session === undefined
    plan.disabled = session === undefined
    cancel.disabled = !running
    limit.value = String(rows)
    outcome.className = `outcome ${current?.status ?? ''}`
    outcome.textContent = current ? outcomeShort(running, outcomeText(current), current.status) : ''
    cost.textContent = current?.cost ? costText(current.cost) : ''
  }
  store.on(['run', 'session', 'limit'], draw)
  setInterval(() => {
    if (store.get().run?.status === 'running') draw()
  }, TICK_MS)
  return h(
    'div',
    { class: 'run-bar', role: 'toolbar', 'aria-label': 'Query' },
    run,
    cancel,
    plan,
    limit,
    link,
    h('span', { class: 'outcome-line' }, outcome, cost),
  )
}

function outcomeShort(running: boolean, text: string, status: string): string {
  if (running) return `Running, ${text}`
  return status === 'failed' ? 'Failed' : text
}
