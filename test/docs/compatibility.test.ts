import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compatibilityRows, ROOT, testTitles } from './compatibility-rows.ts'

const FEATURES = JSON.parse(readFileSync(join(import.meta.dirname, 'litestream-features.json'), 'utf8')) as {
  readonly section: string
  readonly items: readonly string[]
}[]
const REASON_WORDS_MIN = 10

const rows = compatibilityRows()
/** In whose name a complaint is made. */
const nameOf = ({ section, item }: { section: string; item: string }) => `${section}: ${item}`

test('there is a row for every feature of Litestream, and for nothing else', () => {
  const wanted = FEATURES.flatMap(({ section, items }) => items.map((item) => nameOf({ section, item })))
  expect(wanted.length).toBeGreaterThan(280)
  expect(rows.map(nameOf)).toEqual(wanted)
})

test('each one is done, differs, or is not there, and the reason is told', () => {
  for (const row of rows) {
    const [, state, reason = ''] = /^(done|differs|not)(?:: (\S.*))?$/.exec(row.state) ?? []
    expect(state, nameOf(row)).toBeDefined()
    expect(reason === '', nameOf(row)).toBe(state === 'done')
    if (state === 'not') expect(reason.split(/\s+/).length, nameOf(row)).toBeGreaterThanOrEqual(REASON_WORDS_MIN)
  }
})

test('what is done or differs is shown by a test that stands where it is said to', () => {
  const missing: string[] = []
  for (const row of rows) {
    if (!row.state.startsWith('not') && row.tests.length === 0) missing.push(`${nameOf(row)}: no test`)
    for (const { file, title } of row.tests) {
      if (!existsSync(join(ROOT, file))) missing.push(`${nameOf(row)}: ${file} is not there`)
      else if (!testTitles(file).has(title)) missing.push(`${nameOf(row)}: ${file} has no test "${title}"`)
    }
  }
  expect(missing).toEqual([])
})

test('the rows of stores that were never reached themselves say what stood in for them', () => {
  const stateOf = (item: string) => rows.find((row) => row.item === item)!.state
  expect(stateOf('gs')).toMatch(/emulator behind a shim/)
  expect(stateOf('abs')).toMatch(/Azurite/)
  expect(stateOf('oss')).toMatch(/no real OSS/)
  expect(stateOf('`sse-kms-key-id`')).toMatch(/testing KMS/)
})
