import { expect, test } from 'vitest'
import { planFollow } from '../../writer/plan-follow.ts'
import { levelsOf, names, type Spec } from '../replica/levels.ts'

const singles = (from: number, to: number): Spec[] =>
  Array.from({ length: to - from + 1 }, (_, i) => [from + i, from + i] as const)

const cases: [name: string, levels: Record<number, readonly Spec[]>, reached: number, plan: string, gap?: string][] = [
  ['nothing new', { 0: singles(1, 5), 9: [[1, 5]] }, 5, ''],
  ['an empty replica', {}, 5, ''],
  ['the next L0 files', { 0: singles(6, 8) }, 5, '0:6-6 0:7-7 0:8-8'],
  ['covered files are passed over', { 0: singles(1, 7) }, 5, '0:6-6 0:7-7'],
  ['L0 before anything larger', { 0: singles(6, 7), 1: [[4, 7]], 9: [[1, 7]] }, 5, '0:6-6 0:7-7'],
  ['L1 bridges a hole in L0', { 0: singles(9, 10), 1: [[6, 8]] }, 5, '1:6-8 0:9-9 0:10-10'],
  ['a straddling file is applied', { 0: singles(9, 9), 1: [[3, 8]] }, 5, '1:3-8 0:9-9'],
  ['the lowest level that bridges', { 0: singles(9, 9), 2: [[5, 8]], 3: [[1, 12]] }, 5, '2:5-8 0:9-9 3:1-12'],
  ['levels nobody configured bridge too', { 8: [[6, 9]] }, 5, '8:6-9'],
  [
    'the snapshot as the last resort (#1515)',
    {
      0: singles(20, 21),
      9: [
        [1, 3],
        [1, 19],
      ],
    },
    5,
    '9:1-19 0:20-20 0:21-21',
  ],
  [
    'what comes before a snapshot is not applied',
    {
      0: [
        [6, 6],
        [20, 20],
      ],
      9: [[1, 19]],
    },
    5,
    '9:1-19 0:20-20',
  ],
  ['a snapshot from before does not help', { 0: singles(8, 9), 9: [[1, 6]] }, 6, '', '6..8'],
  [
    'a hole is told, after what can be reached',
    {
      0: [
        [6, 6],
        [9, 9],
      ],
    },
    5,
    '0:6-6',
    '6..9',
  ],
  ['the nearest file behind the hole is named', { 0: [[9, 9]], 2: [[8, 9]] }, 5, '', '5..8'],
  [
    'a TXID anywhere within compacted files',
    { 0: singles(40, 41), 2: [[1, 30]], 1: [[31, 39]] },
    17,
    '2:1-30 1:31-39 0:40-40 0:41-41',
  ],
]

test.each(cases)('facts 6.5: %s', (_name, levels, reached, plan, gap) => {
  const planned = planFollow(levelsOf(levels), BigInt(reached))
  expect(names(planned.files).join(' ')).toBe(plan)
  expect(planned.gap && `${planned.gap.after}..${planned.gap.before}`).toBe(gap)
})
