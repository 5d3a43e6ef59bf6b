import { describe, expect, test } from 'vitest'
import { lockPgno } from '../../ltx/index.ts'
import { PageCache } from '../../pagecache/index.ts'
import { layerOfEntries } from '../../replica/state/build-layer.ts'
import { LazyIndex } from '../../replica/state/lazy-index.ts'
import { Snapshot } from '../../replica/state/snapshot.ts'
import { SourceFile } from '../../replica/state/source-file.ts'

const cache = new PageCache()

function file(txid: number): SourceFile {
  const name = { level: 0, minTXID: BigInt(txid), maxTXID: BigInt(txid) }
  return new SourceFile({ ...name, size: 1e6, createdAt: 0 }, BigInt(txid), cache)
}

function layer(source: SourceFile, ...pgnos: readonly number[]) {
  return layerOfEntries(
    pgnos.map((pgno) => ({ pgno, offset: pgno * 1000, size: 500 })),
    source,
  )
}

/** An index of which the pages of one window are known, if any. */
function lazy(source: SourceFile, ...pgnos: readonly number[]): LazyIndex {
  const index = new LazyIndex({ file: source, pageSize: 4096, commit: 100, indexOffset: 5000, indexSize: 1000 })
  if (pgnos.length > 0) index.runs = [{ layer: layer(source, ...pgnos), start: 400, lastStart: 450, end: 460 }]
  return index
}

const [old, middle, newest] = [file(1), file(2), file(3)]
const STATE = { txid: 3n, timestamp: 1000, commit: 100, pageSize: 4096, newest, link: 0n, identity: 'three' }

describe('Snapshot.locate', () => {
  test('the newest file that holds a page has it, except above what a later state has cut off', () => {
    const snapshot = new Snapshot(STATE, [
      { index: layer(newest, 1, 5), limit: 100 },
      { index: layer(middle, 1, 2, 50), limit: 49 },
      { index: layer(old, 1, 2, 3, 49, 50), limit: 50 },
    ])
    const fileOf = (pgno: number) => (snapshot.locate(pgno) as { file: SourceFile }).file
    expect([1, 5, 2, 3, 49, 50].map(fileOf)).toEqual([newest, newest, middle, old, old, old])
    expect(snapshot.locate(2)).toEqual({ file: middle, offset: 2000, size: 500 })
    expect(snapshot.files()).toEqual([newest, middle, old])
    expect(snapshot.size()).toEqual({ pages: 10, bytes: 120 })
  })

  test('the lock page is zeros, also where an index is known in parts only', () => {
    const pgno = lockPgno(4096)
    const state = { ...STATE, commit: pgno + 1 }
    expect(new Snapshot(state, [{ index: layer(old, 1), limit: pgno + 1 }]).locate(pgno)).toBe('zeros')
    const index = lazy(old)
    expect(new Snapshot(state, [{ index, limit: pgno + 1 }]).locate(pgno)).toEqual([index])
  })

  test('a page that no file holds is damage', () => {
    const snapshot = new Snapshot(STATE, [{ index: layer(old, 1), limit: 100 }])
    expect(() => snapshot.locate(2)).toThrow(
      expect.objectContaining({ code: 'REPLICA_DAMAGED', at: { pgno: 2, txid: 3n } }),
    )
  })

  test('what has to be loaded first: every index that may hold the page before one that does', () => {
    const [first, second] = [lazy(newest), lazy(middle, 10, 20)]
    const snapshot = new Snapshot(STATE, [
      { index: first, limit: 100 },
      { index: second, limit: 100 },
      { index: layer(old, 1, 10, 15), limit: 100 },
    ])
    expect(snapshot.locate(1)).toEqual([first, second])
    expect(snapshot.locate(10)).toEqual([first])
    expect(snapshot.locate(15)).toEqual([first])
    first.runs = [{ layer: layer(newest, 1, 99), start: 0, lastStart: 990, end: 999 }]
    expect(snapshot.locate(10)).toMatchObject({ file: middle })
    expect(snapshot.locate(15)).toMatchObject({ file: old })
    expect(snapshot.locate(99)).toMatchObject({ file: newest })
    expect(snapshot.files()).toEqual([newest, middle, old])
  })
})

describe('LazyIndex', () => {
  test('what lies before, between and behind what is loaded', () => {
    const index = lazy(old, 10, 20)
    expect([9, 10, 15, 20, 21].map((pgno) => index.find(pgno))).toEqual([
      undefined,
      { file: old, offset: 10_000, size: 500 },
      'absent',
      { file: old, offset: 20_000, size: 500 },
      undefined,
    ])
    index.runs = [{ ...index.runs[0]!, start: 0 }]
    expect(index.find(9)).toBe('absent')
    expect(index.complete).toBe(false)
    index.runs = [{ ...index.runs[0]!, start: 1, end: 999 }]
    expect([index.find(9), index.find(21)]).toEqual([undefined, 'absent'])
    expect(index.complete).toBe(false)
    index.runs = [{ ...index.runs[0]!, start: 0 }]
    expect(index.complete).toBe(true)
    expect(index.length).toBe(2)
    expect(index.byteLength).toBe(24)
    expect(lazy(old).complete).toBe(false)
    expect(lazy(old).find(1)).toBeUndefined()
  })
})
