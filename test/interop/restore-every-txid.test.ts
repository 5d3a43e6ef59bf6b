import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Prefixes } from './content.ts'
import { type LtxSummary, summaries } from './inspect.ts'
import { named, pairings } from './programs.ts'
import { replicatorNamed } from './replicator.ts'
import { Scene } from './scene.ts'
import { STORE_KINDS } from './stores.ts'
import { verifyEach, verifyNewest } from './verify.ts'
import { untilReplicated } from './wait.ts'
import { applyTransaction, KINDS, kindsIn, prepare, type Workload } from './workload.ts'

const TRANSACTIONS = 80
const PAUSE_MS = 80
const SETTINGS = { monitorInterval: '100ms', syncInterval: '100ms' }
const WORKLOAD: Workload = { seed: 4 }

describe.each(STORE_KINDS)('facts 11: a live workload on %s', (kind) => {
  let scene: Scene
  beforeAll(async () => {
    scene = await Scene.start(kind)
  })
  afterAll(() => scene?.close())

  test.each(pairings())('written by $writer, is restored at every TXID by $readers', async ({ writer, readers }) => {
    const primary = scene.primary(writer, WORKLOAD)
    const job = scene.job(primary, writer, SETTINGS)
    await primary.run(1)
    const running = scene.replicate(await replicatorNamed(writer), job)
    await untilReplicated(scene.store, writer, running, 1n)
    await primary.run(TRANSACTIONS, PAUSE_MS)
    await running.stop()

    const files = await summaries(scene.store, writer, 0)
    expectDense(files)
    expect(files.length).toBeGreaterThan(10)
    const form = writer === 'litetap-legacy' || writer === 'litestream-0.5.15' ? 'legacy' : 'block'
    expect(new Set(files.map(({ frames }) => frames))).toEqual(new Set([form]))
    const subject = { scene, replica: writer, readers: await named(readers), workload: WORKLOAD }
    const states = await verifyEach(
      subject,
      files.map(({ maxTXID }) => maxTXID),
    )
    expect(states.at(-1)!.seq).toBe(TRANSACTIONS + 1)
    await verifyNewest(subject, primary)
  })
})

describe.each([512, 1024, 65_536])('facts 1.1: page size %i', (pageSize) => {
  const workload: Workload = { seed: 8, pageSize }
  let scene: Scene
  beforeAll(async () => {
    scene = await Scene.start('file')
  })
  afterAll(() => scene?.close())

  test.each(pairings())('written step by step by $writer, is restored by $readers', async ({ writer, readers }) => {
    const primary = scene.primary(writer, workload)
    const program = await replicatorNamed(writer)
    // Else SQLite restarts the WAL between two passes, which Litestream does not survive (see take-over.test.ts).
    await primary.sql('PRAGMA wal_autocheckpoint = 0')
    for (let step = 0; step < 5; step++) {
      await primary.run(6)
      await program.once(scene.job(primary, writer))
    }
    const files = await summaries(scene.store, writer, 0)
    expectDense(files)
    const subject = { scene, replica: writer, readers: await named(readers), workload }
    const states = await verifyEach(
      subject,
      files.map(({ maxTXID }) => maxTXID),
    )
    // A checkpoint adds a TXID with nothing of the application's in it.
    expect([...new Set(states.map(({ seq }) => seq))]).toEqual([6, 12, 18, 24, 30])
    await verifyNewest(subject, primary)
  })
})

test('the workload does everything it can do', () => {
  const db = new DatabaseSync(':memory:')
  prepare(db, WORKLOAD)
  for (let seq = 1; seq <= TRANSACTIONS + 1; seq++) applyTransaction(db, WORKLOAD, seq)
  expect(kindsIn(db)).toEqual(KINDS)
  db.close()
})

test('the workload is the same wherever it runs', () => {
  const [one, other] = [new Prefixes(WORKLOAD), new Prefixes(WORKLOAD)]
  one.at(10)
  expect(one.at(30)).toEqual(other.at(30))
  expect(one.at(31)).not.toEqual(other.at(30))
})

/** One file per TXID, from 1, without a gap (facts 0, 11). */
function expectDense(files: readonly LtxSummary[]): void {
  const expected = files.map((_, i) => ({ minTXID: BigInt(i + 1), maxTXID: BigInt(i + 1) }))
  expect(files.map(({ minTXID, maxTXID }) => ({ minTXID, maxTXID }))).toEqual(expected)
}
