import { expect, test } from 'vitest'
import { readEquivalents } from '../../tools/mutation/equivalents.ts'
import { type Outcome, scoreOf } from '../../tools/mutation/outcome.ts'
import { pickSample } from '../../tools/mutation/pick-sample.ts'

const ALL = Array.from({ length: 1000 }, (_, i) => i)

test('a sample is its seed’s: so many, in order, none twice, from everywhere', () => {
  const sample = pickSample(ALL, 100, 1)
  expect(sample).toEqual(pickSample(ALL, 100, 1))
  expect(sample).not.toEqual(pickSample(ALL, 100, 2))
  expect(new Set(sample).size).toBe(100)
  expect(sample).toEqual([...sample].sort((a, b) => a - b))
  for (let tenth = 0; tenth < 10; tenth++) {
    expect(sample.filter((i) => Math.floor(i / 100) === tenth).length, `tenth ${tenth}`).toBeGreaterThan(2)
  }
  expect(pickSample(ALL, 5000, 1)).toEqual(ALL)
})

test('the score is the share that tests noticed; code that no test reaches counts against it', () => {
  const outcome = { place: 'a.ts:1:1', mutator: 'm', original: 'a', replacement: 'b', coveredBy: 1 }
  const of = (...fates: Outcome['fate'][]) => scoreOf(fates.map((fate) => ({ ...outcome, fate }))).score
  expect(of('killed', 'timeout', 'survived', 'no coverage')).toBe(0.5)
  expect(of()).toBe(1)
})

test('each equivalent mutant has its reason, and is named once', () => {
  const equivalents = readEquivalents()
  const keys = equivalents.map(({ line, original, replacement }) => JSON.stringify([line, original, replacement]))
  expect(new Set(keys).size).toBe(keys.length)
  expect(equivalents.filter(({ reason }) => reason.trim() === '')).toEqual([])
})
