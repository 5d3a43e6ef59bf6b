/** A set of label values: `{ route: 'ltx', status: '206' }`. */
export type Labels = Readonly<Record<string, string>>

export interface Metric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly values: Iterable<readonly [labels: Labels, value: number | bigint]>
}

/** A count for each set of labels. */
export class Counter {
  readonly #values = new Map<string, { readonly labels: Labels; value: number }>()

  add(labels: Labels, amount = 1): void {
    const key = formatLabels(labels)
    const entry = this.#values.get(key)
    if (entry) entry.value += amount
    else this.#values.set(key, { labels, value: amount })
  }

  *[Symbol.iterator](): Iterator<readonly [Labels, number]> {
    for (const { labels, value } of this.#values.values()) yield [labels, value]
  }
}

/** Metrics in the text format of Prometheus, version 0.0.4. */
export function formatMetrics(metrics: readonly Metric[]): string {
  return metrics
    .map(({ name, help, type, values }) => {
      const lines = [...values].map(([labels, value]) => `${name}${formatLabels(labels)} ${value}\n`)
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`
    })
    .join('')
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escapeChar)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeChar(char: string): string {
  return char === '\n' ? '\\n' : `\\${char}`
}
