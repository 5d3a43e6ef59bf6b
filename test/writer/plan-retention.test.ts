import { describe, expect, test } from 'vitest'
import { planL0Retention, planLevelRetention, planSnapshotRetention } from '../../writer/plan-retention.ts'
import { levelsOf, names, type Spec } from '../replica/levels.ts'

const snapshots = (...specs: Spec[]) => levelsOf({ 9: specs })[9]!
const l0 = (...specs: Spec[]) => levelsOf({ 0: specs })[0]!

describe('snapshots, facts 5.5', () => {
  const cases: [name: string, specs: Spec[], before: number, deleted: string, floor: bigint][] = [
    ['none', [], 100, '', 0n],
    [
      'older than the limit, strictly',
      [
        [1, 3, 10],
        [1, 6, 20],
        [1, 9, 30],
      ],
      20,
      '9:1-3',
      3n,
    ],
    [
      'the floor is the last deleted one before the first kept',
      [
        [1, 3, 10],
        [1, 6, 20],
        [1, 9, 30],
      ],
      30,
      '9:1-3 9:1-6',
      6n,
    ],
    [
      'never the last, however old',
      [
        [1, 3, 10],
        [1, 6, 20],
      ],
      1000,
      '9:1-3',
      3n,
    ],
    ['a single one stays', [[1, 3, 10]], 1000, '', 0n],
    [
      'all young',
      [
        [1, 3, 10],
        [1, 6, 20],
      ],
      10,
      '',
      0n,
    ],
    [
      'an old one behind a young one does not raise the floor',
      [
        [1, 3, 50],
        [1, 6, 20],
        [1, 9, 60],
      ],
      30,
      '9:1-6',
      0n,
    ],
  ]
  test.each(cases)('%s', (_name, specs, before, deleted, floor) => {
    const plan = planSnapshotRetention(snapshots(...specs), before)
    expect(names(plan.files).join(' ')).toBe(deleted)
    expect(plan.floor).toBe(floor)
  })
})

describe('levels 1 to 8, facts 5.5', () => {
  const files = levelsOf({
    2: [
      [1, 3],
      [4, 6],
      [7, 9],
    ],
  })[2]!
  test.each([
    ['nothing without a floor', 0n, ''],
    ['nothing that reaches the floor', 3n, ''],
    ['what ends below it', 6n, '2:1-3'],
    ['never the last', 100n, '2:1-3 2:4-6'],
  ])('%s', (_name, floor, deleted) => {
    expect(names(planLevelRetention(files, floor)).join(' ')).toBe(deleted)
  })

  test('an empty level', () => {
    expect(planLevelRetention([], 9n)).toEqual([])
  })
})

describe('L0, facts 5.5', () => {
  const files = l0([1, 1, 10], [2, 2, 20], [3, 3, 30], [4, 4, 40])
  test.each([
    ['needs level 1', 0n, 100, ''],
    ['old enough is: not after the limit', 9n, 20, '0:1-1 0:2-2'],
    ['only what level 1 covers', 1n, 30, '0:1-1'],
    ['never the newest', 9n, 1000, '0:1-1 0:2-2 0:3-3'],
    ['nothing old enough', 9n, 9, ''],
  ])('%s', (_name, coveredTo, before, deleted) => {
    expect(names(planL0Retention({ files, coveredTo, before })).join(' ')).toBe(deleted)
  })

  test('stops at the first young file, so that no hole arises', () => {
    const mixed = l0([1, 1, 10], [2, 2, 90], [3, 3, 30], [4, 4, 40])
    expect(names(planL0Retention({ files: mixed, coveredTo: 9n, before: 50 }))).toEqual(['0:1-1'])
  })

  test('without a creation time the local copy tells, and else it counts as old', () => {
    const undated = l0([1, 1, 0], [2, 2, 0], [3, 3, 0], [4, 4, 40])
    const localCreatedAt = ({ minTXID }: { minTXID: bigint }) => (minTXID === 2n ? 90 : undefined)
    expect(names(planL0Retention({ files: undated, coveredTo: 9n, before: 50, localCreatedAt }))).toEqual(['0:1-1'])
    expect(names(planL0Retention({ files: undated, coveredTo: 9n, before: 50 }))).toEqual(['0:1-1', '0:2-2', '0:3-3'])
    const golang = l0([1, 1, -62_135_596_800_000], [2, 2, 90])
    expect(names(planL0Retention({ files: golang, coveredTo: 9n, before: 50 }))).toEqual(['0:1-1'])
  })

  test('an empty level', () => {
    expect(planL0Retention({ files: [], coveredTo: 9n, before: 50 })).toEqual([])
  })
})
