import { percentile } from '../support/statistics.ts'
import { digits, markdownTable } from '../support/table.ts'

/** One number of one run. `target`: what the ratio litetap / Litestream should not exceed. */
export interface Figure {
  readonly series: string
  readonly what: string
  readonly unit: string
  readonly program: string
  readonly value: number
  readonly target?: number
}

/** Medians of all rounds, side by side, with the ratio of the last program to the first. */
export function report(figures: readonly Figure[], programs: readonly string[]): string {
  const rows = [...Map.groupBy(figures, ({ series, what, unit }) => `${series}: ${what} (${unit})`)].map(
    ([label, group]) => {
      const medians = programs.map((name) => medianOf(group.filter(({ program }) => program === name)))
      const ratio = programs.length > 1 ? medians.at(-1)! / medians[0]! : Number.NaN
      const { target } = group[0]!
      return [label, ...medians.map(digits), digits(ratio), target === undefined ? '' : `<= ${target}`]
    },
  )
  return markdownTable(['median', ...programs, 'ratio', 'target'], rows)
}

function medianOf(figures: readonly Figure[]): number {
  return percentile(
    figures.map(({ value }) => value),
    0.5,
  )
}
