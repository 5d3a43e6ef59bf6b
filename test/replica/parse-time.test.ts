import { describe, expect, test } from 'vitest'
import { parseTime } from '../../replica/index.ts'

const NOW = Date.UTC(2026, 2, 31, 12, 0, 0)
const at = (text: string) => Date.parse(text)

describe('parseTime', () => {
  test.each([
    ['2026-01-02T03:04:05Z', at('2026-01-02T03:04:05Z')],
    ['2026-01-02T03:04:05.678901Z', at('2026-01-02T03:04:05.678Z')],
    ['2026-01-02T03:04:05+02:00', at('2026-01-02T01:04:05Z')],
    ['5 minutes ago', NOW - 5 * 60_000],
    ['  An Hour ago ', NOW - 3_600_000],
    ['1 hour 30 minutes ago', NOW - 5_400_000],
    ['1 hour, 2 min and 3 s ago', NOW - 3_723_000],
    ['1.5 days ago', NOW - 1.5 * 86_400_000],
    ['2w ago', NOW - 14 * 86_400_000],
    ['yesterday', NOW - 86_400_000],
    ['now', NOW],
    ['a month ago', at('2026-02-28T12:00:00Z')],
    ['2 years ago', at('2024-03-31T12:00:00Z')],
    ['LATEST', 'latest'],
    ['latest', 'latest'],
  ])('%s', (text, expected) => {
    expect(parseTime(text, NOW)).toBe(expected)
  })

  test.each([
    '',
    'soon',
    '5 minutes',
    'minutes ago',
    '5 fortnights ago',
    '2026-01-02',
    '-5 minutes ago',
    'ago',
    'constructor ago',
  ])('refuses %j', (text) => {
    expect(parseTime(text, NOW)).toBeUndefined()
  })
})
