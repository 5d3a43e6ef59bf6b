import { parser } from '@prometheus-io/lezer-promql'
import { describe, expect, test } from 'vitest'
import { exposedNames } from './exposed-names.ts'
import { deployText, deployYaml, seconds } from './support.ts'

interface Query {
  readonly metrics: readonly string[]
  readonly mistakes: readonly string[]
}

/** Read an expression with Prometheus's own grammar. */
function readQuery(expression: string): Query {
  // Grafana puts these in place before Prometheus sees them.
  const text = expression.replaceAll('$__rate_interval', '1m').replace(/\$\w+/g, 'x')
  const metrics: string[] = []
  const mistakes: string[] = []
  parser.parse(text).iterate({
    enter(node) {
      if (node.type.isError) mistakes.push(`${expression}: at ${node.from}`)
      const parent = node.node.parent?.name
      if (node.name === 'Identifier' && parent === 'VectorSelector') metrics.push(text.slice(node.from, node.to))
    },
  })
  return { metrics, mistakes }
}

test('queries are read as Prometheus reads them', () => {
  expect(readQuery('sum by (db) (rate(a_b{db=~"$db"}[$__rate_interval])) / c > 0.1')).toEqual({
    metrics: ['a_b', 'c'],
    mistakes: [],
  })
  expect(readQuery('sum by (db (a)').mistakes).not.toEqual([])
})

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: string }
  readonly annotations: Readonly<Record<string, string>>
}

describe('alert rules', () => {
  const [file] = deployYaml<{ groups: { name: string; rules: Rule[] }[] }>('prometheus/alerts.yaml')
  const rules = file!.groups.flatMap((group) => group.rules)

  test('use what a daemon exposes', async () => {
    const names = await exposedNames()
    for (const { alert, expr } of rules) {
      const { metrics, mistakes } = readQuery(expr)
      expect(mistakes, alert).toEqual([])
      expect(metrics.length, alert).toBeGreaterThan(0)
      for (const name of metrics) expect([...names], alert).toContain(name)
    }
  })

  test('are named once, say how bad it is and what to do', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
    for (const { alert, labels, annotations, for: wait = '0s' } of rules) {
      expect(alert).toMatch(/^Litetap[A-Z]\w+$/)
      expect(labels.severity).toMatch(/^(critical|warning|info)$/)
      expect(Object.keys(annotations)).toEqual(['summary', 'description'])
      expect(seconds(wait)).toBeLessThan(3600)
      for (const text of Object.values(annotations)) expect(text.replace(/\{\{ [^{}]+ \}\}/g, '')).not.toMatch(/[{}]/)
    }
  })

  test('there are those for what goes wrong', () => {
    const metricsOf = rules.flatMap(({ expr }) => readQuery(expr).metrics)
    for (const name of [
      'litetap_in_trouble',
      'litetap_replicated_txid',
      'litestream_disk_full',
      'litetap_last_sync_timestamp_seconds',
      'litestream_checkpoint_error_count',
    ])
      expect(metricsOf).toContain(name)
  })
})

interface Panel {
  readonly title: string
  readonly type: string
  readonly id: number
  readonly gridPos: { readonly x: number; readonly w: number }
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[]
}

describe('the dashboard', () => {
  const dashboard = JSON.parse(deployText('grafana/litetap.json')) as {
    readonly panels: readonly Panel[]
    readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] }
  }
  const variables = dashboard.templating.list
  const queries = [
    ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...variables.flatMap(({ query }) => /^label_values\((.*), \w+\)$/.exec(query)?.[1] ?? []),
  ]

  test('uses what a daemon exposes', async () => {
    const names = await exposedNames()
    for (const query of queries) {
      const { metrics, mistakes } = readQuery(query)
      expect(mistakes).toEqual([])
      for (const name of metrics) expect([...names], query).toContain(name)
    }
  })

  test('shows every metric of databases and stores', async () => {
    const shown = new Set(
      queries.flatMap((query) => readQuery(query).metrics.map((name) => name.replace(/_bucket$/, ''))),
    )
    const ours = [...(await exposedNames())].filter((name) => /^lite/.test(name) && !/_(bucket|sum)$/.test(name))
    const unseen = ours.filter((name) => !shown.has(name.replace(/(duration_seconds)_count$/, '$1')))
    // Their errors and counts are shown; the alert on gaps says the rest.
    expect(unseen).toEqual(['litestream_compaction_verify_error_count', 'litestream_checkpoint_seconds'])
  })

  test('its variables are there, its panels fit', () => {
    for (const query of queries) {
      for (const [, name] of query.matchAll(/\$(\w+)/g)) {
        expect(['__rate_interval', ...variables.map((one) => one.name)]).toContain(name)
      }
    }
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
    for (const { gridPos } of dashboard.panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
  })
})
