import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { open } from '../../entry/open.ts'
import { isReplicaError } from '../../replica/index.ts'
import type { Database, Queries } from '../../vfs/index.ts'
import type { Primary } from './primary.ts'
import { pairings } from './programs.ts'
import { type Running, replicatorNamed } from './replicator.ts'
import { Scene } from './scene.ts'
import { STORE_KINDS } from './stores.ts'
import { until, untilReplicated } from './wait.ts'
import type { Workload } from './workload.ts'

const SETTINGS = { monitorInterval: '100ms', syncInterval: '100ms', levels: ['1s', '5s'] }
const WORKLOAD: Workload = { seed: 11 }
const BRIDGES = ['jspi', 'asyncify'] as const
const TABLES = [
  'SELECT * FROM ledger',
  'SELECT * FROM accounts',
  'SELECT id, length(body) AS n, hex(substr(body, 1, 50)) AS start, hex(substr(body, -50)) AS end FROM blobs',
  'SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name',
]

/** The ledger has a row for each transaction and nothing else, and the database is sound. @returns the last one's number */
async function check(tx: Queries): Promise<number> {
  const { n, last } = (await tx.get('SELECT count(*) AS n, max(seq) AS last FROM ledger'))!
  expect(last).toBe(n)
  expect(await tx.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
  expect(await tx.get('SELECT max(seq) AS last FROM ledger')).toEqual({ last })
  return Number(last)
}

/** Read all the time: states only ever go on. @returns the states seen */
async function follow(db: Database, done: () => boolean): Promise<number> {
  const seen = new Set<number>()
  for (let before = 0; !done(); await sleep(20)) {
    try {
      const last = await db.transaction(check)
      expect(last).toBeGreaterThanOrEqual(before)
      before = last
      seen.add(last)
    } catch (error) {
      if (!isReplicaError(error, 'REPLICA_SNAPSHOT_GONE')) throw error
    }
  }
  return seen.size
}

/** All of both, row by row, the newest state here and the application's own file. */
async function compare(db: Database, primary: Primary): Promise<void> {
  const native = new DatabaseSync(primary.path)
  for (const sql of TABLES) {
    const expected = native.prepare(sql).all()
    expect(await db.all(sql), sql).toEqual(expected.map((row) => ({ ...row })))
  }
  native.close()
}

describe.each(STORE_KINDS)('querying in place what another program replicates, on %s', (kind) => {
  let scene: Scene
  beforeAll(async () => {
    scene = await Scene.start(kind)
  })
  afterAll(() => scene?.close())

  test.each(pairings().map(({ writer }) => writer))('written by %s', async (writer) => {
    const primary = scene.primary(writer, WORKLOAD)
    const running: Running = scene.replicate(await replicatorNamed(writer), scene.job(primary, writer, SETTINGS))
    await primary.run(1)
    await untilReplicated(scene.store, writer, running, 1n)
    const opening = { checkIntervalMs: 50, listIntervalMs: 500, env: scene.store.env }
    const readers = await Promise.all(BRIDGES.map((bridge) => open(scene.store.url(writer), { ...opening, bridge })))
    let over = false
    const following = readers.map((db) => follow(db, () => over))
    const last = await primary.run(120, 60)
    for (const db of readers) {
      const caughtUp = async () => (await db.get('SELECT max(seq) AS last FROM ledger'))?.last === last
      await until(`transaction ${last} is seen`, running, caughtUp)
    }
    over = true
    for (const states of await Promise.all(following)) expect(states).toBeGreaterThan(10)
    for (const db of readers) {
      await compare(db, primary)
      await db.close()
    }
    await running.stop()
  })
})
