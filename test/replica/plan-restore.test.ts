import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findGap, planRestore, ReplicaError, type RestoreTarget } from '../../replica/index.ts'
import type { LtxFileInfo } from '../../storage/index.ts'
import { levelsOf, names, type Spec } from './levels.ts'

const singles = (from: number, to: number): Spec[] =>
  Array.from({ length: to - from + 1 }, (_, i) => [from + i, from + i] as const)

interface Case {
  readonly name: string
  readonly levels: Record<number, readonly Spec[]>
  readonly target?: RestoreTarget
  readonly plan: string
}

const cases: Case[] = [
  // facts 10, from upstream's own test
  {
    name: 'snapshot, compacted files, then L0 up to the TXID',
    levels: {
      9: [
        [1, 5],
        [1, 15],
      ],
      1: [
        [6, 7],
        [8, 9],
        [10, 12],
      ],
      0: singles(7, 11),
    },
    target: { txid: 10n },
    plan: '9:1-5 1:6-7 1:8-9 0:10-10',
  },
  {
    name: 'an L0 file that reaches further beats a higher level',
    levels: { 9: [[1, 5]], 2: [[6, 12]], 0: [[6, 20]] },
    plan: '9:1-5 0:6-20',
  },
  {
    name: 'a hole in L1 is bridged by L0',
    levels: {
      9: [[1, 5]],
      1: [
        [6, 7],
        [9, 10],
      ],
      0: [
        [8, 8],
        [9, 9],
        [10, 10],
      ],
    },
    plan: '9:1-5 1:6-7 0:8-8 1:9-10',
  },
  {
    name: 'an overlapping file that reaches further',
    levels: {
      9: [[1, 5]],
      2: [
        [1, 100],
        [50, 60],
      ],
    },
    plan: '9:1-5 2:1-100',
  },
  // facts 6.2
  { name: 'only a snapshot', levels: { 9: [[1, 7]] }, plan: '9:1-7' },
  {
    name: 'the newest snapshot',
    levels: {
      9: [
        [1, 3],
        [1, 5],
        [1, 9],
      ],
    },
    plan: '9:1-9',
  },
  { name: 'no snapshot: files from TXID 1 on', levels: { 0: singles(1, 4) }, plan: '0:1-1 0:2-2 0:3-3 0:4-4' },
  {
    name: 'no snapshot: a compacted file from TXID 1 on',
    levels: { 1: [[1, 3]], 0: singles(1, 4) },
    plan: '1:1-3 0:4-4',
  },
  {
    name: 'a tie on max goes to the smaller min',
    levels: { 9: [[1, 5]], 1: [[6, 9]], 2: [[4, 9]] },
    plan: '9:1-5 2:4-9',
  },
  { name: 'then to the higher level', levels: { 9: [[1, 5]], 1: [[6, 9]], 3: [[6, 9]] }, plan: '9:1-5 3:6-9' },
  {
    name: 'levels nobody configured count',
    levels: { 9: [[1, 5]], 8: [[6, 9]], 5: [[10, 12]] },
    plan: '9:1-5 8:6-9 5:10-12',
  },
  { name: 'a file that straddles the snapshot', levels: { 9: [[1, 5]], 1: [[3, 8]] }, plan: '9:1-5 1:3-8' },
  {
    name: 'covered files are left out',
    levels: {
      9: [[1, 9]],
      1: [
        [1, 4],
        [5, 9],
      ],
      0: singles(6, 10),
    },
    plan: '9:1-9 0:10-10',
  },
  {
    name: 'the TXID of the snapshot itself',
    levels: { 9: [[1, 5]], 0: singles(1, 8) },
    target: { txid: 5n },
    plan: '9:1-5',
  },
  {
    name: 'an older snapshot, when the TXID is before the newest',
    levels: {
      9: [
        [1, 4],
        [1, 9],
      ],
      0: singles(4, 9),
    },
    target: { txid: 6n },
    plan: '9:1-4 0:5-5 0:6-6',
  },
  {
    name: 'TXID 1',
    levels: { 9: [[1, 9]], 0: singles(1, 9) },
    target: { txid: 1n },
    plan: '0:1-1',
  },
  {
    name: 'a hole beyond the TXID does not matter',
    levels: {
      9: [[1, 5]],
      0: [
        [6, 6],
        [9, 9],
      ],
    },
    target: { txid: 6n },
    plan: '9:1-5 0:6-6',
  },
  {
    name: 'a hole that lies behind the snapshot does not matter',
    levels: {
      9: [[1, 9]],
      0: [
        [3, 3],
        [7, 7],
        [10, 10],
      ],
    },
    plan: '9:1-9 0:10-10',
  },
  {
    name: 'before a time: strictly',
    levels: {
      9: [[1, 5, 100]],
      0: [
        [6, 6, 200],
        [7, 7, 300],
        [8, 8, 400],
      ],
    },
    target: { timestamp: 300 },
    plan: '9:1-5 0:6-6',
  },
  {
    name: 'before a time: the snapshot from before it',
    levels: {
      9: [
        [1, 5, 100],
        [1, 9, 300],
      ],
      0: [
        [6, 6, 200],
        [7, 7, 350],
      ],
    },
    target: { timestamp: 300 },
    plan: '9:1-5 0:6-6',
  },
  {
    name: 'before a time: a compacted file bears the time of its last input',
    levels: {
      9: [[1, 5, 100]],
      1: [[6, 8, 400]],
      0: [
        [6, 6, 200],
        [7, 7, 300],
        [8, 8, 400],
      ],
    },
    target: { timestamp: 301 },
    plan: '9:1-5 0:6-6 0:7-7',
  },
  {
    name: 'before a time: a hole ends the plan',
    levels: {
      9: [[1, 5, 100]],
      0: [
        [6, 6, 200],
        [8, 8, 220],
      ],
    },
    target: { timestamp: 300 },
    plan: '9:1-5 0:6-6',
  },
  {
    name: 'a time after everything is the newest state',
    levels: { 9: [[1, 5, 100]], 0: [[6, 6, 200]] },
    target: { timestamp: 9e15 },
    plan: '9:1-5 0:6-6',
  },
]

