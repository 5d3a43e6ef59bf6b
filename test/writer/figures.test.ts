import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { newFigures } from '../../writer/figures.ts'
import { countL0 } from '../../writer/plan-retention.ts'
import { insertBlobs, workbench } from './workbench.ts'

test('syncs, copied bytes of WAL and the size of the database are counted', async () => {
  const figures = newFigures()
  const bench = await workbench({ figures, settings: { minCheckpointPages: 1_000_000, checkpointIntervalMs: 0 } })
  bench.app.exec('CREATE TABLE t (v)')
  await bench.replicate()
  insertBlobs(bench.app, 10, 3000)
  await bench.replicate()
  await bench.replicate()
  const pages = bench.app.prepare('PRAGMA page_count').get() as { page_count: number }
  expect(figures).toMatchObject({ syncs: 3, syncErrors: 0, diskFull: false, databaseBytes: pages.page_count * 4096 })
  expect(figures.walBytes).toBe(bench.primary.walBytes)
  // The WAL was never restarted: all of it was copied, once.
  expect(figures.totalWalBytes).toBe(figures.walBytes - 32)
  expect(figures.activity).toMatchObject({ operation: 'sync', phase: 'sync_complete', active: false })
  expect(figures.syncSeconds).toBeGreaterThan(0)
})

test('checkpoints are counted by their mode, and a restart goes on counting', async () => {
  const figures = newFigures()
  const bench = await workbench({ figures })
  bench.app.exec('CREATE TABLE t (v)')
  await bench.primary.sync()
  await bench.primary.checkpoint('PASSIVE')
  await bench.primary.checkpoint('TRUNCATE')
  const next = await bench.restartPrimary({ figures })
  await next.primary.checkpoint('PASSIVE')
  expect(figures.checkpoints.PASSIVE).toMatchObject({ count: 2, errors: 0 })
  expect(figures.checkpoints.TRUNCATE).toMatchObject({ count: 1, errors: 0 })
  expect(figures.syncs).toBe(1)
})

test('a sync that fails is counted as such, with its reason', async () => {
  const figures = newFigures()
  const bench = await workbench({ figures })
  bench.app.close()
  await bench.primary.close()
  rmSync(bench.path)
  await expect(bench.primary.sync()).rejects.toThrow()
  expect(figures).toMatchObject({ syncs: 1, syncErrors: 1, diskFull: false })
  expect(figures.activity).toMatchObject({ active: false, error: expect.stringContaining(bench.path) })
})

test.each([
  { coveredTo: 0n, before: 1000, expected: { eligible: 0, notCompacted: 0, tooRecent: 0 } },
  { coveredTo: 2n, before: 3, expected: { eligible: 2, notCompacted: 1, tooRecent: 2 } },
  { coveredTo: 5n, before: 1000, expected: { eligible: 4, notCompacted: 0, tooRecent: 0 } },
])('level 0 by what keeps its files: covered to $coveredTo, older than $before', ({ coveredTo, before, expected }) => {
  const files = [1n, 2n, 3n, 4n, 5n].map((txid) => ({
    level: 0,
    minTXID: txid,
    maxTXID: txid,
    size: 1,
    createdAt: Number(txid),
  }))
  expect(countL0({ files, coveredTo, before })).toEqual(expected)
})
