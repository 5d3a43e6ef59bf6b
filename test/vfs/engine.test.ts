import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { DATABASE_NAME } from '../../vfs/engine/database-file.ts'
import { Engine } from '../../vfs/engine/engine.ts'
import type { PageReader } from '../../vfs/engine/page-reader.ts'
import { loadEngineModules } from '../../vfs/load-node.ts'
import { numbers } from '../support/numbers.ts'
import { BRIDGES } from './scene.ts'

// One instance of SQLite and its states, without a connection around it.

const PAGE_SIZE = 512
const [OK, ROW, DONE] = [0, 100, 101]

const image = (() => {
  const db = new DatabaseSync(':memory:')
  db.exec(`PRAGMA page_size = ${PAGE_SIZE}; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
    ${numbers(200)} INSERT INTO t SELECT i, printf('%060d', i) FROM n`)
  const bytes = new Uint8Array(db.serialize())
  db.close()
  return bytes
})()

/** Pages of which only some are at hand; the others come when they are let. */
class Pages implements PageReader {
  readonly state = { commit: image.length / PAGE_SIZE, pageSize: PAGE_SIZE, txid: 1n } as PageReader['state']
  readonly signal = undefined
  readonly now = 0
  readonly atHand = new Set<number>()
  released: Promise<void> = Promise.resolve()
  holds = 0

  get(pgno: number): Uint8Array | undefined {
    return this.atHand.has(pgno) ? image.subarray((pgno - 1) * PAGE_SIZE, pgno * PAGE_SIZE) : undefined
  }

  identity(): undefined {}

  async hold(pgnos: readonly number[]): Promise<void> {
    this.holds++
    await this.released
    for (const pgno of pgnos) this.atHand.add(pgno)
  }

  release(): void {}
}

async function opened(bridge: (typeof BRIDGES)[number]) {
  const engine = await Engine.start(await loadEngineModules(), { bridge })
  const { sqlite, heap, scratch, file } = engine
  const pages = new Pages()
  file.begin(pages)
  const out = scratch.allocate(8)
  const name = scratch.allocateText(DATABASE_NAME).address
  expect(await engine.call('sqlite3_open_v2', name, out, 1, 0)).toBe(OK)
  const db = heap.u32(out)
  sqlite.sqlite3_progress_handler(db, 1000, engine.pointers.progress, 0)
  const prepare = async (sql: string): Promise<number> => {
    const text = scratch.allocateText(sql).address
    expect(await engine.call('sqlite3_prepare_v3', db, text, -1, 0, out, 0)).toBe(OK)
    return heap.u32(out)
  }
  /** Takes ids into `into`, up to `most` of them. */
  const ids =
    (into: number[], most = Number.POSITIVE_INFINITY) =>
    (statement: number) => {
      return into.push(sqlite.sqlite3_column_double(statement, 0)) >= most
    }
  return { engine, pages, prepare, ids }
}

const ALL = Array.from({ length: 200 }, (_, i) => i + 1)

describe.each(BRIDGES)('an engine, %s', (bridge) => {
  test('refuses a second call while one is under way, which goes on with its own rows', async () => {
    const { engine, pages, prepare, ids } = await opened(bridge)
    const [first, second] = [await prepare('SELECT id FROM t'), await prepare('SELECT -id FROM t')]
    const gate = Promise.withResolvers<void>()
    pages.released = gate.promise
    const [mine, others]: number[][] = [[], []]
    const running = engine.each(first, ids(mine!))
    expect(running).toBeInstanceOf(Promise)
    const busy = expect.objectContaining({ code: 'VFS_ENGINE_BUSY' })
    expect(() => engine.each(second, ids(others!))).toThrow(busy)
    expect(() => engine.tryEach(second, ids(others!))).toThrow(busy)
    expect(() => engine.call('sqlite3_step', second)).toThrow(busy)
    gate.resolve()
    expect(await running).toBe(DONE)
    expect([mine, others]).toEqual([ALL, []])
    expect(await engine.each(second, ids(others!, 2))).toBe(ROW)
    expect(others).toEqual([-1, -2])
  })

  test('that is not sound any more refuses every call', async () => {
    const { engine, prepare, ids } = await opened(bridge)
    const statement = await prepare('SELECT id FROM t')
    expect(engine.broken).toBe(false)
    engine.retire()
    expect(engine.broken).toBe(true)
    const unusable = expect.objectContaining({
      code: 'VFS_ENGINE',
      message: expect.stringContaining('has ended in the middle'),
    })
    expect(() => engine.each(statement, ids([]))).toThrow(unusable)
    expect(() => engine.tryEach(statement, ids([]))).toThrow(unusable)
    expect(() => engine.call('sqlite3_step', statement)).toThrow(unusable)
  })

  test('tries a statement: all rows, some, or why it has not ended; nothing is waited for', async () => {
    const { engine, pages, prepare, ids } = await opened(bridge)
    const { sqlite } = engine
    const statement = await prepare('SELECT id FROM t')
    const before = pages.holds
    expect(engine.tryEach(statement, ids([]))).toBe('misses')
    expect(pages.holds).toBe(before)
    sqlite.sqlite3_reset(statement)
    const waited: number[] = []
    expect(await engine.each(statement, ids(waited))).toBe(DONE)
    expect(waited).toEqual(ALL)
    sqlite.sqlite3_reset(statement)
    const tried: number[] = []
    expect(engine.tryEach(statement, ids(tried))).toBe(DONE)
    expect(tried).toEqual(ALL)
    sqlite.sqlite3_reset(statement)
    const two: number[] = []
    expect(engine.tryEach(statement, ids(two, 2))).toBe(ROW)
    expect(two).toEqual([1, 2])
    const long = await prepare('SELECT count(*) FROM t a, t b, t c')
    expect(engine.tryEach(long, ids([]))).toBe('computes')
  })

  test('a failure in a row is the failure of the call, tried or not', async () => {
    const { engine, pages, prepare, ids } = await opened(bridge)
    const statement = await prepare('SELECT id FROM t')
    await engine.each(statement, ids([]))
    for (const run of ['each', 'tryEach'] as const) {
      engine.sqlite.sqlite3_reset(statement)
      await engine[run](statement, () => {
        throw new Error('no room')
      })
      expect(engine.border.failure).toEqual({ error: new Error('no room') })
    }
    expect(pages.holds).toBeGreaterThan(0)
  })
})
