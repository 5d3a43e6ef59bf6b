import type { Control } from '../../daemon/control.ts'
import { DaemonMetrics } from '../../daemon/metrics/index.ts'

/** What Prometheus adds of itself for each target. */
const OF_PROMETHEUS = ['up']

/** The names of all samples that a daemon can expose. */
export async function exposedNames(): Promise<Set<string>> {
  const nobody: Pick<Control, 'list'> = { list: () => [] }
  const text = await new DaemonMetrics(nobody as Control).text()
  const names = new Set(OF_PROMETHEUS)
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    names.add(name!)
    if (type === 'histogram') for (const part of ['bucket', 'sum', 'count']) names.add(`${name}_${part}`)
  }
  return names
}
