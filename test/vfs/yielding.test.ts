import { expect, test } from 'vitest'
import { Yielding } from '../../vfs/engine/yielding.ts'

test('a turn is due after 12 ms', () => {
  let now = 0
  const turns = new Yielding(() => now)
  expect(turns.isDue()).toBe(false)
  now = 13
  expect(turns.isDue()).toBe(true)
})

test('a turn is due after so many looks, where the clock stands still', async () => {
  const turns = new Yielding(() => 0)
  for (const round of [1, 2]) {
    for (let i = 0; i < 100; i++) expect(turns.isDue(), `look ${i} of round ${round}`).toBe(false)
    expect(turns.isDue()).toBe(true)
    await turns.yield()
  }
})

test('between short queries one is due after 12 ms, or after a thousand of them', async () => {
  let now = 0
  const turns = new Yielding(() => now)
  expect(turns.isDueBetween()).toBe(false)
  for (let i = 0; i < 1000; i++) expect(turns.isDueBetween(), `look ${i}`).toBe(false)
  expect(turns.isDueBetween()).toBe(true)
  await turns.yield()
  expect(turns.isDueBetween()).toBe(false)
  now = 13
  expect(turns.isDueBetween()).toBe(true)
})

test('who has waited for something else has had a turn', async () => {
  let now = 0
  const turns = new Yielding(() => now)
  expect(turns.isDueBetween()).toBe(false)
  now = 13
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(turns.isDueBetween()).toBe(false)
})
