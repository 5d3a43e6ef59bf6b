import { expect, test } from 'vitest'
import { formatTimestamp, parseTimestamp } from '../../storage/index.ts'

test.each([
  [Date.UTC(2026, 0, 2, 3, 4, 5, 678), '2026-01-02T03:04:05.678Z'],
  [Date.UTC(2026, 0, 2, 3, 4, 5, 670), '2026-01-02T03:04:05.67Z'],
  [Date.UTC(2026, 0, 2, 3, 4, 5, 600), '2026-01-02T03:04:05.6Z'],
  [Date.UTC(2026, 0, 2, 3, 4, 5, 60), '2026-01-02T03:04:05.06Z'],
  [Date.UTC(2026, 0, 2, 3, 4, 5), '2026-01-02T03:04:05Z'],
  [Date.UTC(2026, 0, 2, 3, 4, 50), '2026-01-02T03:04:50Z'],
  [0, '1970-01-01T00:00:00Z'],
  [-1, '1969-12-31T23:59:59.999Z'],
])('%i is %s as Go writes it (facts 2.2)', (ms, text) => {
  expect(formatTimestamp(ms)).toBe(text)
  expect(parseTimestamp(text)).toBe(ms)
})

test.each([8.64e15, -8.64e15, Number.NaN, Date.UTC(10000, 0)])('%d has no such form', (ms) => {
  expect(formatTimestamp(ms)).toBeUndefined()
})

test.each([
  ['2026-01-02T03:04:05.678999999Z', Date.UTC(2026, 0, 2, 3, 4, 5, 678)],
  ['2026-01-02T03:04:05.6+01:30', Date.UTC(2026, 0, 2, 1, 34, 5, 600)],
  ['2026-01-02', undefined],
  ['2026-13-02T03:04:05Z', undefined],
  ['', undefined],
])('parse %s', (text, ms) => {
  expect(parseTimestamp(text)).toBe(ms)
})
