import { matchesGlob, relative } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { FOLDERS } from './folders.ts'

// `npm run test:mutation` names the folder; Stryker runs this in its copy of the tree.
const folder = FOLDERS[process.env.LITETAP_MUTATION_FOLDER ?? '']
if (folder === undefined) throw new Error('LITETAP_MUTATION_FOLDER names no folder of tools/mutation/folders.ts')
const only = process.env.LITETAP_MUTATION_TESTS?.split(',')
const tests = only ?? folder.tests

/** Long files last, since the first failure ends a run. */
class LongLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) =>
      folder!.last.findIndex((glob) => matchesGlob(relative(process.cwd(), moduleId), glob))
    return files.toSorted((a, b) => place(a) - place(b) || (a.moduleId < b.moduleId ? -1 : 1))
  }
}

export default defineConfig({
  test: {
    include: [...tests],
    exclude: [...(folder.without ?? [])],
    pool: 'forks',
    // A process for each file would take longer than most files.
    isolate: false,
    // What counts its own work against the time that waiting takes needs more of it: code with mutants in it is slower.
    env: { LITETAP_RTT_MS: '40', LITETAP_SEEDS: '60' },
    // A promise that never settles is the commonest mutant of asynchronous code, and costs this much.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    sequence: { sequencer: LongLast },
  },
})
