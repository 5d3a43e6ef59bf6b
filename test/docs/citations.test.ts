import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Background, deadCitations, findCitations, headingNumbers, readBackground } from './citations.ts'
import { ROOT } from './compatibility-rows.ts'
import { deadLinks, relativeLinks } from './links.ts'
import { projectFiles } from './project-files.ts'

const background = readBackground()
const pages = projectFiles('**/*.md')
const sources = projectFiles('**/*.ts')
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

test('every section that the project cites is in docs/background', () => {
  expect([...background.keys()]).toEqual(['bridges', 'facts', 'features', 'peers'])
  const files = [...sources, ...pages]
  const cited = files.flatMap((file) => findCitations(textOf(file), background.keys()))
  expect(cited.length).toBeGreaterThan(300)
  expect(files.flatMap((file) => deadCitations(file, textOf(file), background))).toEqual([])
})

test('every page that the project’s code names is there', () => {
  const missing: string[] = []
  for (const file of sources.filter((source) => !source.startsWith('test/docs/citations'))) {
    for (const [name] of textOf(file).matchAll(/(?<![\w./-])[\w./-]*\w\.md\b/g)) {
      const places = [join(ROOT, name), join(ROOT, dirname(file), name), join(ROOT, 'docs/background', name)]
      if (!places.some((place) => existsSync(place))) missing.push(`${file}: ${name}`)
    }
  }
  expect(missing).toEqual([])
})

test('a page of docs/background has each number once, in order, and refers to its own sections only', () => {
  for (const [page, numbers] of background) {
    expect(numbers, page).toEqual([...new Set(numbers)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })))
    const referred = [...textOf(`docs/background/${page}.md`).matchAll(/\((\d+\.\d+)\)/g)].map(([, number]) => number!)
    expect(numbers, page).toEqual(expect.arrayContaining(referred))
  }
})

test('every relative link of a page leads somewhere', () => {
  expect(pages.length).toBeGreaterThan(40)
  expect(pages.flatMap((file) => relativeLinks(textOf(file))).length).toBeGreaterThan(10)
  expect(pages.flatMap((file) => deadLinks(file, textOf(file)))).toEqual([])
})

describe('what is found', () => {
  /** Put together here, so that the tests above do not find it. */
  const cite = (page: string, numbers: string): string => `${page} ${numbers}`
  const known: Background = new Map([['facts', headingNumbers('## 1. One\n\n### 1.1 A\n\n### 1.2 B\n\n## 6. Six\n')]])
  const found = (text: string): string[] => findCitations(text, known.keys()).map((it) => cite(it.page, it.section))

  test.each([
    [cite('facts', '1.1'), ['1.1']],
    [cite('(facts', '1.1, 1.2):'), ['1.1', '1.2']],
    [cite('see Facts', '1.1.'), ['1.1']],
    [cite('facts.md', '6'), ['6']],
    [cite('facts', '1.1 and 6'), ['1.1', '6']],
    [cite('facts', '2.1 to 2.4, 7'), ['2.1', '2.2', '2.3', '2.4', '7']],
    [cite('facts', '3.6, step 8'), ['3.6']],
    [cite(' * by its header (facts', '2.1,\n * 2.2, 2.10). One'), ['2.1', '2.2', '2.10']],
    [cite('  // as upstream (facts\n  //', '2.1)'), ['2.1']],
  ])('%j', (text, sections) => {
    expect(found(text)).toEqual(sections.map((section) => cite('facts', section)))
  })

  test.each(['facts, 1 of them', 'artefacts 3', cite('docs/facts.md', '3'), 'facts and 2 more'])('not %j', (text) => {
    expect(found(text)).toEqual([])
  })

  test('a section that is not there, and a page that is not there, are told with their lines', () => {
    const text = `/**\n * ${cite('facts', '1.1, 1.3')}; ${cite('design.md', '2')}\n */\n// ${cite('facts', '6')}`
    expect(deadCitations('a.ts', text, known)).toEqual([
      `a.ts:2: ${cite('facts', '1.3')}`,
      `a.ts:2: ${cite('design', '2')}`,
    ])
  })

  test('links and pictures, but not code and other hosts', () => {
    const text =
      '[a](b.md) ![c](d.png) <img src="e.png"> [f](https://g.example/h) `[i](j.md)`\n```\n[k](l.md)\n```\n[m](#n)'
    expect(relativeLinks(text)).toEqual(['b.md', 'd.png', 'e.png', '#n'])
  })

  test('a link to a file or a heading that is not there', () => {
    const text =
      '# The One: `x`\n[a](facts.md) [b](../cors.md) [c](#the-one-x) [d](#the-two) [e](none.md) [f](facts.md#11-header) [g](facts.md#12-header) [h](..)'
    const file = 'docs/background/any.md'
    expect(deadLinks(file, text)).toEqual(
      ['#the-two', 'none.md', 'facts.md#12-header'].map((link) => `${file}: ${link}`),
    )
  })
})
