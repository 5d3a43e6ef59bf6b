import type { MutantResult } from '@stryker-mutator/api/core'
import { PluginKind } from '@stryker-mutator/api/plugin'
import { describeOutcome, outcomeOf } from './outcome.ts'

/** Stryker's name for the reporter of this file. */
export const LIVE_REPORT = 'live-report'

/** Tells of each mutant when its end is known: a dot when tests noticed it, otherwise what it was. */
class LiveReport {
  onMutantTested(result: Readonly<MutantResult>): void {
    const outcome = outcomeOf(result)
    if (outcome === undefined) return
    process.stdout.write(outcome.fate === 'killed' ? '.' : `\n${describeOutcome(outcome)}\n`)
  }
}

export const strykerPlugins = [{ kind: PluginKind.Reporter, name: LIVE_REPORT, injectableClass: LiveReport }]
