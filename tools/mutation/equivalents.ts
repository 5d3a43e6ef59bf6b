import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Change } from './mutants.ts'
import { changedText } from './source-text.ts'

/** A change that cannot change behaviour. Known by its text, since files move and lines shift. */
export interface Equivalent {
  /** The line that the change begins in, without blanks at its ends. */
  readonly line: string
  /** What is replaced; the first line is enough where it has several. */
  readonly original: string
  readonly replacement: string
  /** Why no test can notice. */
  readonly reason: string
}

/** Read `equivalent.json`. */
export function readEquivalents(): Equivalent[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'equivalent.json'), 'utf8'))
}

/** @returns the entry that names a change, if there is one */
export function findEquivalent(equivalents: readonly Equivalent[], change: Change): Equivalent | undefined {
  const { line, original } = changedText(change)
  return equivalents.find((known) => {
    return known.line === line && known.original === firstLine(original) && known.replacement === change.replacement
  })
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!
}
