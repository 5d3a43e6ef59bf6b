import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '../..')

/** One row of docs/compatibility.md. */
export interface CompatibilityRow {
  /** The heading that it stands under: `3.1 Global`. */
  readonly section: string
  readonly item: string
  /** `done`, `differs: in what`, `not: why`. */
  readonly state: string
  readonly tests: readonly { readonly file: string; readonly title: string }[]
}

/** The rows of docs/compatibility.md, in order. @throws Error for a row that has another form */
export function compatibilityRows(): CompatibilityRow[] {
  const rows: CompatibilityRow[] = []
  let section = ''
  for (const line of readFileSync(join(ROOT, 'docs/compatibility.md'), 'utf8').split('\n')) {
    const heading = /^###? (\d+(?:\.\d+)?)\.? (.*)$/.exec(line)
    if (heading) section = `${heading[1]} ${heading[2]}`
    if (!line.startsWith('| ') || line.startsWith('| ---') || line === '| item | state | shown by |') continue
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim())
    if (cells.length !== 5) throw new Error(`A row has item, state and tests: ${line}`)
    const [, item, state, shown] = cells as [string, string, string, string]
    rows.push({ section, item, state, tests: shown === '' ? [] : shown.split('<br>').map(readTest) })
  }
  return rows
}

function readTest(text: string): { readonly file: string; readonly title: string } {
  const [, file, title] = /^`(test\/[^`]+\.test\.ts)`: (.+)$/.exec(text) ?? []
  if (file === undefined || title === undefined) throw new Error(`Not the name of a test: ${text}`)
  return { file, title }
}

const TITLE = /(?:\b(?:test|it)(?:\.\w+)*|\))\(\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)\s*,/g

/** The titles of the tests in a file, as its source spells them, `%s` and all. */
export function testTitles(file: string): Set<string> {
  const titles = new Set<string>()
  for (const [, single, double, template] of readFileSync(join(ROOT, file), 'utf8').matchAll(TITLE)) {
    titles.add((single ?? double ?? template)!.replaceAll(/\\(.)/g, '$1'))
  }
  return titles
}
