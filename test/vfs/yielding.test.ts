import { expect, onTestFinished, test, vi } from 'vitest'
import { nextTurn, Yielding } from '../../vfs/engine/yielding.ts'

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

test('a turn is due when more than 12 ms have gone by, not with the twelfth', () => {
  let now = 0
  const turns = new Yielding(() => now)
  now = 12
  expect(turns.isDue()).toBe(false)
  now = 12.5
  expect(turns.isDue()).toBe(true)
})

test.each(['setImmediate', 'setTimeout'])('with %s: a turn lets run what is due, and counts as one', async (name) => {
  const due = setImmediate
  if (name === 'setTimeout') {
    vi.stubGlobal('setImmediate', undefined)
    onTestFinished(() => void vi.unstubAllGlobals())
  }
  let now = 0
  const turns = new Yielding(() => now)
  now = 13
  let turned = false
  due(() => {
    turned = true
  })
  await turns.yieldIfDue()
  expect(turned).toBe(true)
  expect(turns.isDue()).toBe(false)
})

test('what is not due is not waited for', async () => {
  let turned = false
  const immediate = setImmediate(() => {
    turned = true
  })
  await new Yielding(() => 0).yieldIfDue()
  expect(turned).toBe(false)
  clearImmediate(immediate)
})

test('the next turn comes after what was asked for before it', async () => {
  let turned = false
  setTimeout(() => {
    turned = true
  }, 0)
  await nextTurn()
  expect(turned).toBe(true)
})
