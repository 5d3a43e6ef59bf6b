import uPlot from 'uplot'
import type { App } from '../app/app.ts'
import { axisKinds, chartSeries, suggestAxes } from '../data/chart-series.ts'
import { plural } from '../data/format.ts'
import { chartOptions, type Shape } from './chart-options.ts'
import { h, redrawOnResize } from './dom.ts'

/** Points beyond which a chart tells nothing more. */
const MAX_POINTS = 20_000

/** One column of the rows over another. */
export function chartView({ store }: App): HTMLElement {
  const x = h('select', { 'aria-label': 'Horizontal axis' })
  const y = h('select', { 'aria-label': 'Vertical axis' })
  const shape = h(
    'select',
    { 'aria-label': 'Shape' },
    ...['Line', 'Bars', 'Points'].map((name) => h('option', { value: name.toLowerCase() }, name)),
  )
  const plot = h('div', { class: 'plot', role: 'img' })
  const empty = h('p', { class: 'message muted' })
  const controls = h(
    'div',
    { class: 'controls' },
    h('label', {}, 'x', x),
    h('label', {}, 'y', y),
    h('label', {}, 'as', shape),
  )
  let chart: uPlot | undefined
  let columnsShown: readonly string[] | undefined

  const choose = (): void => {
    const { run } = store.get()
    if (!run || run.columns === columnsShown || (run.count === 0 && run.status === 'running')) return
    columnsShown = run.columns
    const kinds = axisKinds(run)
    const options = (usable: (kind: string | undefined) => boolean) =>
      run.columns.flatMap((name, i) => (usable(kinds[i]) ? [h('option', { value: i }, name)] : []))
    x.replaceChildren(...options((kind) => kind !== undefined))
    y.replaceChildren(...options((kind) => kind === 'number'))
    const axes = suggestAxes(kinds)
    if (axes) {
      x.value = String(axes.x)
      y.value = String(axes.y)
      shape.value = kinds[axes.x] === 'text' ? 'bars' : 'line'
    }
  }
  const draw = (): void => {
    choose()
    const { run, resultTab } = store.get()
    chart?.destroy()
    chart = undefined
    const usable = run !== undefined && run.count > 0 && x.value !== '' && y.value !== ''
    plot.hidden = !usable
    controls.hidden = !usable
    empty.hidden = usable
    empty.textContent = run
      ? 'A chart needs a column of numbers and another one.'
      : 'Run a query to see a chart of its rows.'
    if (!usable || resultTab !== 'chart' || plot.clientWidth === 0) return
    const [xColumn, yColumn] = [Number(x.value), Number(y.value)]
    const kind = axisKinds(run)[xColumn] ?? 'text'
    const rows = run.rows.slice(0, Math.min(run.count, MAX_POINTS))
    const series = chartSeries(rows, xColumn, yColumn, kind)
    const names = { x: run.columns[xColumn]!, y: run.columns[yColumn]! }
    plot.setAttribute('aria-label', `Chart of ${names.y} over ${names.x}, ${plural(series.x.length, 'point')}`)
    const size = { width: plot.clientWidth, height: Math.max(160, plot.clientHeight) }
    chart = new uPlot(chartOptions(series, names, shape.value as Shape, size), [[...series.x], [...series.y]], plot)
  }
  for (const select of [x, y, shape]) select.addEventListener('change', draw)
  store.on(['run', 'resultTab'], ({ run, resultTab }) => {
    if (resultTab === 'chart' && run?.status !== 'running') draw()
  })
  const element = h('div', { class: 'chart-view' }, controls, plot, empty)
  redrawOnResize(element, draw)
  return element
}
