import { describe, expect, test } from 'vitest'
import {
  compactionLevels,
  DEFAULT_COMPACTION_LEVELS,
  GO_ZERO_TIME_MS,
  isCompactionDue,
  nextBoundary,
  previousBoundary,
} from '../../writer/levels.ts'
import { checkLevel, planCompaction } from '../../writer/plan-compaction.ts'
import { levelsOf, names, type Spec } from '../replica/levels.ts'

const singles = (from: number, to: number): Spec[] =>
  Array.from({ length: to - from + 1 }, (_, i) => [from + i, from + i] as const)

interface Case {
  readonly name: string
  readonly reached: number
  readonly sources: readonly Spec[]
  readonly bridges?: readonly Spec[]
  readonly maxFiles?: number
  readonly plan: string
  readonly gap?: string
}

const cases: Case[] = [
  { name: 'nothing there', reached: 0, sources: [], plan: '' },
  { name: 'nothing new', reached: 5, sources: singles(1, 5), plan: '' },
  { name: 'an empty level starts at TXID 1', reached: 0, sources: singles(1, 3), plan: '1:1-1 1:2-2 1:3-3' },
  { name: 'or where its source starts', reached: 0, sources: singles(7, 8), plan: '1:7-7 1:8-8' },
  { name: 'all that is new goes into one file', reached: 5, sources: singles(1, 8), plan: '1:6-6 1:7-7 1:8-8' },
  {
    name: 'a straddling file is taken',
    reached: 5,
    sources: [
      [1, 3],
      [4, 7],
      [8, 9],
    ],
    plan: '1:4-7 1:8-9',
  },
  { name: 'no more files than allowed', reached: 0, sources: singles(1, 9), maxFiles: 2, plan: '1:1-1 1:2-2' },
  {
    name: 'up to a hole',
    reached: 5,
    sources: [
      [6, 6],
      [9, 9],
    ],
    plan: '1:6-6',
    gap: '6..9',
  },
  {
    name: 'over a hole that comes first (#1155)',
    reached: 6,
    sources: [
      [9, 9],
      [10, 10],
    ],
    plan: '1:9-9 1:10-10',
    gap: '6..9',
  },
  {
    name: 'one hole at a time',
    reached: 6,
    sources: [
      [9, 9],
      [12, 12],
    ],
    plan: '1:9-9',
    gap: '6..9',
  },
  {
    name: 'a lower level fills a hole',
    reached: 5,
    sources: [
      [6, 6],
      [9, 9],
    ],
    bridges: singles(5, 9),
    plan: '1:6-6 0:7-7 0:8-8 1:9-9',
  },
  {
    name: 'and goes on after the source',
    reached: 5,
    sources: [[6, 7]],
    bridges: singles(6, 9),
    plan: '1:6-7 0:8-8 0:9-9',
  },
]

describe('planCompaction, facts 5.4', () => {
  test.each(cases)('$name', ({ reached, sources, bridges, maxFiles, plan, gap }) => {
    const levels = levelsOf({ 1: sources, 0: bridges ?? [] })
    const planned = planCompaction({
      reached: BigInt(reached),
      sources: levels[1]!,
      bridges: bridges ? [levels[0]!] : [],
      ...(maxFiles !== undefined && { maxFiles }),
    })
    expect(names(planned.files).join(' ')).toBe(plan)
    expect(planned.gap && `${planned.gap.after}..${planned.gap.before}`).toBe(gap)
  })

  test('checkLevel finds what does not join, facts 5.6', () => {
    const faults = (specs: Spec[]) => checkLevel(levelsOf({ 1: specs })[1]!).map((fault) => fault.kind)
    expect(
      faults([
        [1, 3],
        [4, 4],
        [5, 9],
      ]),
    ).toEqual([])
    expect(
      faults([
        [1, 3],
        [5, 6],
        [6, 9],
      ]),
    ).toEqual(['gap', 'overlap'])
    const [a, b] = levelsOf({
      1: [
        [1, 3],
        [4, 6],
      ],
    })[1]!
    expect(checkLevel([b!, a!]).map((fault) => fault.kind)).toEqual(['unsorted'])
  })
})

describe('levels and their schedule, facts 5.1 to 5.3', () => {
  test('the defaults', () => {
    expect(DEFAULT_COMPACTION_LEVELS).toEqual(compactionLevels([30_000, 300_000, 3_600_000]))
  })

  test('levels have positive intervals, and there are eight at most', () => {
    expect(compactionLevels(Array(8).fill(1000))).toHaveLength(8)
    expect(() => compactionLevels(Array(9).fill(1000))).toThrow(/8 at most/)
    for (const interval of [0, -1, Number.NaN]) expect(() => compactionLevels([1000, interval])).toThrow(/level 2/)
  })

  test('boundaries are multiples since the year 1, as Go counts', () => {
    expect(new Date(GO_ZERO_TIME_MS).toISOString()).toBe('0001-01-01T00:00:00.000Z')
    const now = Date.parse('2026-11-23T21:14:33.250Z')
    const iso = (time: number) => new Date(time).toISOString()
    expect(iso(nextBoundary(now, 30_000))).toBe('2026-11-23T21:15:00.000Z')
    expect(iso(nextBoundary(now, 86_400_000))).toBe('2026-11-24T00:00:00.000Z')
    // Weeks begin on Mondays, as 1 January of the year 1 was one; counted from 1970 it would be a Thursday.
    expect(iso(previousBoundary(now, 7 * 86_400_000))).toBe('2026-11-23T00:00:00.000Z')
    expect(nextBoundary(nextBoundary(now, 30_000), 30_000)).toBe(nextBoundary(now, 30_000) + 30_000)
  })

  test('a level is due once per interval', () => {
    const now = Date.parse('2026-11-23T21:14:33Z')
    const boundary = previousBoundary(now, 30_000)
    expect(isCompactionDue(undefined, now, 30_000)).toBe(true)
    expect(isCompactionDue(boundary - 1, now, 30_000)).toBe(true)
    expect(isCompactionDue(boundary, now, 30_000)).toBe(true)
    expect(isCompactionDue(boundary + 1, now, 30_000)).toBe(false)
  })
})
