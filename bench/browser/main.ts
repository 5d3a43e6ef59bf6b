// The browser benchmark: litetap on a living bucket beside sql.js-httpvfs and sqlite-wasm-http on one frozen file, in
// Chromium. See README.md.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { type BuiltBucket, benchBucket, type Size } from '../reader/bucket.ts'
import { makeScenarios, type Scenario } from '../reader/scenarios.ts'
import { digits } from '../support/table.ts'
import type { Results } from './aims.ts'
import { nativeAnswers } from './answers.ts'
import { measureSubject, type Place, type Sample } from './measure.ts'
import { parseOptions, SCENARIO_NAMES } from './options.ts'
import { report, traceText } from './report.ts'
import { Site } from './site.ts'
import { Stage } from './stage.ts'

const RESULTS = join(import.meta.dirname, '../results')

const options = parseOptions(process.argv.slice(2))
const all: { readonly results: Results; readonly scenarios: readonly Scenario[] }[] = []
const texts: string[] = []
const { stdout } = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' })
const machine = `${cpus()[0]!.model}, ${cpus().length} CPUs, Node ${process.version}, commit ${stdout?.trim() || 'unknown'}`

const loadBefore = digits(loadavg()[0]!)
let browser = 'no browser'
let concluded = false
let stage: Stage | undefined
let site: Site | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    conclude()
    await leave().catch(() => {})
    process.exit(1)
  })
}
try {
  for (const size of options.sizes) await measureSize(size)
} finally {
  conclude()
}

async function measureSize(size: Size): Promise<void> {
  progress(`${size}: making the bucket`)
  const bucket = await benchBucket(size, options.hours)
  texts.push(describe(size, bucket))
  const scenarios = scenariosFor(bucket)
  const answers = nativeAnswers(bucket.databasePath, scenarios)
  try {
    site = await Site.build(bucket)
    const { timeoutSeconds, trace } = options
    for (const protocol of options.protocols) {
      stage = await Stage.start(site.root, protocol)
      browser = `Chromium ${stage.browserVersion}`
      const place = { stage, scenarios, answers, timeoutSeconds, trace }
      for (const line of options.lines) {
        stage.set(line)
        const lineMbit = await stage.measureLine()
        const results: Results = { size, line, protocol, lineMbit, samples: [], failures: [] }
        all.push({ results, scenarios })
        await measureLine(place, results)
      }
      await stage.stop()
      stage = undefined
    }
  } finally {
    await leave()
  }
}

async function measureLine(place: Place, results: Results): Promise<void> {
  for (let round = 0; round < options.rounds; round++) {
    for (const subject of round % 2 === 0 ? options.subjects : options.subjects.toReversed()) {
      await measureSubject(place, subject, {
        keep: (sample) => {
          progress(`${results.size} ${results.protocol} ${results.line.name} ${describeSample(sample)}`)
          results.samples.push(sample)
        },
        failed: (what) => {
          progress(`${results.size} ${results.protocol} ${results.line.name} ${what}`)
          results.failures.push(what.slice(0, 600))
        },
      })
    }
  }
}

/** The reader benchmark's queries, in this one's order. */
function scenariosFor({ databasePath }: BuiltBucket): Scenario[] {
  const made = makeScenarios(databasePath)
  return SCENARIO_NAMES.filter((name) => name === 'open' || options.only.includes(name)).map(
    (wanted) => made.find(({ name }) => name === wanted)!,
  )
}

function describe(size: Size, { databaseBytes, planFiles, planBytes, files }: BuiltBucket): string {
  const levels = files.flatMap((count, level) => (count > 0 ? [`L${level} ${count}`] : [])).join(', ')
  const plan = `${planFiles} planned files of ${Math.round(planBytes / 1e6)} MB`
  return `${size}: ${Math.round(databaseBytes / 1e6)} MB, frozen in one file; living in ${plan}, in the bucket ${levels}`
}

function describeSample({ exchanges, ...sample }: Sample): string {
  return JSON.stringify(sample) + (exchanges === undefined ? '' : `\n${traceText(exchanges)}`)
}

function progress(text: string): void {
  process.stderr.write(`${new Date().toISOString()} ${text}\n`)
}

async function leave(): Promise<void> {
  await stage?.stop()
  stage = undefined
  site?.remove()
  site = undefined
}

/** Report what there is, once: a run that is cut short keeps what it has measured. */
function conclude(): void {
  if (concluded) return
  concluded = true
  const load = `load ${loadBefore} before, ${digits(loadavg()[0]!)} after`
  console.log(`${machine}, ${browser}, ${load}; ${options.rounds} round(s)\n\n${texts.join('\n')}`)
  for (const { results, scenarios } of all) console.log(`\n${report(results, scenarios)}`)
  mkdirSync(RESULTS, { recursive: true })
  const file = join(RESULTS, `browser-${new Date().toISOString().replaceAll(':', '-')}.json`)
  const results = all.map((one) => one.results)
  writeFileSync(file, JSON.stringify({ machine, browser, load, options, buckets: texts, results }, undefined, 2))
  console.log(`\n${file}`)
}
