import { describe, expect, test } from 'vitest'
import { PageCache } from '../../pagecache/index.ts'
import { fetchLimits, planFetch } from '../../replica/pages/plan-fetch.ts'
import { SourceFile } from '../../replica/state/source-file.ts'

const cache = new PageCache()
const large = new SourceFile({ level: 9, minTXID: 1n, maxTXID: 5n, size: 1e9, createdAt: 0 }, 1n, cache)
const small = new SourceFile({ level: 0, minTXID: 6n, maxTXID: 6n, size: 50_000, createdAt: 0 }, 2n, cache)
const usual = { pages: 10, maxInFlight: 96, bytesPerMs: 0 }
const limits = { gapBytes: 1000, shortGapBytes: 0, shortBytes: 5000, rangeBytes: 10_000 }

function wanted(file: SourceFile, ...places: readonly (readonly [offset: number, size: number])[]) {
  return places.map(([offset, size], i) => ({ pgno: i + 1, location: { file, offset, size } }))
}

function ranges(pages: ReturnType<typeof wanted>) {
  return planFetch(pages, limits).map(({ offset, size, pages: { length } }) => [offset, size, length])
}

describe('planFetch', () => {
  test('neighbours become one range, whatever order they come in', () => {
    expect(ranges(wanted(large, [300, 100], [100, 100], [200, 100]))).toEqual([[100, 300, 3]])
  })

  test('a small gap is read over, a large one is not', () => {
    expect(ranges(wanted(large, [100, 100], [1200, 100], [2301, 100]))).toEqual([
      [100, 1200, 2],
      [2301, 100, 1],
    ])
  })

  test('long ranges are cut between pages', () => {
    const places = Array.from({ length: 25 }, (_, i): [number, number] => [i * 900, 900])
    expect(ranges(wanted(large, ...places))).toEqual([
      [0, 9900, 11],
      [9900, 9900, 11],
      [19800, 2700, 3],
    ])
  })

  test('a short file wanted by more than half is read through', () => {
    expect(ranges(wanted(small, [0, 9000], [12_000, 9000], [40_000, 9000])).length).toBe(3)
    expect(planFetch(wanted(small, [0, 9000], [12_000, 9000], [40_000, 9000]), fetchLimits(usual)).length).toBe(1)
  })

  test('up to each limit and no further', () => {
    const count = (places: readonly (readonly [number, number])[], changes: Partial<typeof limits>) =>
      planFetch(wanted(large, ...places), { ...limits, ...changes }).length
    const apart = (gap: number) => [[0, 100] as const, [100 + gap, 100] as const]
    expect([count(apart(1000), {}), count(apart(1001), {})]).toEqual([1, 2])
    const long = { gapBytes: 0, shortGapBytes: 2000 }
    expect([count(apart(2000), long), count(apart(2001), long)]).toEqual([1, 2])
    const short = { ...long, shortBytes: 1200 }
    expect([count(apart(1000), short), count(apart(1001), short)]).toEqual([1, 2])
    expect([count(apart(1000), { rangeBytes: 1200 }), count(apart(1000), { rangeBytes: 1199 })]).toEqual([1, 2])
  })

  test('read through: a file of up to shortBytes, of which more than half is wanted', () => {
    const count = (size: number, ...places: readonly [number, number][]) => {
      const info = { level: 0, minTXID: 1n, maxTXID: 1n, size, createdAt: 0 }
      return planFetch(wanted(new SourceFile(info, 1n, cache), ...places), limits).length
    }
    expect(count(5000, [0, 1500], [3500, 1500])).toBe(1)
    expect(count(5000, [0, 1250], [3500, 1250])).toBe(2)
    expect(count(5001, [0, 1500], [3500, 1500])).toBe(2)
    expect(count(5001, [0, 1000], [3500, 1000])).toBe(2)
  })

  test('each file by itself', () => {
    expect(ranges([...wanted(large, [100, 50]), ...wanted(small, [150, 50])])).toEqual([
      [100, 50, 1],
      [150, 50, 1],
    ])
  })

  test('nothing', () => {
    expect(planFetch([], fetchLimits(usual))).toEqual([])
  })

  test('the fewer requests go at once, the larger a gap is read over', () => {
    const apart = () => wanted(large, [0, 4000], [44_000, 4000])
    expect(planFetch(apart(), fetchLimits(usual)).length).toBe(2)
    expect(planFetch(apart(), fetchLimits({ ...usual, maxInFlight: 24 })).length).toBe(1)
  })

  test('but not in ranges that are long already: then the line is busy all the time', () => {
    const places = Array.from({ length: 40 }, (_, i): [number, number] => [i * 44_000, 4000])
    const planned = planFetch(wanted(large, ...places), fetchLimits({ ...usual, maxInFlight: 24 }))
    expect(planned.map(({ pages }) => pages.length)).toEqual([6, 6, 6, 6, 6, 6, 4])
    const dense = Array.from({ length: 400 }, (_, i): [number, number] => [i * 4000, 4000])
    expect(planFetch(wanted(large, ...dense), fetchLimits({ ...usual, maxInFlight: 24 })).length).toBe(2)
  })

  test.each([
    // 100 Mbit/s: no more than what any line reads over
    { bytesPerMs: 12_500, pages: 2048, gapKiB: 16 },
    { bytesPerMs: 40_000, pages: 2048, gapKiB: 50 },
    // Not for what a few look-ups want, of which nobody knows whether more of them will follow.
    { bytesPerMs: 40_000, pages: 100, gapKiB: 16 },
    { bytesPerMs: 1_000_000, pages: 2048, gapKiB: 128 },
    { bytesPerMs: 0, pages: 2048, gapKiB: 16 },
  ])('a scan at $bytesPerMs bytes/ms of $pages pages reads over $gapKiB KiB', ({ bytesPerMs, pages, gapKiB }) => {
    const { gapBytes } = fetchLimits({ pages, maxInFlight: 96, bytesPerMs })
    expect(Math.floor(gapBytes / 1024)).toBe(gapKiB)
  })

  test.each([
    [32, 64],
    [33, 0],
  ])('%i requests at once: gaps of %i KiB are read over in short ranges', (maxInFlight, KiB) => {
    expect(fetchLimits({ ...usual, maxInFlight })).toMatchObject({
      shortGapBytes: KiB * 1024,
      shortBytes: 256 * 1024,
      rangeBytes: 1024 * 1024,
    })
  })

  test('a scan is what wants 256 pages at once', () => {
    const gap = (pages: number) => fetchLimits({ pages, maxInFlight: 96, bytesPerMs: 100_000 }).gapBytes
    expect([gap(255), gap(256)]).toEqual([16 * 1024, 130_000])
  })
})
