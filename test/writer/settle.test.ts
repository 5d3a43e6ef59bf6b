import { describe, expect, it } from 'vitest'
import { nextSettleMs, SETTLE_MS } from '../../writer/settle.ts'

describe('nextSettleMs', () => {
  it.each([
    ['something was committed', 64, { copied: true, written: true }, SETTLE_MS],
    ['written to without a commit: twice as long', 64, { copied: false, written: true }, 128],
    ['but not longer than the interval', 800, { copied: false, written: true }, 1000],
    [
      'an idle database is looked at as soon as it is written to again',
      64,
      { copied: false, written: false },
      SETTLE_MS,
    ],
  ])('%s', (_, settleMs, facts, expected) => {
    expect(nextSettleMs(settleMs, { ...facts, maxMs: 1000 })).toBe(expected)
  })
})
