import { expect, test } from 'vitest'
import { Turns } from '../../vfs/engine/yielding.ts'

test('a turn is due after 12 ms', () => {
  let now = 0
  const turns = new Turns(() => now)
  expect(turns.look()).toBe(false)
  now = 13
  expect(turns.look()).toBe(true)
})

test('a turn is due after so many looks, where the clock stands still', async () => {
  const turns = new Turns(() => 0)
  for (const round of [1, 2]) {
    for (let i = 0; i < 100; i++) expect(turns.look(), `look ${i} of round ${round}`).toBe(false)
    expect(turns.look()).toBe(true)
    await turns.take()
  }
})

test('between short queries one is due after 12 ms, or after a thousand of them', async () => {
  let now = 0
  const turns = new Turns(() => now)
  expect(turns.lookBetween()).toBe(false)
  for (let i = 0; i < 1000; i++) expect(turns.lookBetween(), `look ${i}`).toBe(false)
  expect(turns.lookBetween()).toBe(true)
  await turns.take()
  expect(turns.lookBetween()).toBe(false)
  now = 13
  expect(turns.lookBetween()).toBe(true)
})

test('who has waited for something else has had a turn', async () => {
  let now = 0
  const turns = new Turns(() => now)
  expect(turns.lookBetween()).toBe(false)
  now = 13
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(turns.lookBetween()).toBe(false)
})
