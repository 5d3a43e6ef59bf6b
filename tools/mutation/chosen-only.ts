import { readFileSync } from 'node:fs'
import { type CheckResult, CheckStatus } from '@stryker-mutator/api/check'
import { PluginKind } from '@stryker-mutator/api/plugin'
import { type Change, changeKey } from './mutants.ts'

/** Stryker's name for the checker of this file. */
export const CHOSEN_ONLY = 'chosen-only'

/** Lets only those mutants run whose keys stand in the file that `LITETAP_MUTATION_CHOSEN` names. */
class ChosenOnly {
  #chosen: ReadonlySet<string> = new Set()

  async init(): Promise<void> {
    this.#chosen = new Set<string>(JSON.parse(readFileSync(process.env.LITETAP_MUTATION_CHOSEN ?? '', 'utf8')))
  }

  /** One group: a message to this process for each mutant would take longer than the check. */
  async group(mutants: readonly { id: string }[]): Promise<string[][]> {
    return [mutants.map(({ id }) => id)]
  }

  async check(mutants: readonly (Change & { id: string })[]): Promise<Record<string, CheckResult>> {
    return Object.fromEntries(
      mutants.map((mutant) => {
        const result: CheckResult = this.#chosen.has(changeKey(mutant))
          ? { status: CheckStatus.Passed }
          : { status: CheckStatus.CompileError, reason: 'not chosen' }
        return [mutant.id, result]
      }),
    )
  }
}

export const strykerPlugins = [{ kind: PluginKind.Checker, name: CHOSEN_ONLY, injectableClass: ChosenOnly }]
