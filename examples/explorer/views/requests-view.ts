import { fileKey } from '../../../replica/index.ts'
import type { App } from '../app/app.ts'
import { formatBytes, formatMs, plural } from '../data/format.ts'
import type { LoggedRequest } from '../data/request-log.ts'
import { h } from './dom.ts'

/** Requests that are drawn at most: the last ones. */
const MAX_DRAWN = 300

/** The waterfall of requests: what of which file was fetched, and when. */
export function requestsView({ store, log }: App): HTMLElement {
  const scope = h(
    'select',
    { 'aria-label': 'Which requests' },
    h('option', { value: 'run' }, 'Last query'),
    h('option', { value: 'query' }, 'All reading'),
    h('option', { value: 'all' }, 'Everything'),
  )
  const sum = h('span', { class: 'muted' })
  const body = h('tbody', {})
  const columns = ['File', 'Range', 'Bytes', 'Status', 'Time'].map((name) => h('th', { scope: 'col' }, name))
  const table = h(
    'table',
    { class: 'waterfall' },
    h('caption', { class: 'unseen' }, 'Requests'),
    h('thead', {}, h('tr', {}, ...columns)),
    body,
  )
  const empty = h('p', { class: 'message muted' })

  const draw = (): void => {
    const { run, files, inspectorTab } = store.get()
    if (inspectorTab !== 'requests') return
    const chosen = log.requests.filter((request) => isWanted(request, scope.value, run))
    const shown = chosen.slice(-MAX_DRAWN)
    const sizes = new Map(files.map((file) => [fileKey(file), file.size]))
    const start = Math.min(...shown.map(({ startedAt }) => startedAt))
    const end = Math.max(...shown.map(({ startedAt, endedAt }) => endedAt ?? startedAt), start + 1)
    body.replaceChildren(
      ...shown.map((request) =>
        requestRow(request, { start, end, size: request.file && sizes.get(fileKey(request.file)) }),
      ),
    )
    const bytes = chosen.reduce((total, request) => total + request.bytes, 0)
    sum.textContent = `${plural(chosen.length, 'request')}, ${formatBytes(bytes)}`
    table.hidden = shown.length === 0
    empty.hidden = shown.length > 0
    empty.textContent =
      scope.value === 'run' && run ? 'All pages were at hand: nothing was fetched.' : 'Nothing has been fetched.'
  }
  scope.addEventListener('change', draw)
  store.on(['requests', 'run', 'inspectorTab', 'session'], draw)
  return h(
    'div',
    { class: 'requests-view' },
    h('div', { class: 'controls' }, scope, sum),
    h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Waterfall of requests' }, table),
    empty,
  )
}

function isWanted(
  { asker, file, startedAt }: LoggedRequest,
  scope: string,
  run: { readonly startedAt: number; readonly endedAt: number | undefined } | undefined,
): boolean {
  if (scope === 'all') return true
  if (asker !== 'query') return false
  // Before there is a query, what opening has fetched.
  if (scope === 'query' || run === undefined) return true
  // To look into the catalog for what is newer is no cost of the query that happens to come then.
  return file !== undefined && startedAt >= run.startedAt && startedAt <= (run.endedAt ?? startedAt)
}

function requestRow(
  request: LoggedRequest,
  { start, end, size }: { readonly start: number; readonly end: number; readonly size: number | undefined },
): HTMLElement {
  const { name, offset, length, bytes, startedAt, answeredAt, endedAt, broken } = request
  const percent = (ms: number): string => `${((100 * ms) / (end - start)).toFixed(2)}%`
  const last = endedAt ?? end
  const bar = h('span', { class: `bar ${broken ? 'broken' : ''} ${endedAt === undefined ? 'open' : ''}` }, h('i', {}))
  bar.style.left = percent(startedAt - start)
  bar.style.width = `max(2px, ${percent(last - startedAt)})`
  const waiting = bar.firstElementChild as HTMLElement
  waiting.style.width = `${(100 * ((answeredAt ?? last) - startedAt)) / Math.max(0.01, last - startedAt)}%`
  const took = endedAt === undefined ? 'open' : formatMs(endedAt - startedAt)
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, name),
    h('td', { class: 'range' }, placeInFile(offset ?? 0, bytes || (length ?? 0), size), rangeText(offset, length)),
    h('td', { class: 'numeric' }, formatBytes(bytes)),
    h('td', { class: 'numeric' }, statusText(request)),
    h(
      'td',
      { class: 'time-cell' },
      h('span', { class: 'lane', 'aria-hidden': 'true' }, bar),
      h('span', { class: 'took' }, took),
    ),
  )
}

function statusText({ status, broken }: LoggedRequest): string {
  if (broken && status === undefined) return 'failed'
  return status === undefined ? '' : String(status)
}

function rangeText(offset: number | undefined, length: number | undefined): string {
  if (offset === undefined) return 'whole'
  return length === undefined ? `${formatBytes(offset)} –` : `${formatBytes(offset)} + ${formatBytes(length)}`
}

/** Where in its file a range lies. */
function placeInFile(offset: number, length: number, size: number | undefined): HTMLElement {
  const place = h('span', { class: 'place', 'aria-hidden': 'true' }, h('i', {}))
  const mark = place.firstElementChild as HTMLElement
  if (size === undefined) place.classList.add('unknown')
  else {
    mark.style.left = `${(100 * offset) / size}%`
    mark.style.width = `max(2px, ${(100 * Math.min(length, size - offset)) / size}%)`
  }
  return place
}
