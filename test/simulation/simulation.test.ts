import { expect, test } from 'vitest'
import { suiteDir } from '../support/temp-dir.ts'
import { type Failure, runSeed, warmUp } from './run-seed.ts'
import { makeHistories } from './scenario.ts'

/** `LITETAP_SEEDS=5000 npx vitest run test/simulation`; one seed: `LITETAP_SEED=17`. */
const SEEDS = Number(process.env.LITETAP_SEEDS ?? 300)
/** After so many that were run before. */
const AFTER = Number(process.env.LITETAP_AFTER ?? 0)
const ONE = process.env.LITETAP_SEED
/** One process of several, `0/2`. */
const [SHARD, SHARDS] = (process.env.LITETAP_SHARD ?? '0/1').split('/').map(Number) as [number, number]
const MOST_FAILURES = Number(process.env.LITETAP_FAILURES ?? 5)

const dir = suiteDir()

test(`every result is right, or an error that may be, whatever happens to the bucket`, async () => {
  const all = Array.from({ length: SEEDS }, (_, i) => AFTER + i + 1).filter((seed) => seed % SHARDS === SHARD)
  const seeds = ONE === undefined ? all : [Number(ONE)]
  const histories = makeHistories(dir)
  await warmUp(histories)
  const failures: Failure[] = []
  let compared = 0
  const begun = performance.now()
  for (const seed of seeds) {
    const outcome = await runSeed(seed, histories)
    compared += outcome.compared
    if (outcome.failure) {
      failures.push(outcome.failure)
      console.log(report(outcome.failure)) // a long run tells at once
    }
    if (failures.length >= MOST_FAILURES) break
  }
  const seconds = (performance.now() - begun) / 1000
  console.log(
    `${seeds.length} seeds after ${AFTER}, ${compared} results compared, ${(seeds.length / seconds).toFixed(1)} seeds a second`,
  )
  if (ONE !== undefined) console.log(failures[0]?.trace.join('\n'))
  expect(failures.map(report).join('\n\n')).toBe('')
  expect(compared).toBeGreaterThan(seeds.length * 10)
}, 7_200_000)

function report({ seed, message, trace }: Failure): string {
  return `LITETAP_SEED=${seed}: ${message}\n${[trace[0], ...trace.slice(-25)].join('\n')}`
}
