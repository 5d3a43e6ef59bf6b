import { expect, test } from 'vitest'
import { type Holder, idleMs, isDeadlocked } from '../../vfs/connection/holder.ts'
import { Loan } from '../../vfs/connection/loan.ts'

function holder(idleSince: number | undefined, within?: Holder): Holder {
  return { idleSince, within }
}

test('a loan is idle between its calls alone, and a query never', async () => {
  let now = 10
  const lender = { give() {}, discard() {} }
  const loan = new Loan({} as never, lender, () => now)
  expect(loan.idleSince).toBeUndefined()
  loan.rest()
  expect(loan.idleSince).toBe(10)
  const first = Promise.withResolvers<void>()
  const second = Promise.withResolvers<void>()
  const calls = [loan.use(() => first.promise), loan.use(() => second.promise)]
  now = 20
  expect(loan.idleSince).toBeUndefined()
  first.resolve()
  await calls[0]
  expect(loan.idleSince).toBeUndefined()
  now = 30
  second.reject(new Error('it failed'))
  await expect(calls[1]).rejects.toThrow('it failed')
  expect(loan.idleSince).toBe(30)
})

test.each<[what: string, holders: Holder[], size: number, idle: number | undefined]>([
  ['one of one', [holder(40)], 1, 60],
  ['the one that asked last counts', [holder(40), holder(90)], 2, 10],
  ['one is asking', [holder(40), holder(undefined)], 2, undefined],
  ['one is on its way', [holder(40)], 2, undefined],
])('idle: %s', (_, holders, size, idle) => {
  expect(idleMs(new Set(holders), size, 100)).toBe(idle)
})

const outer = holder(0)
const inner = holder(0, outer)
const other = holder(0)
const gone = holder(0)

test.each<[what: string, holders: Holder[], waiting: (Holder | undefined)[], size: number, deadlocked: boolean]>([
  ['within the only one', [outer], [outer], 1, true],
  ['from elsewhere', [outer], [undefined], 1, false],
  ['within one that has ended', [outer], [gone], 1, false],
  ['within both, nested', [outer, inner], [inner], 2, true],
  ['within one of two', [outer, other], [outer], 2, false],
  ['within one each', [outer, other], [outer, other], 2, true],
  ['twice within one', [outer, other], [outer, outer], 2, false],
])('deadlocked: %s', (_, holders, waiting, size, deadlocked) => {
  expect(isDeadlocked(new Set(holders), waiting, size)).toBe(deadlocked)
})
