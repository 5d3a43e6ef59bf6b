import type { App } from '../app/app.ts'
import { formatCount, formatTime, plural } from '../data/format.ts'
import { momentAt } from '../data/moments.ts'
import { countPages, PAGE_CACHED, PAGE_CHANGED, PAGE_FRESH } from '../data/page-states.ts'
import { h, prepareCanvas, redrawOnResize } from './dom.ts'
import { drawPageMap, type PageLayout, pageLayout } from './page-map-drawing.ts'

/** The map of pages: cold, in memory, changed. */
export function pagesView({ store }: App): HTMLElement {
  const canvas = h('canvas', { class: 'page-map', role: 'img' })
  const legend = h('ul', { class: 'legend' })
  const about = h('p', { class: 'about muted' })
  const under = h('p', { class: 'about under', 'aria-hidden': 'true' })
  let layout: PageLayout | undefined

  const draw = (): void => {
    const { pages, inspectorTab } = store.get()
    if (inspectorTab !== 'pages' || !pages || canvas.clientWidth === 0) return
    layout = pageLayout(pages.flags.length, canvas.clientWidth)
    canvas.style.height = `${layout.height}px`
    drawPageMap(prepareCanvas(canvas).context, pages.flags, layout)
  }
  const describe = (): void => {
    const { pages, moments } = store.get()
    if (!pages) {
      about.replaceChildren('Open a replica to see its pages.')
      return
    }
    const count = pages.flags.length
    const [cached, fresh, changed] = [PAGE_CACHED, PAGE_FRESH, PAGE_CHANGED].map((flag) => countPages(pages, flag)) as [
      number,
      number,
      number,
    ]
    const entries = [
      ['cold', 'cold', count - cached],
      ['cached', 'in memory', cached - fresh],
      ['fresh', 'came with the last query', fresh],
      ['changed', 'changed', changed],
    ] as const
    legend.replaceChildren(
      ...entries.map(([name, text, number]) =>
        h('li', {}, h('span', { class: `swatch ${name}` }), `${text} `, h('b', {}, formatCount(number))),
      ),
    )
    const base = pages.base === undefined ? undefined : momentAt(moments, pages.base)
    about.replaceChildren(
      `${plural(count, 'page')}. Changed${pages.exact ? '' : ', or perhaps changed,'} since ${base ? formatTime(base.timestamp) : 'the beginning'}.`,
    )
    canvas.setAttribute(
      'aria-label',
      `Map of ${plural(count, 'page')}: ${entries.map(([, text, number]) => `${formatCount(number)} ${text}`).join(', ')}`,
    )
  }
  canvas.addEventListener('pointermove', (event) => {
    const { pages } = store.get()
    const box = canvas.getBoundingClientRect()
    const found = layout?.pagesAt(event.clientX - box.left, event.clientY - box.top)
    under.textContent = found && pages ? pageText(found, pages.flags) : ''
  })
  canvas.addEventListener('pointerleave', () => {
    under.textContent = ''
  })
  const element = h('div', { class: 'pages-view' }, legend, about, under, canvas)
  store.on(['pages', 'inspectorTab', 'moments'], () => {
    describe()
    draw()
  })
  redrawOnResize(element, draw)
  return element
}

function pageText([first, last]: readonly [number, number], flags: Uint8Array): string {
  if (first !== last) return `Pages ${formatCount(first)} to ${formatCount(last)}`
  const each = flags[first - 1] ?? 0
  const states = [each & PAGE_CACHED ? 'in memory' : 'cold', each & PAGE_CHANGED ? 'changed' : ''].filter(
    (text) => text !== '',
  )
  return `Page ${formatCount(first)}: ${states.join(', ')}`
}
