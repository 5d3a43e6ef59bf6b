import { expect, test } from 'vitest'
import type { Prepared } from '../../vfs/connection/prepared.ts'
import { StatementCache } from '../../vfs/connection/statement-cache.ts'

/** A statement that counts what is done to it. */
function statement(sql: string) {
  const done = { cleared: 0, finalized: 0 }
  const made = {
    sql,
    clear: () => {
      done.cleared++
    },
    finalize: () => {
      done.finalized++
    },
  }
  return { prepared: made as unknown as Prepared, done }
}

test('one that was given back is there again, without its parameters; one in use is not', () => {
  const cache = new StatementCache()
  const { prepared, done } = statement('a')
  expect(cache.take('a')).toBeUndefined()
  expect(cache.add(prepared)).toBe(prepared)
  expect(cache.busy).toBe(1)
  expect(cache.take('a')).toBeUndefined()
  cache.put(prepared, true)
  expect(cache.busy).toBe(0)
  expect(done).toEqual({ cleared: 1, finalized: 0 })
  expect(cache.take('a')).toBe(prepared)
  expect(cache.busy).toBe(1)
  expect(cache.take('a')).toBeUndefined()
})

test('one that is not to be kept is finalized', () => {
  const cache = new StatementCache()
  const { prepared, done } = statement('PRAGMA x')
  cache.add(prepared)
  cache.put(prepared, false)
  expect(cache.take('PRAGMA x')).toBeUndefined()
  expect(done).toEqual({ cleared: 0, finalized: 1 })
})

test('of two with the same text one is kept', () => {
  const cache = new StatementCache()
  const [first, second] = [statement('a'), statement('a')]
  cache.add(first.prepared)
  cache.add(second.prepared)
  cache.put(first.prepared, true)
  cache.put(second.prepared, true)
  expect(first.done.finalized).toBe(0)
  expect(second.done.finalized).toBe(1)
  expect(cache.take('a')).toBe(first.prepared)
})

test('sixty-four are kept: the one that was used longest ago goes', () => {
  const cache = new StatementCache()
  const made = Array.from({ length: 65 }, (_, i) => statement(`s${i}`))
  const use = (i: number): void => {
    const { prepared } = made[i]!
    cache.put(cache.take(prepared.sql) ?? cache.add(prepared), true)
  }
  for (let i = 0; i < 64; i++) use(i)
  expect(made.map(({ done }) => done.finalized).indexOf(1)).toBe(-1)
  use(0)
  use(64)
  expect(made.map(({ done }) => done.finalized).indexOf(1)).toBe(1)
  expect(made.reduce((sum, { done }) => sum + done.finalized, 0)).toBe(1)
  expect(cache.take('s1')).toBeUndefined()
  expect(cache.take('s0')).toBe(made[0]!.prepared)
})

test('all die with their database, those in use too, and none a second time', () => {
  const cache = new StatementCache()
  const [idle, busy] = [statement('idle'), statement('busy')]
  cache.add(idle.prepared)
  cache.put(idle.prepared, true)
  cache.add(busy.prepared)
  cache.clear()
  expect([idle.done.finalized, busy.done.finalized]).toEqual([1, 1])
  expect(cache.busy).toBe(0)
  cache.put(busy.prepared, true)
  expect(busy.done).toEqual({ cleared: 0, finalized: 1 })
  expect(cache.take('idle')).toBeUndefined()
  expect(cache.take('busy')).toBeUndefined()
})
