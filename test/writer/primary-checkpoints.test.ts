import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { memoryReplica } from '../support/replica.ts'
import { fileSizes, insertBlobs, workbench } from './workbench.ts'

describe('checkpoints (facts 3.8, 3.9)', () => {
  it('keeps the WAL short: PASSIVE at minCheckpointPages restarts it, incrementally', async () => {
    const client = memoryReplica()
    const bench = await workbench({ client, setup: 'CREATE TABLE t (v BLOB)', settings: { minCheckpointPages: 50 } })
    bench.app.exec('PRAGMA wal_autocheckpoint = 0')
    for (let i = 0; i < 60; i++) {
      insertBlobs(bench.app, 5, 3000)
      await bench.replicate()
      expect(bench.primary.walBytes).toBeLessThan(32 + 120 * 4120)
    }
    expect(await bench.restored()).toEqual(bench.truth())
    const sizes = await fileSizes(client)
    expect(Math.max(...sizes.slice(2)), 'no full image after the first').toBeLessThan(80_000)
  })

  it('a reader of the application that stays does not stop replication, and is not hammered', async () => {
    const bench = await workbench({ setup: 'CREATE TABLE t (v BLOB)', settings: { minCheckpointPages: 50 } })
    insertBlobs(bench.app, 5, 3000)
    await bench.replicate()
    const reader = new DatabaseSync(bench.path)
    onTestFinished(() => reader.close())
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM t').get()
    const before = bench.primary.txid
    for (let i = 0; i < 40; i++) {
      insertBlobs(bench.app, 5, 3000)
      await bench.replicate()
    }
    expect(bench.primary.txid - before, 'hardly a file beyond the 40 commits').toBeLessThan(50n)
    expect(await bench.restored()).toEqual(bench.truth())
    reader.exec('COMMIT')
    for (let i = 0; i < 40; i++) {
      insertBlobs(bench.app, 5, 3000)
      await bench.replicate()
    }
    expect(bench.primary.walBytes, 'the WAL restarts once the reader has gone').toBeLessThan(32 + 120 * 4120)
    expect(await bench.restored()).toEqual(bench.truth())
  })

  it('TRUNCATE in an emergency; the next file is a full image, or nothing was lost', async () => {
    const bench = await workbench({
      setup: 'CREATE TABLE t (v BLOB)',
      settings: { minCheckpointPages: 20, truncatePages: 30, busyTimeoutMs: 50 },
    })
    await bench.replicate()
    const reader = new DatabaseSync(bench.path)
    onTestFinished(() => reader.close())
    for (let round = 0; round < 3; round++) {
      reader.exec('BEGIN')
      reader.prepare('SELECT count(*) FROM t').get()
      for (let i = 0; i < 15; i++) {
        insertBlobs(bench.app, 5, 3000)
        await bench.replicate()
      }
      reader.exec('COMMIT')
      insertBlobs(bench.app, 40, 3000)
      await bench.replicate()
      expect(await bench.restored()).toEqual(bench.truth())
    }
    await bench.primary.checkpoint('TRUNCATE')
    insertBlobs(bench.app, 5, 3000)
    await bench.replicate()
    expect(await bench.restored()).toEqual(bench.truth())
  })

  it.each(['PASSIVE', 'FULL', 'RESTART', 'TRUNCATE'])(
    "the application's own %s checkpoints lose nothing",
    async (mode) => {
      const bench = await workbench({ setup: 'CREATE TABLE t (v BLOB)', settings: { minCheckpointPages: 40 } })
      for (let i = 0; i < 30; i++) {
        insertBlobs(bench.app, 4, 3000)
        if (i % 3 !== 0) await bench.replicate()
        bench.app.prepare(`PRAGMA wal_checkpoint(${mode})`).get()
        if (i % 4 === 0) {
          insertBlobs(bench.app, 1, 100)
          bench.app.prepare(`PRAGMA wal_checkpoint(${mode})`).get()
        }
        await bench.replicate()
        expect(Buffer.compare(await bench.restored(), bench.truth()), `round ${i}`).toBe(0)
      }
    },
  )
})