describe('planRestore, facts 6.2 and 10', () => {
  test.each(cases)('$name', ({ levels, target, plan }) => {
    expect(names(planRestore(levelsOf(levels), target)).join(' ')).toBe(plan)
  })

  const refusals: { name: string; levels: Case['levels']; target?: RestoreTarget; code: string; message: RegExp }[] = [
    { name: 'nothing there', levels: {}, code: 'REPLICA_TX_NOT_AVAILABLE', message: /no files to restore from/ },
    {
      name: 'nothing from TXID 1 on',
      levels: { 0: singles(2, 5) },
      code: 'REPLICA_TX_NOT_AVAILABLE',
      message: /no files/,
    },
    {
      name: 'a hole before the newest state',
      levels: {
        9: [[1, 5]],
        0: [
          [6, 6],
          [9, 9],
        ],
      },
      code: 'REPLICA_NON_CONTIGUOUS',
      message: /TXIDs 0{15}7 to 0{15}8 are missing$/,
    },
    {
      name: 'a hole of one',
      levels: { 9: [[1, 5]], 2: [[7, 9]] },
      code: 'REPLICA_NON_CONTIGUOUS',
      message: /TXID 0{15}6 is missing$/,
    },
    {
      name: 'a TXID beyond the end',
      levels: { 9: [[1, 5]], 0: [[6, 6]] },
      target: { txid: 7n },
      code: 'REPLICA_TX_NOT_AVAILABLE',
      message: /TXID 0{15}7 is not available, the nearest state before it is TXID 0{15}6$/,
    },
    {
      name: 'a TXID inside a compacted file',
      levels: { 9: [[1, 5]], 1: [[6, 9]] },
      target: { txid: 8n },
      code: 'REPLICA_TX_NOT_AVAILABLE',
      message: /nearest state before it is TXID 0{15}5$/,
    },
    {
      name: 'a TXID inside the only snapshot',
      levels: { 9: [[1, 5]] },
      target: { txid: 4n },
      code: 'REPLICA_TX_NOT_AVAILABLE',
      message: /TXID 0{15}4 is not available$/,
    },
    {
      name: 'a TXID behind a hole',
      levels: {
        9: [[1, 5]],
        0: [
          [6, 6],
          [8, 8],
        ],
      },
      target: { txid: 8n },
      code: 'REPLICA_TX_NOT_AVAILABLE',
      message: /before it is TXID 0{15}6$/,
    },
    {
      name: 'a time before the first file',
      levels: { 9: [[1, 5, 1000]], 0: [[6, 6, 2000]] },
      target: { timestamp: 1000 },
      code: 'REPLICA_TX_NOT_AVAILABLE',
      message: /no state from before 1970-01-01T00:00:01.000Z/,
    },
    {
      name: 'a TXID and a time',
      levels: { 9: [[1, 5]] },
      target: { txid: 5n, timestamp: 1 },
      code: 'REPLICA_USAGE',
      message: /exclude each other/,
    },
  ]
  test.each(refusals)('refuses: $name', ({ levels, target, code, message }) => {
    const error = refusal(() => planRestore(levelsOf(levels), target))
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
  })

  test('names the hole in its context', () => {
    const error = refusal(() => planRestore(levelsOf({ 9: [[1, 5]], 0: [[9, 9]], 1: [[8, 9]] })))
    expect(error.at.gap).toEqual({ after: 5n, before: 8n })
  })

  test('findGap tells of a hole that ended a plan for a time', () => {
    const levels = levelsOf({
      9: [[1, 5, 100]],
      0: [
        [6, 6, 200],
        [8, 8, 220],
        [9, 9, 400],
      ],
    })
    expect(findGap(levels, { timestamp: 300 }, 6n)).toEqual({ after: 6n, before: 8n })
    expect(findGap(levels, { timestamp: 220 }, 6n)).toBeUndefined()
  })
})

