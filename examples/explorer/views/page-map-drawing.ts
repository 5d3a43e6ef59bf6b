import { PAGE_CACHED, PAGE_CHANGED, PAGE_FRESH } from '../data/page-states.ts'
import { themeColor } from './dom.ts'

/** Cells beyond which several pages share one. */
const MAX_CELLS = 6000
const [SMALLEST, LARGEST] = [5, 13]

export interface PageLayout {
  readonly cell: number
  readonly columns: number
  readonly pagesPerCell: number
  readonly cells: number
  readonly height: number
  /** The first and last page at a place. */
  pagesAt(x: number, y: number): readonly [number, number] | undefined
}

/** How so many pages are laid out over a width. */
export function pageLayout(count: number, width: number): PageLayout {
  const pagesPerCell = Math.max(1, Math.ceil(count / MAX_CELLS))
  const cells = Math.ceil(count / pagesPerCell)
  // About as high as wide, with cells that can be told apart.
  const cell = Math.max(SMALLEST, Math.min(LARGEST, Math.floor(width / Math.sqrt(cells))))
  const columns = Math.max(1, Math.floor(width / cell))
  return {
    cell,
    columns,
    pagesPerCell,
    cells,
    height: Math.ceil(cells / columns) * cell,
    pagesAt(x, y) {
      const column = Math.floor(x / cell)
      const at = Math.floor(y / cell) * columns + column
      if (column < 0 || column >= columns || at < 0 || at >= cells) return undefined
      return [at * pagesPerCell + 1, Math.min(count, (at + 1) * pagesPerCell)]
    },
  }
}

export function drawPageMap(context: CanvasRenderingContext2D, flags: Uint8Array, layout: PageLayout): void {
  const { cell, columns, pagesPerCell, cells } = layout
  const colors = {
    cold: themeColor('cold'),
    cached: themeColor('cached'),
    fresh: themeColor('accent'),
    changed: themeColor('changed'),
  }
  const mark = Math.max(2, Math.floor(cell / 3))
  for (let i = 0; i < cells; i++) {
    const some = flags.subarray(i * pagesPerCell, (i + 1) * pagesPerCell)
    const all = some.reduce((sum, each) => sum | each, 0)
    const [x, y, size] = [(i % columns) * cell, Math.floor(i / columns) * cell, cell - 1]
    context.fillStyle = all & PAGE_FRESH ? colors.fresh : all & PAGE_CACHED ? colors.cached : colors.cold
    context.fillRect(x, y, size, size)
    if (!(all & PAGE_CHANGED)) continue
    context.fillStyle = colors.changed
    context.fillRect(x + size - mark, y + size - mark, mark, mark)
  }
}
