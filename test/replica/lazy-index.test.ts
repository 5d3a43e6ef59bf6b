import { describe, expect, test } from 'vitest'
import { encodePageIndex, PageIndex } from '../../ltx/index.ts'
import { PageCache } from '../../pagecache/index.ts'
import { Account, newCost } from '../../replica/core/account.ts'
import { addWhole, addWindow, windowFor } from '../../replica/state/extend-index.ts'
import { IndexLoader } from '../../replica/state/index-loader.ts'
import { LazyIndex } from '../../replica/state/lazy-index.ts'
import type { RangeReader } from '../../replica/state/range-reader.ts'
import { SourceFile } from '../../replica/state/source-file.ts'
import { seededRandom } from '../support/random.ts'

interface Made {
  readonly lazy: LazyIndex
  readonly index: PageIndex
  readonly bytes: Uint8Array
  /** Windows that were fetched. */
  fetched: number
}

/** An index of a file that never existed, whose front and end are loaded as when it is opened. */
function make(pages: number, options: { gap?: number; seed?: number; size?: (random: number) => number } = {}): Made {
  const random = seededRandom(options.seed ?? 1)
  const index = new PageIndex()
  let pgno = 0
  for (let i = 0; i < pages; i++) {
    pgno += options.gap ? 1 + Math.floor(random() * random() * options.gap) : 1
    index.append(pgno, (options.size ?? ((r) => 600 + Math.floor(r * 3000)))(random()))
  }
  const bytes = encodePageIndex(index)
  const indexOffset = index.end + 6
  const info = { level: 9, minTXID: 1n, maxTXID: 1n, size: indexOffset + bytes.length + 16, createdAt: 0 }
  const file = new SourceFile(info, 1n, new PageCache())
  const about = { file, pageSize: 4096, commit: pgno, indexOffset, indexSize: bytes.length - 8 }
  const lazy = new LazyIndex(about)
  const tail = Math.max(0, about.indexSize - 16_000)
  expect(addWindow(lazy, bytes.subarray(tail, about.indexSize), tail)).toBe(true)
  return { lazy, index, bytes, fetched: 0 }
}

/** Load windows until the page is known. */
function find(made: Made, pgno: number) {
  for (let guesses = 0; guesses < 20; guesses++) {
    const found = made.lazy.find(pgno)
    if (found !== undefined) return found
    const { position, size } = windowFor(made.lazy, pgno)
    expect(size).toBeLessThanOrEqual(400_000)
    expect(addWindow(made.lazy, made.bytes.subarray(position, position + size), position)).toBe(true)
    made.fetched++
  }
  throw new Error(`Page ${pgno} was not found in 20 windows`)
}

