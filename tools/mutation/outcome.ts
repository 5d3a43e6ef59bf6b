import { relative } from 'node:path'
import type { MutantResult } from '@stryker-mutator/api/core'
import { changedText } from './source-text.ts'

/** How a mutant ended. An error outside of tests (an unhandled rejection) fails a run, and so kills. */
export type Fate = 'killed' | 'timeout' | 'survived' | 'no coverage'

/** One mutant's end, for people and for the report file. */
export interface Outcome {
  /** Relative to the working directory, with line and column from 1. */
  readonly place: string
  readonly mutator: string
  readonly original: string
  readonly replacement: string
  readonly fate: Fate
  /** How many tests ran over it. */
  readonly coveredBy: number
  readonly killedBy?: string
}

const FATES: Partial<Record<MutantResult['status'], Fate>> = {
  Killed: 'killed',
  RuntimeError: 'killed',
  Timeout: 'timeout',
  Survived: 'survived',
  NoCoverage: 'no coverage',
}

/** @returns undefined for mutants that were not chosen */
export function outcomeOf(result: MutantResult): Outcome | undefined {
  const fate = FATES[result.status]
  if (fate === undefined) return undefined
  const { line, column } = result.location.start
  return {
    place: `${relative(process.cwd(), result.fileName)}:${line}:${column}`,
    mutator: result.mutatorName,
    original: changedText({ ...result, location: fromZero(result.location) }).original,
    replacement: result.replacement,
    fate,
    coveredBy: result.coveredBy?.length ?? 0,
    ...(result.killedBy?.[0] !== undefined && { killedBy: result.killedBy[0] }),
  }
}

function fromZero({ start, end }: MutantResult['location']): MutantResult['location'] {
  return {
    start: { line: start.line - 1, column: start.column - 1 },
    end: { line: end.line - 1, column: end.column - 1 },
  }
}

/** How many there are of each fate, and the share that tests noticed. */
export interface Score extends Readonly<Record<Fate, number>> {
  /** 0..1 */
  readonly score: number
}

/** Count outcomes. Of none at all the score is 1. */
export function scoreOf(outcomes: readonly Outcome[]): Score {
  const count = { killed: 0, timeout: 0, survived: 0, 'no coverage': 0 }
  for (const { fate } of outcomes) count[fate]++
  return { ...count, score: outcomes.length === 0 ? 1 : (count.killed + count.timeout) / outcomes.length }
}

/** For people: what was changed where, and how that ended. */
export function describeOutcome({ fate, place, mutator, original, replacement, coveredBy }: Outcome): string {
  return `${fate}: ${place} ${mutator}, ${coveredBy} tests\n  - ${clip(original)}\n  + ${clip(replacement)}`
}

function clip(text: string): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length > 110 ? `${line.slice(0, 107)}...` : line
}
