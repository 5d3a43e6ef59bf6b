import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ROOT } from './compatibility-rows.ts'
import { projectFiles } from './project-files.ts'

/** One section that a text refers to. */
export interface Citation {
  /** The page's name, without `.md`. */
  readonly page: string
  /** `6.2`, or `10`. */
  readonly section: string
  /** Where the text says so, from 1. */
  readonly line: number
}

/** The pages of docs/background, by name, and the numbers of their headings as they stand there. */
export type Background = ReadonlyMap<string, readonly string[]>

/** A blank between two words: in a comment the line may end there. */
const GAP = String.raw`(?:[ \t]*\n[ \t]*(?:\*|\/\/)?[ \t]*|[ \t]+)`
const NUMBER = String.raw`\d+(?:\.\d+)*`
const NUMBERS = String.raw`${NUMBER}(?:(?:,|${GAP}and|${GAP}to)${GAP}${NUMBER}\b)*`
const HEADING = /^#{2,4} (\d+(?:\.\d+)*)\.? /gm

/** Read docs/background. */
export function readBackground(): Background {
  const files = projectFiles('docs/background/*.md').filter((file) => basename(file) !== 'README.md')
  return new Map(
    files.map((file) => [basename(file, '.md'), headingNumbers(readFileSync(join(ROOT, file), 'utf8'))] as const),
  )
}

/** The numbers of a page's headings, in order. */
export function headingNumbers(text: string): string[] {
  return [...text.matchAll(HEADING)].map(([, number]) => number!)
}

/**
 * Every section that a text refers to: a page of docs/background and a number, or any `name.md` and a number. A list and a
 * range are all of their sections.
 */
export function findCitations(text: string, pages: Iterable<string>): Citation[] {
  const names = [...pages].join('|')
  const pattern = new RegExp(String.raw`(?<![\w./-])(?:(${names})(?:\.md)?|([\w-]+)\.md)${GAP}(${NUMBERS})`, 'gi')
  return [...text.matchAll(pattern)].flatMap(({ 0: whole, 1: known, 2: other, 3: numbers, index }) => {
    const line = text.slice(0, index + whole.search(/\d/)).split('\n').length
    const page = (known ?? other)!.toLowerCase()
    return sections(numbers!).map((section) => ({ page, section, line }))
  })
}

/** `6.2 and 10` as its two numbers, `5.1 to 5.3` as its three. */
function sections(numbers: string): string[] {
  const found: string[] = []
  let isRange = false
  for (const [word] of numbers.matchAll(/to|[\d.]+/g)) {
    if (word !== 'to') found.push(...(isRange ? between(found.at(-1)!, word) : []), word)
    isRange = word === 'to'
  }
  return found
}

/** What lies between two sections of one chapter. */
function between(first: string, last: string): string[] {
  const chapter = first.split('.').slice(0, -1)
  const [from, to] = [first, last].map((number) => Number(number.split('.').at(-1)))
  return Array.from({ length: Math.max(0, to! - from! - 1) }, (_, i) => [...chapter, from! + 1 + i].join('.'))
}

/** Citations that lead nowhere, as `file:line: page section`. */
export function deadCitations(file: string, text: string, background: Background): string[] {
  return findCitations(text, background.keys())
    .filter(({ page, section }) => !background.get(page)?.includes(section))
    .map(({ page, section, line }) => `${file}:${line}: ${page} ${section}`)
}