describe('LazyIndex', () => {
  test.each([
    ['a snapshot of 1 GB', 262_144, {}, 1.05],
    ['a snapshot of 4 GB, half tiny pages', 1_048_576, { size: (r: number) => (r < 0.5 ? 60 : 3500) }, 1.1],
    ['300,000 changed pages of 10 GB', 300_000, { gap: 17 }, 3],
  ])(
    '%s: where a page is, in about one window',
    (_, pages, options, most) => {
      const random = seededRandom(7)
      let windows = 0
      const rounds = 30
      for (let round = 0; round < rounds; round++) {
        const made = make(pages, { ...options, seed: round % 3 })
        const i = Math.floor(random() * pages)
        expect(find(made, made.index.pgno(i))).toMatchObject({ offset: made.index.offset(i), size: made.index.size(i) })
        windows += made.fetched
      }
      expect(windows / rounds).toBeLessThanOrEqual(most)
    },
    120_000,
  )

  test('a window is whole bytes within the index, whatever the index’s size', () => {
    const random = seededRandom(5)
    for (let i = 0; i < 40; i++) {
      const made = make(5_000 + Math.floor(random() * 20_000), { seed: i })
      for (let page = 0; page < 5; page++) {
        const { position, size } = windowFor(made.lazy, 1 + Math.floor(random() * made.index.length))
        expect([position, size].every(Number.isInteger), `${position} + ${size}`).toBe(true)
        expect(position).toBeGreaterThanOrEqual(0)
        expect(position + size).toBeLessThanOrEqual(made.bytes.length)
      }
    }
  })

  test('a short hole is one window, and the page is probably in its middle', () => {
    const { lazy } = make(5_000)
    const hole = lazy.runs[0]!.start
    expect(hole).toBeGreaterThan(0)
    const short = new LazyIndex({ ...lazy.about, indexSize: 5_000 })
    expect(windowFor(short, 17)).toEqual({ position: 0, size: 5_000, target: 2_500 })
    const run = lazy.runs[0]!
    lazy.runs = [{ ...run, start: 4_000 }]
    expect(windowFor(lazy, 1)).toEqual({ position: 0, size: 4_256, target: 2_000 })
  })

  test('pages that the file does not hold', () => {
    const made = make(20_000, { gap: 5 })
    const held = new Set([...made.index].map(({ pgno }) => pgno))
    const last = made.index.pgno(made.index.length - 1)
    for (let pgno = 1; pgno <= last + 3; pgno += 7) {
      expect(find(made, pgno) === 'absent', `page ${pgno}`).toBe(!held.has(pgno))
    }
  })

  test('in the end it is all there, and nothing twice', () => {
    const made = make(30_000, { gap: 3 })
    for (const { pgno, offset, size } of made.index) expect(find(made, pgno)).toMatchObject({ offset, size })
    expect(made.lazy.complete).toBe(true)
    expect(made.lazy.length).toBe(made.index.length)
    expect(made.lazy.byteLength).toBe(12 * made.index.length)
    expect(made.fetched).toBeLessThan(25)
  })

  test('a damaged window proves nothing and changes nothing', () => {
    const made = make(30_000)
    const { position, size } = windowFor(made.lazy, 5_000)
    const window = made.bytes.slice(position, position + size)
    for (let i = 0; i < window.length; i += 40) window[i]! ^= 0x15
    const before = made.lazy.length
    addWindow(made.lazy, window, position)
    // Whatever it took for an entry there, it is not what it gives out: chains of eight that fit are no accident.
    expect(made.lazy.length - before).toBe(0)
    expect(find(made, 5_000)).toMatchObject({ offset: made.index.offset(4_999) })
  })

  test('the whole index at once', () => {
    const made = make(5_000)
    addWhole(made.lazy, made.bytes)
    expect(made.lazy.complete).toBe(true)
    expect(made.lazy.find(777)).toMatchObject({ offset: made.index.offset(776) })
    expect(() => addWhole(made.lazy, made.bytes.slice(0, -9))).toThrow(/page index/)
  })
})

describe('IndexLoader', () => {
  test('many who look for pages at the same time share windows: the index is read about once', async () => {
    const made = make(60_000)
    let requests = 0
    let bytes = 0
    const reader = {
      read: async (_file: unknown, { offset, size }: { offset: number; size: number }) => {
        requests++
        bytes += size
        await new Promise((resolve) => setTimeout(resolve, 1))
        const position = offset - made.lazy.about.indexOffset
        return made.bytes.slice(position, position + size)
      },
    }
    const loader = new IndexLoader(reader as unknown as RangeReader, new AbortController().signal)
    const account = new Account([newCost()])
    for (const [from, to] of [
      [20_000, 21_000],
      [30_000, 60_000],
      [1, 20_000],
    ] as const) {
      const pgnos = Array.from({ length: (to - from) / 10 }, (_, i) => from + i * 10)
      await Promise.all(pgnos.map((pgno) => loader.load([made.lazy], pgno, account)))
      for (const pgno of pgnos) expect(made.lazy.find(pgno)).toMatchObject({ offset: made.index.offset(pgno - 1) })
    }
    expect(requests).toBeLessThan(50)
    expect(bytes).toBeLessThan(2.5 * made.bytes.length)
  })
})
