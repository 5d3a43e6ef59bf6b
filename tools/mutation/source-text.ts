import { readFileSync } from 'node:fs'
import type { Change } from './mutants.ts'

/** What a change replaces, and the line that it begins in. */
export interface ChangedText {
  readonly line: string
  readonly original: string
}

const lines = new Map<string, readonly string[]>()

/** Read the text that a change replaces. Blanks at the ends of the line are dropped. */
export function changedText({ fileName, location: { start, end } }: Change): ChangedText {
  let all = lines.get(fileName)
  if (all === undefined) {
    all = readFileSync(fileName, 'utf8').split('\n')
    lines.set(fileName, all)
  }
  const cut = all.slice(start.line, end.line + 1)
  cut[cut.length - 1] = cut.at(-1)!.slice(0, end.column)
  cut[0] = cut[0]!.slice(start.column)
  return { line: all[start.line]!.trim(), original: cut.join('\n') }
}
