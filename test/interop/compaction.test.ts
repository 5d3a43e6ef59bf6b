import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LtxSummary, summaries } from './inspect.ts'
import { named, pairings } from './programs.ts'
import { replicatorNamed } from './replicator.ts'
import { Scene } from './scene.ts'
import { STORE_KINDS } from './stores.ts'
import { type Subject, verifyNewest, verifyReachable } from './verify.ts'
import { until, untilReplicated } from './wait.ts'
import type { Workload } from './workload.ts'

// Litestream's defaults are 30 s, 5 min and 24 h; its compaction times are multiples of the intervals (facts 5.2).
const SETTINGS = {
  monitorInterval: '100ms',
  syncInterval: '100ms',
  levels: ['1s', '4s'],
  snapshotInterval: '6s',
  snapshotRetention: '7s',
  l0Retention: '3s',
  l0RetentionCheckInterval: '1s',
}
const TRANSACTIONS = 150
const PAUSE_MS = 80
const LEVELS = [0, 1, 2, 9]
const WORKLOAD: Workload = { seed: 5 }

describe.each(STORE_KINDS)('facts 5: compaction, snapshots and retention on %s', (kind) => {
  let scene: Scene
  beforeAll(async () => {
    scene = await Scene.start(kind)
  })
  afterAll(() => scene?.close())

  test.each(pairings())('done by $writer, read by $readers', async ({ writer, readers }) => {
    const primary = scene.primary(writer, WORKLOAD)
    const running = scene.replicate(await replicatorNamed(writer), scene.job(primary, writer, SETTINGS))
    const level = (number: number) => summaries(scene.store, writer, number)
    await primary.run(1)
    await untilReplicated(scene.store, writer, running, 1n)
    await primary.run(TRANSACTIONS, PAUSE_MS)
    await until('retention has removed the first snapshot', running, async () => (await level(9))[0]!.maxTXID > 1n)
    await running.stop()

    const levels = await Promise.all(LEVELS.map(level))
    for (const [i, files] of levels.entries()) {
      expect(files.length, `files in level ${LEVELS[i]}`).toBeGreaterThan(0)
      if (LEVELS[i] !== 9) expectContiguous(files)
    }
    expect(levels[0]![0]!.minTXID).toBeGreaterThan(1n)
    const subject: Subject = { scene, replica: writer, readers: await named(readers), workload: WORKLOAD }
    await expectSameListings(subject)
    const txids = new Set(levels.flat().map(({ maxTXID }) => maxTXID))
    await verifyReachable(
      subject,
      [...txids].toSorted((a, b) => Number(a - b)),
    )
    await verifyNewest(subject, primary)
  })
})

function expectContiguous(files: readonly LtxSummary[]): void {
  for (const [i, { name, minTXID }] of files.entries()) {
    if (i > 0) expect(minTXID, name).toBe(files[i - 1]!.maxTXID + 1n)
  }
}

/** `ltx -level all -json` prints the same by every program. */
async function expectSameListings({ scene, replica, readers }: Subject): Promise<void> {
  const source = { url: scene.store.url(replica), env: scene.store.env }
  const listings = await Promise.all(readers.map((reader) => reader.ltx(source)))
  for (const listing of listings) expect(listing).toEqual(listings[0])
  const stored = (await Promise.all(LEVELS.map((level) => scene.store.list(replica, level)))).flat()
  const names = listings[0]!.map(({ level, min_txid, max_txid, size }) => ({
    level,
    name: `${min_txid}-${max_txid}.ltx`,
    size,
  }))
  expect(names.toSorted(byLevelAndName)).toEqual(stored.toSorted(byLevelAndName))
}

function byLevelAndName(a: { level: number; name: string }, b: { level: number; name: string }): number {
  return a.level - b.level || (a.name < b.name ? -1 : 1)
}
