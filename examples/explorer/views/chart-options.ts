import uPlot from 'uplot'
import type { ChartSeries } from '../data/chart-series.ts'
import { formatCount } from '../data/format.ts'
import { themeColor } from './dom.ts'

export type Shape = 'line' | 'bars' | 'points'

/** How uPlot is to draw a series in the page's colours. */
export function chartOptions(
  { kind, labels, x }: ChartSeries,
  names: { readonly x: string; readonly y: string },
  shape: Shape,
  size: { readonly width: number; readonly height: number },
): uPlot.Options {
  const [accent, fill, muted, line] = ['accent', 'accent-soft', 'muted', 'line'].map(themeColor) as [
    string,
    string,
    string,
    string,
  ]
  const axis = {
    stroke: muted,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1, size: 4 },
    font: '11px Inter, system-ui, sans-serif',
  }
  const labelOf = (value: number): string => labels[Math.round(value)]?.slice(0, 14) ?? ''
  const textAxis = {
    values: (_: uPlot, splits: number[]) => splits.map((at) => (Number.isInteger(at) ? labelOf(at) : '')),
  }
  return {
    ...size,
    legend: { show: true, live: true },
    cursor: { points: { size: 6 }, drag: { x: true, y: false } },
    scales: { x: { time: kind === 'time', ...(shape === 'bars' && { range: (_, min, max) => padded(min, max, x) }) } },
    axes: [
      { ...axis, ...(kind === 'text' && textAxis), space: kind === 'text' ? 70 : 60 },
      { ...axis, size: 62, values: (_, splits) => splits.map((at) => (at === null ? '' : shortNumber(at))) },
    ],
    series: [
      {
        label: names.x,
        ...(kind === 'text' && { value: (_: uPlot, at: number | null) => (at === null ? '–' : labelOf(at)) }),
      },
      {
        label: names.y,
        stroke: accent,
        width: shape === 'points' ? 0 : 1.5,
        ...(shape === 'bars' && { fill: accent, width: 0, paths: uPlot.paths.bars!({ size: [0.7, 48] }) }),
        ...(shape === 'line' && { fill }),
        points: { show: shape === 'points' || (shape === 'line' && x.length < 60), size: 5, fill: accent },
      },
    ],
  }
}

/** Half a place at both ends, so that the outer bars are whole. */
function padded(min: number, max: number, x: readonly number[]): [number, number] {
  const half = x.length > 1 ? (max - min) / (x.length - 1) / 2 : 0.5
  return [min - half, max + half]
}

function shortNumber(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e9) return `${formatCount(value / 1e9)} G`
  if (size >= 1e6) return `${formatCount(value / 1e6)} M`
  return formatCount(value)
}
