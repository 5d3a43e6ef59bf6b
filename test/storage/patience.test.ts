import { expect, test } from 'vitest'
import { Patience } from '../../storage/patience.ts'

/** A clock that is set by hand, and waits on it. */
function clock() {
  let ms = 0
  return {
    now: () => ms,
    wait: async (by: number): Promise<void> => {
      await Promise.resolve()
      ms += by
    },
  }
}

test('silence uses it up', async () => {
  const { now, wait } = clock()
  const patience = new Patience({ idleMs: 100, now })
  expect(patience.left).toBe(100)
  await patience.count(wait(60))
  expect(patience.left).toBe(40)
  await patience.count(wait(60))
  expect(patience.left).toBeLessThanOrEqual(0)
})

test('each byte gives a millisecond back, up to what there was', async () => {
  const { now, wait } = clock()
  const patience = new Patience({ idleMs: 100, now })
  await patience.count(wait(60))
  patience.heard(10)
  expect(patience.left).toBe(50)
  patience.heard(1_000_000)
  expect(patience.left).toBe(100)
})

test('so a server that drips has no more time than one that is silent, and what it sends', async () => {
  const { now, wait } = clock()
  const patience = new Patience({ idleMs: 30_000, now })
  let bytes = 0
  for (; patience.left > 0; bytes++) {
    await patience.count(wait(1000))
    patience.heard(1)
  }
  expect(now()).toBeGreaterThan(30_000)
  expect(now()).toBeLessThan(30_000 + bytes + 1000)
})

test('in all it is used up whatever is sent', async () => {
  const { now, wait } = clock()
  const patience = new Patience({ idleMs: 100, totalMs: 1000, now })
  let rounds = 0
  for (; patience.left > 0; rounds++) {
    await patience.count(wait(10))
    patience.heard(1_000_000)
  }
  expect(rounds).toBe(100)
})

test('what nobody waits for does not count, a failure does', async () => {
  const { now, wait } = clock()
  const patience = new Patience({ idleMs: 100, now })
  await wait(1_000_000)
  expect(patience.left).toBe(100)
  const failing = wait(30).then(() => Promise.reject(new Error('x')))
  await expect(patience.count(failing)).rejects.toThrow('x')
  expect(patience.left).toBe(70)
})
