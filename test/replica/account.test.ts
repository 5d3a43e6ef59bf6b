import { expect, test } from 'vitest'
import { Account, newCost } from '../../replica/core/account.ts'

const REFUSED = expect.objectContaining({ code: 'REPLICA_BUDGET' })

test('every cost is counted, and nothing else', () => {
  const [own, all] = [newCost(), newCost()]
  const account = new Account([own, all])
  account.request(500)
  account.received(300)
  account.received(200)
  account.roundTrip()
  account.page('hits')
  account.page('misses')
  account.page('misses')
  const expected = { ...newCost(), requests: 1, bytes: 500, roundTrips: 1, hits: 1, misses: 2 }
  expect(own).toEqual(expected)
  expect(all).toEqual(expected)
})

test('a budget is the most that may be spent: what reaches it goes through, what exceeds it is refused and not counted', () => {
  const requests = new Account([newCost()], { maxRequests: 2 })
  requests.request(1e9)
  requests.request(1e9)
  expect(() => requests.request(0)).toThrow(REFUSED)

  const cost = newCost()
  const bytes = new Account([cost], { maxBytes: 1000 })
  bytes.request(600)
  bytes.received(600)
  expect(() => bytes.request(401)).toThrow(REFUSED)
  bytes.request(400)
  expect(cost).toMatchObject({ requests: 2, bytes: 600 })

  const trips = newCost()
  const rounds = new Account([trips], { maxRoundTrips: 1 })
  rounds.roundTrip()
  expect(() => rounds.roundTrip()).toThrow(REFUSED)
  expect(trips.roundTrips).toBe(1)
})

test('a budget is for the first cost alone: what others have spent does not count', () => {
  const [own, all] = [newCost(), { ...newCost(), requests: 100, bytes: 1e9, roundTrips: 100 }]
  const account = new Account([own, all], { maxRequests: 1, maxBytes: 10, maxRoundTrips: 1 })
  account.request(10)
  account.roundTrip()
  expect(all).toMatchObject({ requests: 101, roundTrips: 101 })
})

test('guesses are paid for where requests and bytes are not limited', () => {
  const limited = (budget: ConstructorParameters<typeof Account>[1]) => new Account([newCost()], budget).limited
  expect(limited({})).toBe(false)
  expect(limited(undefined)).toBe(false)
  expect(limited({ maxRoundTrips: 3 })).toBe(false)
  expect(limited({ maxRequests: 0 })).toBe(true)
  expect(limited({ maxBytes: 0 })).toBe(true)
})