describe('planRestore against brute force', () => {
  const file = fc
    .record({
      level: fc.integer({ min: 0, max: 9 }),
      min: fc.integer({ min: 1, max: 12 }),
      length: fc.integer({ min: 0, max: 8 }),
      time: fc.integer({ min: 1, max: 20 }),
    })
    .map(({ level, min, length, time }) => {
      const start = level === 9 ? 1 : min
      return { level, spec: [start, level === 0 ? start : start + length, time] as Spec }
    })
  const replica = fc.array(file, { maxLength: 14 }).map((files) => {
    const specs: Record<number, Spec[]> = {}
    const taken = new Set<string>()
    for (const { level, spec } of files) {
      if (taken.has(`${level}:${spec[0]}-${spec[1]}`)) continue
      taken.add(`${level}:${spec[0]}-${spec[1]}`)
      specs[level] ??= []
      specs[level].push(spec)
    }
    return levelsOf(specs)
  })
  const seed = 20261123

  test('the newest state: from TXID 1, without holes, to the highest TXID that can be reached', () => {
    fc.assert(
      fc.property(replica, (levels) => {
        const states = reachable(levels.flat())
        const plan = attempt(() => planRestore(levels))
        const highest = Math.max(0, ...levels.flat().map((f) => Number(f.maxTXID)))
        if (states.size === 0) {
          expect(plan).toBe('REPLICA_TX_NOT_AVAILABLE')
          return
        }
        if (typeof plan === 'string') {
          // Only a hole between what is reached and what is there is a reason to refuse.
          expect(plan).toBe('REPLICA_NON_CONTIGUOUS')
          expect(Math.max(...states)).toBeLessThan(highest)
          return
        }
        checkPlan(plan)
        expect(Number(plan.at(-1)!.maxTXID)).toBe(Math.max(...states))
        expect(Math.max(...states)).toBe(highest)
      }),
      { seed, numRuns: 3000 },
    )
  })

  test('a TXID: exactly when some chain of files ends there', () => {
    fc.assert(
      fc.property(replica, fc.integer({ min: 1, max: 20 }), (levels, txid) => {
        const plan = attempt(() => planRestore(levels, { txid: BigInt(txid) }))
        if (!reachable(levels.flat()).has(txid)) {
          expect(plan).toBe('REPLICA_TX_NOT_AVAILABLE')
          return
        }
        if (typeof plan === 'string') throw new Error(`refused ${txid}: ${plan}`)
        checkPlan(plan)
        expect(plan.at(-1)!.maxTXID).toBe(BigInt(txid))
      }),
      { seed, numRuns: 3000 },
    )
  })

  test('a time: the highest state that files from before it reach, where the newest snapshot is the furthest', () => {
    fc.assert(
      fc.property(replica, fc.integer({ min: 1, max: 21 }), (levels, timestamp) => {
        const before = levels.flat().filter((f) => f.createdAt < timestamp)
        const plan = attempt(() => planRestore(levels, { timestamp }))
        const states = reachable(before)
        if (states.size === 0) {
          expect(plan).toBe('REPLICA_TX_NOT_AVAILABLE')
          return
        }
        if (typeof plan === 'string') throw new Error(plan)
        checkPlan(plan)
        expect(plan.every((f) => f.createdAt < timestamp)).toBe(true)
        expect(Number(plan.at(-1)!.maxTXID)).toBe(Math.max(...states))
      }),
      { seed, numRuns: 3000 },
    )
  })
})

function checkPlan(plan: readonly LtxFileInfo[]): void {
  expect(plan[0]!.minTXID).toBe(1n)
  for (let i = 1; i < plan.length; i++) {
    expect(plan[i]!.minTXID <= plan[i - 1]!.maxTXID + 1n).toBe(true)
    expect(plan[i]!.maxTXID > plan[i - 1]!.maxTXID).toBe(true)
  }
}

/** Every TXID some chain of files ends at, by trying all files until nothing new comes. */
function reachable(files: readonly LtxFileInfo[]): Set<number> {
  const states = new Set<number>()
  for (let before = -1; before !== states.size; ) {
    before = states.size
    for (const file of files) {
      const [min, max] = [Number(file.minTXID), Number(file.maxTXID)]
      if (min === 1 || [...states].some((state) => min <= state + 1 && max > state)) states.add(max)
    }
  }
  return states
}

function attempt(plan: () => LtxFileInfo[]): LtxFileInfo[] | string {
  try {
    return plan()
  } catch (error) {
    if (error instanceof ReplicaError) return error.code
    throw error
  }
}

function refusal(action: () => unknown): ReplicaError {
  try {
    action()
  } catch (error) {
    if (error instanceof ReplicaError) return error
    throw error
  }
  throw new Error('was not refused')
}
