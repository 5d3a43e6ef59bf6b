import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  type VirtualItem,
  Virtualizer,
} from '@tanstack/virtual-core'
import type { SqlValue } from '../../../entry/web.ts'
import { formatCount, formatValue } from '../data/format.ts'
import { columnWidths } from './column-widths.ts'
import { h, newId, setAttributes } from './dom.ts'
import { movedCell } from './grid-keys.ts'

/** What a grid shows. A new value for other columns or rows; rows may be added to the same value's. */
export interface GridData {
  readonly columns: readonly string[]
  readonly count: number
  /** Undefined: there is no row at this place. */
  row(i: number): readonly SqlValue[] | undefined
  /** A word for screen readers and a class: `added`, `removed`, `changed`. */
  mark?(i: number): string
  isChanged?(row: number, column: number): boolean
  /** What stands in front of a row. Default: its number. */
  head?(i: number): string
}

export interface Grid {
  readonly element: HTMLElement
  show(data: GridData): void
  scrollTo(top: number): void
  onScroll(listener: (top: number) => void): void
}

const ROW_HEIGHT = 26
const EMPTY: GridData = { columns: [], count: 0, row: () => undefined }

/** Rows of any number, of which those in sight are drawn. Arrow keys go from cell to cell, Enter opens one. */
export function createGrid(label: string, onOpen: (column: string, value: SqlValue) => void): Grid {
  const id = newId('grid')
  const head = h('div', { role: 'row', class: 'grid-head', 'aria-rowindex': 1 })
  const body = h('div', { role: 'rowgroup', class: 'grid-body' })
  const element = h(
    'div',
    { role: 'grid', 'aria-label': label, class: 'grid', tabindex: 0, 'aria-readonly': 'true' },
    h('div', { role: 'rowgroup', class: 'grid-top' }, head),
    body,
  )
  let data = EMPTY
  let active = { row: 0, column: 0 }
  let columnsShown: readonly string[] = []
  let widthsFrom = -1

  const virtual = new Virtualizer<HTMLElement, HTMLElement>({
    count: 0,
    getScrollElement: () => element,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    scrollPaddingStart: ROW_HEIGHT,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => draw(),
  })
  virtual._didMount()
  virtual._willUpdate()

  const draw = (): void => {
    body.style.height = `${virtual.getTotalSize()}px`
    body.replaceChildren(...virtual.getVirtualItems().map((item) => rowElement(item)))
    const hasCell = data.count > 0 && data.columns.length > 0
    setAttributes(element, { 'aria-activedescendant': hasCell ? `${id}-${active.row}-${active.column}` : undefined })
  }
  const rowElement = ({ index, start }: VirtualItem): HTMLElement => {
    const row = data.row(index)
    const mark = data.mark?.(index) ?? ''
    const number = data.head?.(index) ?? formatCount(index + 1)
    const cells = data.columns.map((_, column) => {
      const value = row?.[column]
      const classes = ['cell', typeOf(value), data.isChanged?.(index, column) ? 'differs' : '']
      if (index === active.row && column === active.column) classes.push('active')
      return h(
        'div',
        {
          role: 'gridcell',
          id: `${id}-${index}-${column}`,
          'aria-colindex': column + 2,
          class: classes.join(' '),
          'data-column': column,
        },
        row === undefined || value === undefined ? '' : formatValue(value).slice(0, 400),
      )
    })
    const element = h(
      'div',
      { role: 'row', 'aria-rowindex': index + 2, class: `row ${mark} ${row ? '' : 'absent'}`, 'data-row': index },
      h('div', { role: 'rowheader', class: 'cell number', 'aria-label': `${number} ${mark}`.trim() }, number),
      ...cells,
    )
    element.style.transform = `translateY(${start}px)`
    return element
  }
  const fit = (): void => {
    const widths = columnWidths(data)
    element.style.setProperty('--columns', widths.map((ch) => `${ch}ch`).join(' '))
  }
  const activate = (row: number, column: number): void => {
    active = { row, column }
    virtual.scrollToIndex(row, { align: 'auto' })
    draw()
    element.querySelector('.active')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }
  const openActive = (): void => {
    const value = data.row(active.row)?.[active.column]
    if (value !== undefined) onOpen(data.columns[active.column]!, value)
  }
  element.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) {
      event.preventDefault() // the dialog's button, which has the focus then, would be pressed by the same key
      return openActive()
    }
    const size = {
      rows: data.count,
      columns: data.columns.length,
      page: Math.floor(element.clientHeight / ROW_HEIGHT) - 2,
    }
    const next = movedCell(event, active, size)
    if (!next) return
    event.preventDefault()
    activate(next.row, next.column)
  })
  element.addEventListener('click', (event) => {
    const cell = (event.target as HTMLElement).closest<HTMLElement>('[role=gridcell]')
    if (cell) activate(Number(cell.parentElement!.dataset.row), Number(cell.dataset.column))
  })
  element.addEventListener('dblclick', openActive)

  return {
    element,
    show(next) {
      const sameColumns = next.columns === columnsShown
      data = next
      if (!sameColumns) {
        columnsShown = next.columns
        active = { row: 0, column: 0 }
        widthsFrom = -1
        head.replaceChildren(
          h('div', { role: 'columnheader', class: 'cell number', 'aria-colindex': 1, 'aria-label': 'Row' }),
          ...next.columns.map((name, i) =>
            h('div', { role: 'columnheader', class: 'cell', 'aria-colindex': i + 2, title: name }, name),
          ),
        )
      }
      // Widths follow the first rows that come, and then stay.
      if (widthsFrom < 1 || (widthsFrom < 50 && next.count > widthsFrom)) {
        widthsFrom = next.count
        fit()
      }
      active = { ...active, row: Math.min(active.row, Math.max(0, next.count - 1)) }
      setAttributes(element, { 'aria-rowcount': next.count + 1, 'aria-colcount': next.columns.length + 1 })
      virtual.setOptions({ ...virtual.options, count: next.count })
      virtual._willUpdate()
      draw()
    },
    scrollTo(top) {
      element.scrollTop = top
    },
    onScroll(listener) {
      element.addEventListener('scroll', () => listener(element.scrollTop))
    },
  }
}

function typeOf(value: SqlValue | undefined): string {
  if (value === undefined) return ''
  if (value === null) return 'null'
  if (value instanceof Uint8Array) return 'blob'
  return typeof value === 'string' ? 'text' : 'numeric'
}
