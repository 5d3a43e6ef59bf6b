import { describe, expect, test } from 'vitest'
import { formatDuration, parseDuration, parseDurationNs } from '../../cli/duration.ts'

// Go 1.26: time.ParseDuration in nanoseconds, and Duration.String.
const PARSED: [text: string, ns: bigint | undefined][] = [
  ['1h30m', 5400000000000n],
  ['500ms', 500000000n],
  ['1.5h', 5400000000000n],
  ['0', 0n],
  ['-5s', -5000000000n],
  ['+5s', 5000000000n],
  ['5', undefined],
  ['', undefined],
  ['1us', 1000n],
  ['1µs', 1000n],
  ['1μs', 1000n],
  ['2ns', 2n],
  ['1h2m3.004s', 3723004000000n],
  ['100', undefined],
  ['1d', undefined],
  ['.5s', 500000000n],
  ['5.s', 5000000000n],
  ['.s', undefined],
  ['1e3s', undefined],
  [' 1s', undefined],
  ['1s ', undefined],
  ['3h-2m', undefined],
  ['9223372036854775807ns', 9223372036854775807n],
  ['9223372036854775808ns', undefined],
  ['-9223372036854775808ns', -9223372036854775808n],
  ['0.000001ms', 1n],
  ['- 1s', undefined],
  ['s', undefined],
  ['1sm', undefined],
]
const FORMATTED: [ns: number, text: string][] = [
  [0, '0s'],
  [1, '1ns'],
  [1100, '1.1µs'],
  [2200000, '2.2ms'],
  [1000000, '1ms'],
  [500000000, '500ms'],
  [1000000000, '1s'],
  [1500000000, '1.5s'],
  [60000000000, '1m0s'],
  [90000000000, '1m30s'],
  [3600000000000, '1h0m0s'],
  [5400000000000, '1h30m0s'],
  [86400000000000, '24h0m0s'],
  [3661001000000, '1h1m1.001s'],
  [-1500000000, '-1.5s'],
]

describe('durations as Go writes them', () => {
  test.each(PARSED)('%j is %s ns', (text, ns) => {
    expect(parseDurationNs(text)).toBe(ns)
  })

  test('milliseconds keep their fraction', () => {
    expect(parseDuration('1.5ms')).toBe(1.5)
    expect(parseDuration('soon')).toBeUndefined()
  })

  test.each(FORMATTED)('%d ns is printed as %s', (ns, text) => {
    expect(formatDuration(ns / 1e6)).toBe(text)
  })
})
