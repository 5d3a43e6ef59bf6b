import { describe, expect, it } from 'vitest'
import { Pacer } from '../../writer/pacer.ts'

/** Events that happen while one is wanted at every moment from 0 to `ms`. */
function eventsIn(ms: number, pacer: Pacer): number[] {
  const events: number[] = []
  for (let now = 0; now < ms; ) {
    const wait = pacer.waitMs(now)
    if (wait === 0) {
      events.push(now)
      pacer.take(now, 0)
    } else now += wait
  }
  return events
}

describe('Pacer', () => {
  it('lets a second’s worth pass at once, then one per interval', () => {
    const events = eventsIn(2000, new Pacer(100, 1000))
    expect(events.slice(0, 10)).toEqual(Array(10).fill(0))
    expect(events.slice(10)).toEqual(Array.from({ length: 19 }, (_, i) => (i + 1) * 100))
  })

  it('with an interval of a second or more, nothing passes early', () => {
    expect(eventsIn(3000, new Pacer(1000, 1000))).toEqual([0, 1000, 2000])
    expect(eventsIn(5000, new Pacer(2500, 1000))).toEqual([0, 2500])
  })

  it('saves up no more than a second’s worth', () => {
    const pacer = new Pacer(100, 1000)
    pacer.take(0, 0)
    for (let i = 0; i < 10; i++) {
      expect(pacer.waitMs(60_000)).toBe(0)
      pacer.take(60_000, 0)
    }
    expect(pacer.waitMs(60_000)).toBe(100)
  })

  it('an interval of 0 paces nothing', () => {
    const pacer = new Pacer(0, 1000)
    for (let i = 0; i < 100; i++) pacer.take(5, 1000)
    expect(pacer.waitMs(5)).toBe(0)
  })

  it('large events are further apart: they take a tenth of the time', () => {
    const pacer = new Pacer(100, 1000)
    for (let i = 0; i < 10; i++) pacer.take(0, 0)
    pacer.take(0, 50)
    expect(pacer.waitMs(0)).toBe(100 + 500)
  })

  it('but nothing ever waits longer than the limit', () => {
    const pacer = new Pacer(100, 1000)
    for (let now = 0; now < 20_000; now += pacer.waitMs(now)) {
      pacer.take(now, 60_000)
      expect(pacer.waitMs(now)).toBeLessThanOrEqual(1000)
    }
  })
})
