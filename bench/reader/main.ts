// The reader benchmark: litestream-vfs, downloading, native SQLite and litetap side by side on one bucket. See README.md.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import type { Line } from '../support/line.ts'
import type { Results } from './aims.ts'
import { type BuiltBucket, benchBucket, type Size } from './bucket.ts'
import { Beats, measureHydration, measureWarm } from './extras.ts'
import { measureSubject, type Place } from './measure.ts'
import { parseOptions } from './options.ts'
import { inOrder, report } from './report.ts'
import { makeScenarios, type Scenario } from './scenarios.ts'
import { Stage } from './stage.ts'
import type { SubjectName } from './subject.ts'

const RESULTS = join(import.meta.dirname, '../results')
/** As much as the WASM engine can hold in its memory. */
const MEMORY_MOST_BYTES = 1e9

const options = parseOptions(process.argv.slice(2))
const all: Results[] = []
let scenarios: readonly Scenario[] = []
let concluded = false
const texts: string[] = []
const { stdout } = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' })
const machine = `${cpus()[0]!.model}, ${cpus().length} CPUs, Node ${process.version}, commit ${stdout?.trim() || 'unknown'}`

const buckets: (readonly [Size, BuiltBucket])[] = []
for (const size of options.sizes) {
  progress(`${size}: making the bucket`)
  buckets.push([size, await benchBucket(size, options.hours)])
}
const stage = await Stage.start()
let stopping: Promise<void> | undefined
const stop = (): Promise<void> => {
  stopping ??= stage.stop()
  return stopping
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    conclude()
    await stop().catch(() => {})
    process.exit(1)
  })
}
try {
  for (const [size, bucket] of buckets) await measureBucket(size, bucket)
} finally {
  conclude()
  await stop()
}

async function measureBucket(size: Size, bucket: BuiltBucket): Promise<void> {
  progress(`${size}: uploading`)
  stage.set({ name: 'direct', rttMs: 0, mbit: 0 })
  await stage.upload(size, bucket)
  scenarios = makeScenarios(bucket.databasePath).filter(({ name }) => name === 'open' || options.only.includes(name))
  const { databasePath } = bucket
  const place = { stage, replica: size, databasePath, scenarios, options }
  const { files, planFiles, planBytes, databaseBytes } = bucket
  const levels = files.flatMap((count, level) => (count > 0 ? [`L${level} ${count}`] : [])).join(', ')
  texts.push(
    `${size}: ${Math.round(databaseBytes / 1e6)} MB in ${planFiles} planned files of ${Math.round(planBytes / 1e6)} MB; ` +
      `in the bucket ${levels}`,
  )
  // Files are added while readers follow, so all else comes before.
  for (const line of options.lines) await measureLine(place, { size, line })
  if (!options.only.includes('following')) return
  const beats = await Beats.start(place, bucket)
  for (const [i, line] of options.lines.entries())
    await measureFollowing(beats, line, all.at(i - options.lines.length)!)
  await beats.stop()
}

async function measureLine(place: Place, { size, line }: { size: Size; line: Line }): Promise<void> {
  stage.set(line)
  const lineMbit = await stage.measureLine(place.replica)
  const results: Results = { size, line, lineMbit, samples: [], hydration: [], warm: [], following: [], failures: [] }
  all.push(results)
  if (place.scenarios.some(({ name }) => options.only.includes(name))) {
    for (let round = 0; round < options.rounds; round++) {
      for (const subject of round % 2 === 0 ? options.subjects : options.subjects.toReversed()) {
        if (subject === 'litestream-vfs' && round >= options.vfsRounds) continue
        await measureSubject(place, subject, {
          keep: (sample) => {
            progress(`${size} ${line.name} ${JSON.stringify(sample)}`)
            results.samples.push(sample)
          },
          failed: (what) => fail(results, what),
        })
      }
    }
  }
  if (options.only.includes('hydration')) {
    for (const subject of remote()) {
      await take(results, results.hydration, subject, () => measureHydration(place, subject))
    }
  }
  if (options.only.includes('warm')) await measureAllWarm(place, results)
}

async function measureAllWarm(place: Place, results: Results): Promise<void> {
  const local = options.subjects.filter((subject) => subject === 'native')
  const subjects: (SubjectName | 'memory')[] = [...remote(), ...local]
  const bucket = buckets.find(([size]) => size === results.size)![1]
  if (bucket.databaseBytes < MEMORY_MOST_BYTES) subjects.push('memory')
  for (let round = 0; round < options.rounds; round++) {
    for (const subject of subjects) {
      // Never warm: its cache is discarded at every transaction.
      if (subject === 'litestream-vfs') continue
      await take(results, results.warm, subject, () => measureWarm(place, subject))
    }
  }
}

async function measureFollowing(beats: Beats, line: Line, results: Results): Promise<void> {
  stage.set(line)
  for (const subject of remote()) {
    await take(results, results.following, subject, () => beats.measure(subject))
  }
}

/** One measurement. What goes wrong in it is reported; the run goes on. */
async function take<T>(results: Results, into: T[], subject: string, measure: () => Promise<T>): Promise<void> {
  try {
    const sample = await measure()
    progress(`${results.size} ${results.line.name} ${JSON.stringify(sample)}`)
    into.push(sample)
  } catch (error) {
    fail(results, `${subject}: ${(error as Error).message}`)
  }
}

function fail(results: Results, what: string): void {
  progress(`${results.size} ${results.line.name} ${what}`)
  results.failures.push(what.slice(0, 600))
}

/** Those that read the bucket page by page. */
function remote(): SubjectName[] {
  return options.subjects.filter((subject) => subject !== 'native' && subject !== 'download')
}

function progress(text: string): void {
  process.stderr.write(`${new Date().toISOString()} ${text}\n`)
}

/** Report what there is, once: a run that is cut short keeps what it has measured. */
function conclude(): void {
  if (concluded) return
  concluded = true
  console.log(`${machine}; ${options.rounds} round(s)\n\n${texts.join('\n')}`)
  for (const results of all) {
    const { hydration, warm, following } = results
    const ordered = { ...results, hydration: inOrder(hydration), warm: inOrder(warm), following: inOrder(following) }
    console.log(`\n${report(ordered, scenarios)}`)
  }
  mkdirSync(RESULTS, { recursive: true })
  const file = join(RESULTS, `reader-${new Date().toISOString().replaceAll(':', '-')}.json`)
  writeFileSync(file, JSON.stringify({ machine, options, buckets: texts, results: all }, undefined, 2))
  console.log(`\n${file}`)
}
