// The writer benchmark: Litestream and litetap side by side in one run. See README.md.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { litetap, type Replicator, replicatorNamed } from '../../test/interop/replicator.ts'
import { type CpuSample, cpuCases, measureCpu } from './cpu.ts'
import { cpuFigures, growthFigures, idleFigures, latencyFigures, restoreFigures } from './figures.ts'
import { measureIdle } from './idle.ts'
import { MEAN_INTERVALS_MS, measureLatency } from './latency.ts'
import { type Options, parseOptions, type Series } from './options.ts'
import { type Figure, report } from './report.ts'
import { measureRestores } from './restore.ts'
import { stopStores, Templates } from './stage.ts'

const RESULTS = join(import.meta.dirname, '../results')

const options = parseOptions(process.argv.slice(2))
// litetap's main file asks for `node`: it shall get this one.
process.env.PATH = dirname(process.execPath) + delimiter + process.env.PATH
const templates = new Templates()
const samples: unknown[] = []
const figures: Figure[] = []
process.once('exit', () => templates.remove())
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    conclude(options)
    await stopStores().catch(() => {})
    process.exit(1)
  })
}

const programs = await Promise.all(
  options.programs.map((name) => (name === 'litetap' ? litetap(options.main) : replicatorNamed(name))),
)
const series: Readonly<Record<Series, () => Promise<void>>> = { cpu, latency, restore, idle }
try {
  for (const name of options.only) await series[name]()
} finally {
  conclude(options)
}

async function cpu(): Promise<void> {
  const kept: CpuSample[] = []
  for (const one of cpuCases(options)) {
    await alternate(async (program) => {
      const sample = await measureCpu(templates, program, one, options)
      kept.push(sample)
      keep(sample, cpuFigures)
    })
  }
  figures.push(...growthFigures(kept))
}

async function latency(): Promise<void> {
  for (const kind of options.stores) {
    for (const at of MEAN_INTERVALS_MS.keys()) {
      await alternate(async (program) => {
        keep(await measureLatency(templates, program, { kind, series: at as 0 | 1 }, options), latencyFigures)
      })
    }
  }
}

async function restore(): Promise<void> {
  for (const kind of options.stores) {
    for (const sample of await measureRestores(templates, programs, kind, options)) keep(sample, restoreFigures)
  }
}

async function idle(): Promise<void> {
  for (const kind of options.stores) {
    await alternate(async (program) => {
      keep(await measureIdle(templates, program, kind, options), idleFigures)
    })
  }
}

/** Each round runs every program once; every other round in the opposite order. */
async function alternate(measure: (program: Replicator) => Promise<void>): Promise<void> {
  for (let round = 0; round < options.rounds; round++) {
    for (const program of round % 2 === 0 ? programs : programs.toReversed()) await measure(program)
  }
}

function keep<Sample>(sample: Sample, figuresOf: (sample: Sample) => readonly Figure[]): void {
  process.stderr.write(`${new Date().toISOString()} ${JSON.stringify(sample)}\n`)
  samples.push(sample)
  figures.push(...figuresOf(sample))
}

/** Report what there is: a run that is cut short keeps what it has measured. */
function conclude(used: Options): void {
  const { stdout } = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' })
  const commit = stdout?.trim() || 'unknown'
  const machine = `${cpus()[0]!.model}, ${cpus().length} CPUs, Node ${process.version}, commit ${commit}`
  console.log(`${machine}; ${options.rounds} round(s)\n\n${report(figures, options.programs)}`)
  mkdirSync(RESULTS, { recursive: true })
  const file = join(RESULTS, `writer-${new Date().toISOString().replaceAll(':', '-')}.json`)
  writeFileSync(file, JSON.stringify({ machine, options: used, figures, samples }, undefined, 2))
  console.log(`\n${file}`)
}
