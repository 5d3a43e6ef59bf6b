import { expect, test } from 'vitest'
import { LineRate } from '../../replica/pages/line-rate.ts'

/** A line of so many bytes a millisecond, read in chunks, from `at` on for `ms`. */
function carry(rate: LineRate, { at, ms, bytesPerMs, inFlight }: Carried): number {
  const chunk = 16_384
  let now = at
  for (; now < at + ms; now += chunk / bytesPerMs) rate.received(chunk, now, inFlight)
  return now
}

interface Carried {
  readonly at: number
  readonly ms: number
  readonly bytesPerMs: number
  readonly inFlight: number
}

test.each([1_000, 12_500, 125_000])('%i bytes a millisecond are found to within a tenth', (bytesPerMs) => {
  const rate = new LineRate()
  expect(rate.bytesPerMs).toBe(0)
  carry(rate, { at: 5, ms: 1000, bytesPerMs, inFlight: 10 })
  expect(rate.bytesPerMs / bytesPerMs).toBeGreaterThan(0.9)
  expect(rate.bytesPerMs / bytesPerMs).toBeLessThan(1.1)
})

test('what one request brings alone, and pauses, do not count', () => {
  const rate = new LineRate()
  carry(rate, { at: 0, ms: 1000, bytesPerMs: 1_000, inFlight: 3 })
  expect(rate.bytesPerMs).toBe(0)
  const busy = carry(rate, { at: 1000, ms: 1000, bytesPerMs: 12_500, inFlight: 8 })
  for (let pause = 1; pause <= 20; pause++) rate.received(4096, busy + pause * 500, 8)
  expect(rate.bytesPerMs).toBeGreaterThan(11_250)
})

test('a line that has become slower is noticed in a few seconds, a faster one at once', () => {
  const rate = new LineRate()
  const fast = carry(rate, { at: 0, ms: 1000, bytesPerMs: 100_000, inFlight: 8 })
  const slow = carry(rate, { at: fast, ms: 4000, bytesPerMs: 10_000, inFlight: 8 })
  expect(rate.bytesPerMs).toBeLessThan(12_500)
  carry(rate, { at: slow, ms: 250, bytesPerMs: 100_000, inFlight: 8 })
  expect(rate.bytesPerMs).toBeGreaterThan(80_000)
})

test('a pause of 100 ms ends a span, a shorter one does not; a span is 100 ms, of four requests', () => {
  const after = (inFlight: number, ...times: readonly number[]) => {
    const rate = new LineRate()
    for (const now of times) rate.received(1000, now, inFlight)
    return rate.bytesPerMs
  }
  expect(after(4, 0, 50, 150)).toBe(0)
  expect(after(4, 0, 50, 149)).toBe(2000 / 149)
  expect(after(4, 0, 50, 99)).toBe(0)
  expect(after(4, 0, 50, 100)).toBe(20)
  expect(after(3, 0, 50, 100)).toBe(0)
})
