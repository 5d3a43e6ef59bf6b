import { describe, expect, test } from 'vitest'
import type { IndexLandmark, IndexWindowEntry } from '../../ltx/index.ts'
import { decodeIndexWindow, encodePageIndex, estimateIndexPosition, PageIndex } from '../../ltx/index.ts'
import { varintSize } from '../../ltx/varint.ts'
import { seededRandom } from '../support/random.ts'

const SEED = 42
const random = seededRandom(SEED)
const between = (low: number, high: number) => low + Math.floor(random() * (high - low))

interface Case {
  readonly name: string
  readonly pages: number
  /** Largest distance between page numbers; 0 for a snapshot. */
  readonly gap: number
  readonly size: () => number
  /** Mean of 16 KiB windows that a look-up may take. */
  readonly requests: number
}

const cases: Case[] = [
  { name: '100 MB snapshot', pages: 26_214, gap: 0, size: () => between(600, 3600), requests: 1.02 },
  { name: '1 GB snapshot', pages: 262_144, gap: 0, size: () => between(600, 3600), requests: 1.02 },
  {
    name: 'half tiny pages',
    pages: 262_144,
    gap: 0,
    size: () => (random() < 0.5 ? between(40, 120) : between(3000, 4100)),
    requests: 1.02,
  },
  { name: 'sparse level', pages: 60_000, gap: 17, size: () => between(600, 3600), requests: 3 },
]

describe.each(cases)(`$name (seed ${SEED})`, ({ pages, gap, size, requests }) => {
  const index = new PageIndex()
  const positions: number[] = []
  let position = 0
  let pgno = 0
  for (let i = 0; i < pages; i++) {
    pgno += gap ? 1 + Math.floor(random() * random() * gap) : 1
    const frame = size()
    positions.push(position)
    position += varintSize(pgno) + varintSize(index.end) + varintSize(frame)
    index.append(pgno, frame)
  }
  const bytes = encodePageIndex(index)
  const starts = new Map(positions.map((at, i) => [at, i]))
  const limits = { commit: pgno, pageSize: 4096, pageBlockEnd: index.end }
  const windowAt = (start: number, length: number) =>
    decodeIndexWindow(bytes.subarray(start, start + length), { ...limits, position: start })

  test('windows cut anywhere give entries that are right, with their places', () => {
    for (let i = 0; i < 2000; i++) {
      const start = between(1, bytes.length - 4096)
      const window = windowAt(start, 4096)!
      check(window.entries)
      expect(window.entries[0]!.position - start).toBeLessThan(25)
      expect(starts.get(window.end) ?? pages).toBe(starts.get(window.entries.at(-1)!.position)! + 1)
      expect(window.last).toBe(false)
    }
  })

  test('at the beginning and at the end no entry is lost', () => {
    const head = windowAt(0, 100)!
    expect(head.entries[0]).toEqual({ ...index.entry(0), position: 0 })
    check(head.entries)
    for (let length = 20; length < 400; length++) {
      const tail = windowAt(bytes.length - length, length)
      if (tail) {
        check(tail.entries)
        expect(tail.last).toBe(true)
        expect(tail.entries.at(-1)!.pgno).toBe(index.pgno(pages - 1))
      } else expect(length).toBeLessThan(40)
    }
  })

  test('small windows give right entries or none', () => {
    for (let i = 0; i < 3000; i++) {
      const start = between(1, bytes.length - 300)
      const window = windowAt(start, between(0, 300))
      if (window) check(window.entries)
    }
  })

  test('the estimate finds a page in few windows', () => {
    let total = 0
    for (let i = 0; i < 500; i++) total += lookUp(between(0, pages))
    expect(total / 500).toBeLessThan(requests)
  })

  test('other limits than the file has prove nothing', () => {
    const wrong = { ...limits, commit: 5, position: 5000 }
    expect(decodeIndexWindow(bytes.subarray(5000, 9000), wrong)).toBeUndefined()
    const shifted = { ...limits, pageBlockEnd: limits.pageBlockEnd - 1, position: bytes.length - 200 }
    expect(decodeIndexWindow(bytes.subarray(-200), shifted)).toBeUndefined()
  })

  test('damage within the window proves nothing, but for a page number that still ascends', () => {
    for (let i = 0; i < 300; i++) {
      const start = between(1, bytes.length - 600)
      const damaged = bytes.slice(start, start + 500)
      damaged[between(100, 400)]! ^= 1 << between(0, 8)
      const window = decodeIndexWindow(damaged, { ...limits, position: start })
      if (!window) continue
      // Between dense pages there is no room for another number; between sparse ones the frame itself tells.
      expect(gap).toBeGreaterThan(0)
      const first = starts.get(window.entries[0]!.position)!
      const wrong = window.entries.filter((entry, k) => {
        expect([entry.offset, entry.size]).toEqual([index.offset(first + k), index.size(first + k)])
        return entry.pgno !== index.pgno(first + k)
      })
      expect(wrong.length).toBeLessThanOrEqual(1)
    }
  })

  function check(entries: readonly IndexWindowEntry[]): void {
    expect(entries.length).toBeGreaterThan(0)
    const first = starts.get(entries[0]!.position)!
    for (const [k, entry] of entries.entries()) {
      const i = first + k
      const right = entry.pgno === index.pgno(i) && entry.offset === index.offset(i) && entry.size === index.size(i)
      if (!right || entry.position !== positions[i])
        expect(entry).toEqual({ ...index.entry(i), position: positions[i] })
    }
  }

  /** Windows that are read until the page is found. */
  function lookUp(i: number): number {
    const wanted = index.pgno(i)
    const landmark = (k: number): IndexLandmark => ({
      pgno: index.pgno(k),
      position: positions[k]!,
      offset: index.offset(k),
    })
    let [low, high] = [landmark(0), landmark(pages - 1)]
    for (let count = 1; count < 12; count++) {
      const guess = estimateIndexPosition(wanted, low, high)
      const start = Math.max(0, Math.min(bytes.length - 16384, Math.floor(guess - 8192)))
      const { entries } = windowAt(start, 16384)!
      const found = entries.find((entry) => entry.pgno === wanted)
      if (found) {
        expect(found).toEqual({ ...index.entry(i), position: positions[i] })
        return count
      }
      if (wanted < entries[0]!.pgno) high = entries[0]!
      else low = entries.at(-1)!
    }
    throw new Error(`Page ${wanted} not found`)
  }
})

test('an index of one entry, and of none', () => {
  const index = new PageIndex()
  const limits = { commit: 9, pageSize: 512, pageBlockEnd: 100, position: 0 }
  expect(decodeIndexWindow(encodePageIndex(index), limits)).toBeUndefined()
  index.append(3, 200)
  const window = decodeIndexWindow(encodePageIndex(index), { ...limits, pageBlockEnd: 300 })
  expect(window).toEqual({ entries: [{ pgno: 3, offset: 100, size: 200, position: 0 }], end: 4, last: true })
})
