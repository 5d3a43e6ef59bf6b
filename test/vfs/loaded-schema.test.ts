import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { LoadedSchema } from '../../vfs/connection/loaded-schema.ts'
import type { PageReader } from '../../vfs/engine/page-reader.ts'
import { numbers } from '../support/numbers.ts'
import { BRIDGES, type Source, source } from './scene.ts'

/** The same number of steps each time, so the same schema cookie; how many rows decides on which pages the tables are. */
const build = (rows: number): string => `CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT);
  ${numbers(rows)} INSERT INTO a SELECT i, 'row of a ' || hex(zeroblob(200)) FROM n;
  CREATE TABLE b (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO b VALUES (1, 'row of b')`

/** Put another database in the place of the one that is there, as a nightly script does, and replicate on. */
async function rebuild(made: Source, sql: string): Promise<void> {
  rmSync(made.path)
  const fresh = new DatabaseSync(made.path)
  fresh.exec(sql)
  fresh.close()
  await made.upload()
}

describe.each(BRIDGES)('the schema is that of the state, bridge %s', (bridge) => {
  test('after the file was built anew with the same schema cookie, and back at the old state', async () => {
    const made = await source(build(10))
    const db = await made.open(bridge, { poolSize: 1 })
    const right = [{ id: 1, v: 'row of b' }]
    expect(await db.all('SELECT * FROM b')).toEqual(right)
    await rebuild(made, build(500))
    expect(await db.all('SELECT * FROM b')).toEqual(right)
    expect(await db.get('SELECT count(*) AS n FROM a')).toEqual({ n: 500 })
    const old = await db.at({ txid: 1n })
    expect(await old.all('SELECT * FROM b')).toEqual(right)
    expect(await old.get('SELECT count(*) AS n FROM a')).toEqual({ n: 10 })
    expect(await db.get('PRAGMA integrity_check')).toEqual({ integrity_check: 'ok' })
  })

  test('other columns under the same cookie', async () => {
    const made = await source('CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 2)')
    const db = await made.open(bridge, { poolSize: 1 })
    expect(await db.all('SELECT * FROM t')).toEqual([{ a: 1, b: 2 }])
    await rebuild(made, 'CREATE TABLE t (c, d, e); INSERT INTO t VALUES (3, 4, 5)')
    expect(await db.all('SELECT * FROM t')).toEqual([{ c: 3, d: 4, e: 5 }])
  })

  test('commits that leave the schema alone cost no look at it: one page a query', async () => {
    const made = await source(
      `${build(300)}; ${Array.from({ length: 60 }, (_, i) => `CREATE TABLE t${i} (x)`).join(';')}`,
    )
    const db = await made.open(bridge, { poolSize: 1 })
    await db.all('SELECT * FROM b')
    for (let i = 0; i < 3; i++) {
      made.native.exec(`UPDATE b SET v = ${i}`)
      await made.upload()
      await db.refresh()
      const { misses } = db.stats()
      expect(await db.all('SELECT v FROM b')).toEqual([{ v: String(i) }])
      expect(db.stats().misses - misses).toBeLessThanOrEqual(2)
    }
  })
})

test('pages that the cache lets go of while others come are compared all the same', async () => {
  const cache = new Map([[1, new Uint8Array(512)]])
  const held = new Map<number, Uint8Array>()
  const reader: PageReader = {
    state: { txid: 1n, timestamp: 0, commit: 2, pageSize: 512, identity: 'one' },
    signal: undefined,
    now: 0,
    get: (pgno) => held.get(pgno) ?? cache.get(pgno),
    identity: () => undefined,
    hold: async (pgnos) => {
      cache.clear()
      for (const pgno of pgnos) held.set(pgno, new Uint8Array(512))
    },
    release: () => held.clear(),
  }
  const schema = await LoadedSchema.of([1, 2], reader)
  cache.set(1, new Uint8Array(512))
  expect(await schema.isThatOf(reader)).toBe(true)
  cache.set(1, new Uint8Array(512).fill(1))
  expect(await schema.isThatOf(reader)).toBe(false)
})
