import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { matchesGlob, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { LogLevel } from '@stryker-mutator/api/core'
import { Stryker } from '@stryker-mutator/core'
import { CHOSEN_ONLY } from './chosen-only.ts'
import { findEquivalent, readEquivalents } from './equivalents.ts'
import { FOLDERS } from './folders.ts'
import { LIVE_REPORT } from './live-report.ts'
import { changeKey, EXCLUDED_MUTATORS, findMutants } from './mutants.ts'
import { outcomeOf, scoreOf } from './outcome.ts'
import { pickSample } from './pick-sample.ts'

const HELP = `npm run test:mutation -- --folder replica [--sample 150] [--seed 1]

Changes the code of a folder, one small change at a time, and runs the tests that pass there. A change that no test
notices survives. Ends with 1 where the score is below --least.

  --folder NAME      ${Object.keys(FOLDERS).join(' or ')} (tools/mutation/folders.ts)
  --sample N         only N changes, drawn by --seed (default 1); without it all of them
  --files GLOB       only changes in these files
  --tests GLOBS      only these tests, with commas between
  --concurrency N    processes at a time (default 2)
  --least PERCENT    the score to reach (default 0)

The report with every change is build/mutation/NAME.json. Changes that cannot change behaviour stand in
tools/mutation/equivalent.json with the reason, and are not made.`

const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    files: { type: 'string' },
    tests: { type: 'string' },
    concurrency: { type: 'string', default: '2' },
    least: { type: 'string', default: '0' },
    help: { type: 'boolean', default: false },
  },
})
const name = values.folder ?? ''
const folder = FOLDERS[name]
if (folder === undefined || values.help) {
  console.log(HELP)
  process.exit(values.help ? 0 : 2)
}

const build = resolve('build/mutation')
const files = values.files
const found = (await findMutants(folder.mutate)).filter(
  ({ fileName }) => files === undefined || matchesGlob(relative('.', fileName), files),
)
const equivalents = readEquivalents()
const named = new Set(found.flatMap((mutant) => findEquivalent(equivalents, mutant) ?? []))
const worth = found.filter((mutant) => findEquivalent(equivalents, mutant) === undefined)
const chosen =
  values.sample === undefined ? worth : pickSample(worth, wholeNumber('sample', values.sample), Number(values.seed))
console.log(`${name}: ${found.length} mutants, ${found.length - worth.length} equivalent, ${chosen.length} to try`)
if (chosen.length === 0) process.exit(0)

mkdirSync(build, { recursive: true })
// Runs beside one another keep out of each other's way.
const chosenFile = resolve(build, `chosen-${process.pid}.json`)
writeFileSync(chosenFile, JSON.stringify(chosen.map(changeKey)))
process.env.LITETAP_MUTATION_CHOSEN = chosenFile
process.env.LITETAP_MUTATION_FOLDER = name
if (values.tests !== undefined) process.env.LITETAP_MUTATION_TESTS = values.tests

const began = performance.now()
const results = await new Stryker({
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner', plugin('chosen-only.ts'), plugin('live-report.ts')],
  checkers: [CHOSEN_ONLY],
  vitest: { configFile: 'tools/mutation/vitest.config.ts', pool: 'forks', related: true },
  mutate: [...new Set(chosen.map(({ fileName }) => relative('.', fileName)))],
  mutator: { excludedMutations: EXCLUDED_MUTATORS },
  coverageAnalysis: 'perTest',
  concurrency: wholeNumber('concurrency', values.concurrency),
  // Endless loops are told by counting; the time is for what hangs beside its test, on a machine that is busy.
  timeoutMS: 30_000,
  timeoutFactor: 2,
  dryRunTimeoutMinutes: 30,
  tempDirName: `build/mutation/sandbox-${process.pid}`,
  cleanTempDir: 'always',
  ignorePatterns: ['/build/mutation', '/dist', '/docs/screenshots', '/bench/results'],
  // Stryker would read tsconfig.json through an API that TypeScript 7 has no more. No file of this name: no need.
  tsconfigFile: 'none.json',
  disableTypeChecks: false,
  reporters: [LIVE_REPORT],
  logLevel: 'warn' as LogLevel,
  allowConsoleColors: false,
  warnings: false,
}).runMutationTest()

rmSync(chosenFile)
const outcomes = results.flatMap((result) => outcomeOf(result) ?? [])
const score = scoreOf(outcomes)
const seconds = (performance.now() - began) / 1000
writeFileSync(
  resolve(build, `${name}.json`),
  `${JSON.stringify({ folder: name, ...values, seconds, ...score, outcomes }, undefined, 2)}\n`,
)

for (const { line, replacement } of equivalents.filter((known) => !named.has(known))) {
  if (files === undefined) console.log(`\nnames no mutant of ${name}: ${line} -> ${replacement}`)
}
console.log(
  `\n${name}: ${outcomes.length} mutants, ${score.killed} killed, ${score.timeout} timeouts, ${score.survived} survived, ` +
    `${score['no coverage']} without coverage; score ${(score.score * 100).toFixed(1)} %; ` +
    `${Math.round(seconds)} s, ${(seconds / outcomes.length).toFixed(1)} s a mutant`,
)
process.exitCode = score.score * 100 < Number(values.least) ? 1 : 0

function plugin(file: string): string {
  return resolve(import.meta.dirname, file)
}

function wholeNumber(flag: string, text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1) throw new RangeError(`--${flag}: expected a whole number above 0`)
  return number
}
