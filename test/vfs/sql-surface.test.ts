import { describe, expect, test } from 'vitest'
import { callFunction, callPragma, type SurfaceContext, type SurfacePragma } from '../../vfs/connection/sql-surface.ts'

const STATE = { txid: 0x1an, commit: 5, pageSize: 4096, timestamp: Date.UTC(2026, 0, 1, 0, 0, 2), identity: '' }

function context(changes: Partial<SurfaceContext> = {}): SurfaceContext & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    state: STATE,
    targetTime: undefined,
    lag: () => ({ sinceTransactionMs: 5, sinceCheckMs: 0 }),
    hydration: () => undefined,
    requestTime: (text) => void asked.push(text),
    ...changes,
    asked,
  }
}

describe('functions (facts 7.2)', () => {
  test('txid', () => {
    expect(callFunction('txid', undefined, context())).toBe('000000000000001a')
  })

  test.each([
    [Date.UTC(2026, 0, 1, 0, 0, 2), '2026-01-01T00:00:02Z'],
    [Date.UTC(2026, 0, 1, 0, 0, 10), '2026-01-01T00:00:10Z'],
    [Date.UTC(2026, 0, 1, 0, 0, 2, 120), '2026-01-01T00:00:02.12Z'],
    [Date.UTC(2026, 0, 1, 0, 0, 2, 5), '2026-01-01T00:00:02.005Z'],
    [1, '1970-01-01T00:00:00.001Z'],
    [0, 'latest'],
    [-1, 'latest'],
  ])('time: of the last transaction, or what was asked for: %i', (time, text) => {
    expect(callFunction('time', undefined, context({ state: { ...STATE, timestamp: time } }))).toBe(text)
    expect(callFunction('time', undefined, context({ targetTime: time }))).toBe(text)
  })

  test.each([
    [undefined, -1],
    [0, 0],
    [999, 0],
    [1000, 1],
    [61_500, 61],
  ])('lag: %s ms since the last check are %i s', (sinceCheckMs, seconds) => {
    const lag = () => ({ sinceTransactionMs: 9_000, sinceCheckMs })
    expect(callFunction('lag', undefined, context({ lag }))).toBe(seconds)
    expect(callPragma('lag', undefined, context({ lag }))).toBe(String(seconds))
  })

  test('set_time hands on what it is given', () => {
    const asking = context()
    expect(callFunction('set_time', 'an hour ago', asking)).toBeNull()
    expect(callFunction('set_time', undefined, asking)).toBeNull()
    expect(asking.asked).toEqual(['an hour ago', ''])
  })
})

describe('pragmas', () => {
  test.each<[SurfacePragma, string]>([
    ['txid', '000000000000001a'],
    ['time', '2026-01-01T00:00:02Z'],
    ['lag', '0'],
    ['hydration_progress', '0.0'],
    ['hydration_file', ''],
    ['write_enabled', '0'],
  ])('%s is %j', (name, value) => {
    expect(callPragma(name, undefined, context())).toBe(value)
  })

  test('hydration_progress is in percent', () => {
    const at = (done: number, total: number) =>
      callPragma('hydration_progress', undefined, context({ hydration: () => ({ done, total }) }))
    expect([at(1, 3), at(3, 3), at(0, 7)]).toEqual(['33.3', '100.0', '0.0'])
  })

  test('only the time can be set', () => {
    const asking = context()
    expect(callPragma('time', 'yesterday', asking)).toBeUndefined()
    expect(asking.asked).toEqual(['yesterday'])
    for (const name of ['txid', 'lag', 'hydration_progress', 'hydration_file'] as const) {
      expect(() => callPragma(name, '1', asking), name).toThrow(
        expect.objectContaining({ code: 'VFS_READONLY', message: expect.stringContaining(`litestream_${name}`) }),
      )
    }
    expect(asking.asked).toEqual(['yesterday'])
  })

  test('writing can be switched off, not on', () => {
    for (const value of ['0', 'false', 'OFF']) expect(callPragma('write_enabled', value, context())).toBeUndefined()
    for (const value of ['1', 'true', 'on', '']) {
      expect(() => callPragma('write_enabled', value, context()), value).toThrow(
        expect.objectContaining({ code: 'VFS_READONLY' }),
      )
    }
  })
})
