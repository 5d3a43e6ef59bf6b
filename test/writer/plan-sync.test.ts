import { describe, expect, it } from 'vitest'
import { planSync, type SyncFacts } from '../../writer/plan-sync.ts'
import type { WalFrameHeader, WalHeader } from '../../writer/wal.ts'
import type { WalPosition } from '../../writer/wal-scan.ts'

const old = { salt1: 7, salt2: 100 }
const next = { salt1: 8, salt2: 555 }
const frameSize = 4120
const position: WalPosition = { ...old, offset: 32 + 3 * frameSize, checksum: [1, 2] }
const start: WalPosition = { ...old, offset: 32, checksum: [9, 9] }
const lastFrame: WalFrameHeader = { ...old, pgno: 5, commit: 9, checksum: [1, 2] }

function header(salts: { salt1: number; salt2: number }): WalHeader {
  return { ...salts, bigEndian: false, pageSize: 4096, checkpointSeq: 0, checksum: [3, 4] }
}

function facts(changes: Partial<SyncFacts>): SyncFacts {
  return { position, sealed: false, header: header(old), frameBefore: lastFrame, frameAfter: undefined, ...changes }
}

const fromStart = { kind: 'incremental', start: { ...next, offset: 32, checksum: [3, 4] } }

describe('planSync (facts 3.6)', () => {
  it.each<[string, Partial<SyncFacts>, object]>([
    ['no position: image', { position: undefined }, { kind: 'image' }],
    ['same generation: on from the position', {}, { kind: 'incremental', start: position }],
    [
      'same generation, new frames: on from the position',
      { frameAfter: { ...lastFrame, checksum: [8, 8] } },
      { kind: 'incremental', start: position },
    ],
    ['same generation, last frame gone: image', { frameBefore: undefined }, { kind: 'image' }],
    [
      'same generation, last frame is another: image',
      { frameBefore: { ...lastFrame, checksum: [1, 3] } },
      { kind: 'image' },
    ],
    [
      'same generation, nothing copied from it: on from the front',
      { position: start, frameBefore: undefined },
      { kind: 'incremental', start },
    ],
    ['restarted once, all copied: from the new front', { header: header(next) }, fromStart],
    [
      'restarted once, old frames behind the copied ones: image',
      { header: header(next), frameAfter: { ...lastFrame, checksum: [8, 8] } },
      { kind: 'image' },
    ],
    [
      'restarted once, frames of the new generation behind: cannot be, but is harmless',
      { header: header(next), frameAfter: { ...lastFrame, ...next } },
      fromStart,
    ],
    [
      'restarted once and overwritten past the last frame: image',
      { header: header(next), frameBefore: { ...lastFrame, ...next } },
      { kind: 'image' },
    ],
    ['restarted once and cut short: image', { header: header(next), frameBefore: undefined }, { kind: 'image' }],
    [
      'restarted once and cut short under our pin: from the new front',
      { header: header(next), frameBefore: undefined, sealed: true },
      fromStart,
    ],
    ['restarted twice: image', { header: header({ ...next, salt1: 9 }) }, { kind: 'image' }],
    [
      'restarted twice, even under our pin: image',
      { header: header({ ...next, salt1: 9 }), sealed: true },
      { kind: 'image' },
    ],
    [
      'restarted before anything was copied from it: image',
      { position: start, frameBefore: undefined, header: header(next) },
      { kind: 'image' },
    ],
  ])('%s', (_, changes, expected) => {
    expect(planSync(facts(changes))).toMatchObject(expected)
  })

  it('salt1 wraps around', () => {
    const wrapped = {
      position: { ...position, salt1: 0xffffffff },
      sealed: true,
      header: header({ salt1: 0, salt2: 1 }),
    }
    expect(planSync(facts(wrapped)).kind).toBe('incremental')
  })
})
