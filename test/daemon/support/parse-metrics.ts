export interface ParsedSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  /** Name and labels, however they were ordered. */
  readonly id: string
}

export interface ParsedMetrics {
  readonly samples: readonly ParsedSample[]
  /** By name. */
  readonly types: ReadonlyMap<string, string>
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined
}

const SAMPLE =
  /^(?<name>[a-zA-Z_:][\w:]*)(?:\{(?<labels>(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (?<value>\S+)$/

/** Read Prometheus' text format, version 0.0.4. @throws for a line that it does not allow */
export function parseMetrics(text: string): ParsedMetrics {
  const samples: ParsedSample[] = []
  const types = new Map<string, string>()
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line)
    if (type) types.set(type[1]!, type[2]!)
    if (line === '' || line.startsWith('#')) continue
    const groups = SAMPLE.exec(line)?.groups
    if (!groups) throw new Error(`Not a sample: ${line}`)
    const labels = parseLabels(groups.labels ?? '')
    const value = Number(groups.value!.replace('Inf', 'Infinity'))
    samples.push({ name: groups.name!, labels, value, id: idOf(groups.name!, labels) })
  }
  const values = new Map(samples.map(({ id, value }) => [id, value]))
  return { samples, types, value: (name, labels = {}) => values.get(idOf(name, labels)) }
}

function parseLabels(text: string): Record<string, string> {
  const pairs = text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)
  const plain = (value: string) => value.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))
  return Object.fromEntries([...pairs].map(([, name, value]) => [name!, plain(value!)]))
}

function idOf(name: string, labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([name, Object.entries(labels).sort()])
}
