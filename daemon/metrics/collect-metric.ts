import type { Gauge, Registry } from 'prom-client'

export type Labels = Readonly<Record<string, string>>

export interface Sample {
  /** Also of other samples: a label object that is kept is formatted once for all scrapes. */
  readonly sharedLabels: Labels
  readonly labels: Labels
  readonly value: number
}

export interface CollectedMetric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  collect(): readonly Sample[]
}

/**
 * Register a metric whose samples are made when they are asked for. prom-client's own metrics keep each sample in a
 * table by the text of its labels, which for the metrics of thousands of databases takes longer than all else.
 */
export function registerCollected(registry: Registry, { collect, ...about }: CollectedMetric): void {
  const metric = { ...about, aggregator: 'sum', get: async () => ({ ...about, values: collect() }), reset() {} }
  // Of a metric, a registry uses no more than these.
  registry.registerMetric(metric as unknown as Gauge)
}
