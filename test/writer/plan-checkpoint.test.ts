import { describe, expect, it } from 'vitest'
import { type CheckpointFacts, planCheckpoint } from '../../writer/plan-checkpoint.ts'
import { walSizeOf } from '../../writer/wal.ts'

const settings = { minCheckpointPages: 1000, truncatePages: 121_359, checkpointIntervalMs: 60_000 }
const pages = (n: number) => walSizeOf(n, 4096)

function facts(changes: Partial<CheckpointFacts>): CheckpointFacts {
  return {
    pageSize: 4096,
    walBytes: pages(10),
    walBytesAtFailure: 0,
    copiedSinceCheckpoint: true,
    nowMs: 1_000_000,
    lastCheckpointMs: 1_000_000,
    ...changes,
  }
}

describe('planCheckpoint (facts 3.8)', () => {
  it.each<[string, Partial<CheckpointFacts>, 'PASSIVE' | 'TRUNCATE' | undefined]>([
    ['a short WAL: none', {}, undefined],
    ['minCheckpointPages less one: none', { walBytes: pages(999) }, undefined],
    ['minCheckpointPages: PASSIVE', { walBytes: pages(1000) }, 'PASSIVE'],
    ['truncatePages: TRUNCATE', { walBytes: pages(121_359) }, 'TRUNCATE'],
    [
      'after a failure, not yet grown by as much again: none',
      { walBytes: pages(1500), walBytesAtFailure: pages(1000) },
      undefined,
    ],
    [
      'after a failure, grown by as much again: PASSIVE',
      { walBytes: pages(2001), walBytesAtFailure: pages(1000) },
      'PASSIVE',
    ],
    ['the interval is over: PASSIVE', { nowMs: 1_060_001 }, 'PASSIVE'],
    ['the interval is not quite over: none', { nowMs: 1_060_000 }, undefined],
    [
      'the interval is over, but nothing was copied: none',
      { nowMs: 1_060_001, copiedSinceCheckpoint: false },
      undefined,
    ],
    ['the interval is over, but the WAL holds one page: none', { nowMs: 1_060_001, walBytes: pages(1) }, undefined],
  ])('%s', (_, changes, expected) => {
    expect(planCheckpoint(facts(changes), settings)).toBe(expected)
  })

  it('a negative truncatePages switches TRUNCATE off, interval 0 the one by time', () => {
    const off = { ...settings, truncatePages: -1, checkpointIntervalMs: 0 }
    expect(planCheckpoint(facts({ walBytes: pages(200_000) }), off)).toBe('PASSIVE')
    expect(planCheckpoint(facts({ nowMs: 9_000_000 }), off)).toBeUndefined()
  })
})
