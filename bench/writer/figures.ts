import { median } from '../support/statistics.ts'
import type { CpuSample } from './cpu.ts'
import type { IdleSample } from './idle.ts'
import type { LatencySample } from './latency.ts'
import type { Figure } from './report.ts'
import type { RestoreSample } from './restore.ts'

const MB = 1e6
const GB = 1e9

type Row = readonly [what: string, unit: string, value: number, target?: number]

export function cpuFigures(sample: CpuSample): readonly Figure[] {
  const size = `${Math.round(sample.databaseBytes / MB)} MB database`
  return figures(sample.program, `${sample.pace} ${sample.store}, ${size}`, [
    ['CPU per GB of WAL', 's', sample.cpuSeconds / (sample.walBytes / GB), 1.0],
    ['peak memory', 'MB', sample.peakBytes / MB, 2.0],
    ['last commit to durable', 's', sample.drainSeconds],
    ['time to write', 's', sample.writeSeconds],
    ['L0 files', '', sample.l0Files],
    ['L0 size', 'MB', sample.l0Bytes / MB],
    ['CPU of first image', 's', sample.firstImageCpuSeconds],
    ['peak memory of first image', 'MB', sample.firstImagePeakBytes / MB, 2.0],
  ])
}

/** How the memory peak grows from the smallest database to the largest; every program by itself. */
export function growthFigures(samples: readonly CpuSample[]): readonly Figure[] {
  const flood = samples.filter(({ pace }) => pace === 'flood')
  const groups = Map.groupBy(flood, ({ program, store }) => `${program} ${store}`)
  return [...groups.values()].flatMap((group) => {
    const sizes = [...new Set(group.map(({ databaseBytes }) => databaseBytes))].toSorted((a, b) => a - b)
    if (sizes.length < 2) return []
    const { program, store } = group[0]!
    const times = Math.round(sizes.at(-1)! / sizes[0]!)
    const peak = (bytes: number, of: (sample: CpuSample) => number) =>
      median(group.filter(({ databaseBytes }) => databaseBytes === bytes).map(of))
    const growth = (of: (sample: CpuSample) => number) => peak(sizes.at(-1)!, of) / peak(sizes[0]!, of)
    return figures(program, `memory, ${times} times the database, ${store}`, [
      ['peak grows', 'times', growth(({ peakBytes }) => peakBytes)],
      ['peak of first image grows', 'times', growth(({ firstImagePeakBytes }) => firstImagePeakBytes)],
    ])
  })
}

export function latencyFigures(sample: LatencySample): readonly Figure[] {
  const rate = 1000 / sample.meanIntervalMs
  return figures(sample.program, `commit to durable, ${sample.store}, ${rate} commits/s`, [
    ['p50', 'ms', sample.p50Ms, 0.1],
    ['p99', 'ms', sample.p99Ms],
    ['L0 files', '', sample.l0Files],
  ])
}

export function restoreFigures(sample: RestoreSample): readonly Figure[] {
  const size = `${Math.round(sample.databaseBytes / MB)} MB`
  return figures(sample.program, `restore ${sample.store}, ${size}`, [
    ['wall', 's', sample.wallSeconds, 1.0],
    ['CPU', 's', sample.cpuSeconds],
    ['peak memory', 'MB', sample.peakBytes / MB],
  ])
}

export function idleFigures(sample: IdleSample): readonly Figure[] {
  return figures(sample.program, `idle ${sample.store}, per minute`, [
    ['CPU', 's', (sample.cpuSeconds / sample.seconds) * 60],
    ['memory', 'MB', sample.residentPeakBytes / MB],
  ])
}

function figures(program: string, series: string, rows: readonly Row[]): readonly Figure[] {
  return rows.map(([what, unit, value, target]) => {
    const figure = { series, what, unit, program, value }
    return target === undefined ? figure : { ...figure, target }
  })
}
