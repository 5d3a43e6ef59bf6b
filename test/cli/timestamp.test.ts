import { describe, expect, test } from 'vitest'
import { formatTimestamp, parseTimestamp } from '../../cli/timestamp.ts'

// Go 1.26: time.Parse(time.RFC3339), in microseconds.
const PARSED: [text: string, micros: number | undefined][] = [
  ['2026-01-02T03:04:05Z', 1767323045000000],
  ['2026-01-02T03:04:05.5Z', 1767323045500000],
  ['2026-01-02T03:04:05,5Z', 1767323045500000],
  ['2026-01-02T03:04:05.123456789Z', 1767323045123456],
  ['2026-01-02T03:04:05+02:00', 1767315845000000],
  ['2026-01-02T03:04:05-07:30', 1767350045000000],
  ['2026-01-02t03:04:05z', undefined],
  ['2026-01-02 03:04:05Z', undefined],
  ['2026-02-30T00:00:00Z', undefined],
  ['2024-02-29T00:00:00Z', 1709164800000000],
  ['2026-01-02T24:00:00Z', undefined],
  ['2026-01-02T23:59:60Z', undefined],
  ['2026-01-02T03:04:05', undefined],
  ['2026-01-02', undefined],
  ['2026-01-02T03:04Z', undefined],
  ['2026-1-2T03:04:05Z', undefined],
  ['2026-01-02T03:04:05+0200', undefined],
  ['2026-01-02T03:04:05+25:00', undefined],
  ['2026-01-02T03:04:05+24:00', 1767236645000000],
  ['2026-01-02T03:04:05+02:60', 1767312245000000],
  ['2026-13-01T00:00:00Z', undefined],
  ['2026-01-02T03:04:05.Z', undefined],
  ['2026-01-02T03:04:05Z ', undefined],
  ['2026-01-02T3:04:05Z', 1767323045000000],
  ['20260102T030405Z', undefined],
]

describe('times as Go reads RFC 3339', () => {
  test.each(PARSED)('%j', (text, micros) => {
    const ms = parseTimestamp(text)
    expect(ms === undefined ? undefined : Math.floor(ms * 1000)).toBe(micros)
  })

  test('printed in UTC, seconds cut off', () => {
    expect(formatTimestamp(Date.UTC(2026, 10, 23, 21, 17, 26, 999))).toBe('2026-11-23T21:17:26Z')
  })
})
