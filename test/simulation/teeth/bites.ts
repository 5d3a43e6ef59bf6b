import { expect, test } from 'vitest'
import { suiteDir } from '../../support/temp-dir.ts'
import { runSeed, warmUp } from '../run-seed.ts'
import { makeHistories } from '../scenario.ts'
import { TEETH } from './teeth.ts'

/** The project's config has put its fault back before anything was loaded. */
const tooth = TEETH.find(({ fault }) => fault === process.env.LITETAP_TOOTH)!
const dir = suiteDir()

test(`the simulation finds it: ${tooth.fault}`, async () => {
  const histories = makeHistories(dir)
  await warmUp(histories)
  for (let seed = 1; seed <= tooth.seeds; seed++) {
    const { failure } = await runSeed(seed, histories)
    if (failure === undefined) continue
    console.log(`${tooth.fault}: seed ${seed} of ${tooth.seeds}: ${failure.message.slice(0, 300)}`)
    return
  }
  expect.fail(`${tooth.seeds} runs have not found it`)
}, 3_600_000)
