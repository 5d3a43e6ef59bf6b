import { expect, test } from 'vitest'
import { InFlightLimit } from '../../replica/pages/in-flight-limit.ts'
import { seededRandom } from '../support/random.ts'

/** A reader that always has more to ask for, and a runtime that serves `slots` requests at once, each in about `ms`. */
function run(limit: InFlightLimit, { slots, ms, rounds, random }: Serving): number[] {
  const free = Array.from({ length: slots }, () => 0)
  const underWay: { readonly sentAt: number; readonly endsAt: number; readonly inFlight: number }[] = []
  const values: number[] = []
  let now = 0
  for (let answers = 0; answers < rounds; answers++) {
    while (underWay.length < limit.value) {
      const slot = free.indexOf(Math.min(...free))
      const endsAt = Math.max(now, free[slot]!) + ms * (1 + 0.2 * random())
      free[slot] = endsAt
      underWay.push({ sentAt: now, endsAt, inFlight: underWay.length + 1 })
    }
    underWay.sort((a, b) => a.endsAt - b.endsAt)
    const done = underWay.shift()!
    now = done.endsAt
    limit.answered(now - done.sentAt, done.inFlight)
    values.push(limit.value)
  }
  return values
}

interface Serving {
  readonly slots: number
  readonly ms: number
  readonly rounds: number
  readonly random: () => number
}

const random = seededRandom(20261125)

test.each([5, 30, 200])('six connections of %i ms: the limit stays near what they serve', (ms) => {
  const values = run(new InFlightLimit(8, 96), { slots: 6, ms, rounds: 3000, random })
  expect(Math.min(...values)).toBeGreaterThanOrEqual(8)
  expect(Math.max(...values)).toBeLessThanOrEqual(18)
})

test.each([5, 30, 200])('a hundred requests at once of %i ms: the limit grows to its end within seven rounds', (ms) => {
  const values = run(new InFlightLimit(8, 96), { slots: 100, ms, rounds: 3000, random })
  // What is under way when a round ends does not count for the next one.
  const rounds = 2 * (8 + 12 + 18 + 27 + 41 + 62 + 93)
  expect(new Set(values.slice(rounds))).toEqual(new Set([96]))
})

test('a server that serves fewer than before is asked for less at once', () => {
  const limit = new InFlightLimit(8, 96)
  run(limit, { slots: 100, ms: 30, rounds: 1000, random })
  expect(limit.value).toBe(96)
  const values = run(limit, { slots: 6, ms: 30, rounds: 3000, random })
  expect(values.at(-1)).toBeLessThanOrEqual(18)
})

test('a line that has become slower is not taken for a crowded one', () => {
  const limit = new InFlightLimit(8, 96)
  run(limit, { slots: 100, ms: 5, rounds: 1000, random })
  for (let i = 0; i < 40; i++) limit.answered(100 + 20 * random(), 1) // a query that looks here and there
  run(limit, { slots: 100, ms: 100, rounds: 1000, random })
  expect(limit.value).toBe(96)
})

test('requests one after the other say nothing about many', () => {
  const limit = new InFlightLimit(8, 96)
  for (let i = 0; i < 1000; i++) limit.answered(30, 1)
  expect(limit.value).toBe(8)
})

test('where both ends are the same it never moves', () => {
  const limit = new InFlightLimit(96, 96)
  run(limit, { slots: 6, ms: 30, rounds: 1000, random })
  expect(limit.value).toBe(96)
})
