import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { imagePgnos, incrementalPgnos } from '../../writer/encode-image.ts'
import { restore } from '../../writer/index.ts'
import { seededRandom } from '../support/random.ts'
import { memoryReplica, openLtxHeader } from '../support/replica.ts'
import { insertBlobs, restartWithEverythingCheckpointed, truth, type Workbench, workbench } from './workbench.ts'

const PAGE_SIZES = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]

describe('following a database (facts 3)', () => {
  it.each(PAGE_SIZES)('copies every committed page, with pages of %i bytes', async (pageSize) => {
    const bench = await workbench({ pageSize, setup: 'CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)' })
    for (let i = 0; i < 5; i++) {
      insertBlobs(bench.app, 40, 900)
      await bench.replicate()
      expect(await bench.restored()).toEqual(bench.truth())
    }
  })

  it('writes nothing while nothing is committed', async () => {
    const bench = await workbench({ setup: 'CREATE TABLE t (v)' })
    const txid = await bench.replicate()
    expect(await bench.replicate()).toBe(txid)
    bench.app.exec('BEGIN; INSERT INTO t VALUES (1)')
    expect(await bench.replicate()).toBe(txid)
    bench.app.exec('COMMIT')
    expect(await bench.replicate()).toBe(txid + 1n)
  })

  it('ignores what a rolled back transaction left in the WAL', async () => {
    const bench = await workbench({ setup: 'CREATE TABLE t (v BLOB)' })
    await bench.replicate()
    bench.app.exec('PRAGMA cache_size = 10; BEGIN')
    insertBlobs(bench.app, 500, 4000)
    bench.app.exec('ROLLBACK')
    await bench.replicate()
    bench.app.exec('INSERT INTO t VALUES (1)')
    await bench.replicate()
    expect(await bench.restored()).toEqual(bench.truth())
  })

  it('goes on from a WAL that has a header and no frame yet, as a restart leaves it for a moment', async () => {
    const bench = await workbench({ setup: 'CREATE TABLE t (v)' })
    bench.app.exec('INSERT INTO t VALUES (1)')
    await bench.replicate()
    const header = readFileSync(`${bench.path}-wal`).subarray(0, 32)
    await bench.primary.close()
    bench.app.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    bench.app.close()
    writeFileSync(`${bench.path}-wal`, header)
    const again = await bench.restartPrimary()
    await again.replicate()
    const txid = await again.replicate()
    expect(await again.restored({ txid })).toEqual(again.truth())
    const app = new DatabaseSync(bench.path)
    app.exec('INSERT INTO t VALUES (2)')
    await again.replicate()
    expect(await again.restored()).toEqual(again.truth())
    app.close()
  })

  it('restores every TXID to the state it had', async () => {
    const bench = await workbench({ setup: 'CREATE TABLE t (v)' })
    const states = new Map<bigint, Buffer>()
    for (let i = 0; i < 12; i++) {
      bench.app.exec(`INSERT INTO t VALUES (${i})`)
      states.set(await bench.replicate(), bench.truth())
    }
    for (const [txid, state] of states) expect(await bench.restored({ txid })).toEqual(state)
  })

  it('limits a file to whole transactions of about maxSyncWalBytes, and copies the rest too', async () => {
    const bench = await workbench({ setup: 'CREATE TABLE t (v BLOB)', settings: { maxSyncWalBytes: 64 * 1024 } })
    await bench.replicate()
    for (let i = 0; i < 100; i++) insertBlobs(bench.app, 1, 4000)
    const before = bench.primary.txid
    const after = await bench.replicate()
    expect(after - before).toBeGreaterThan(5n)
    expect(await bench.restored()).toEqual(bench.truth())
  })

  it('never lets a timestamp go backwards, even if the clock does', async () => {
    let now = 1_700_000_000_000
    const client = memoryReplica()
    const bench = await workbench({ client, setup: 'CREATE TABLE t (v)', now: () => now })
    await bench.replicate()
    now -= 60_000
    bench.app.exec('INSERT INTO t VALUES (1)')
    const txid = await bench.replicate()
    expect((await openLtxHeader(client, txid)).timestamp).toBe(1_700_000_000_000)
  })
})

describe('growing and shrinking (facts 3.7)', () => {
  it('VACUUM: one incremental file with a smaller commit', async () => {
    const client = memoryReplica()
    const bench = await workbench({ client, setup: 'CREATE TABLE t (v BLOB)' })
    insertBlobs(bench.app, 300, 4000)
    await bench.replicate()
    bench.app.exec('DELETE FROM t WHERE rowid > 10; VACUUM')
    const txid = await bench.replicate()
    expect((await openLtxHeader(client, txid)).commit).toBeLessThan(40)
    expect(await bench.restored()).toEqual(bench.truth())
    insertBlobs(bench.app, 300, 4000)
    await bench.replicate()
    expect(await bench.restored()).toEqual(bench.truth())
  })

  it.each(['FULL', 'INCREMENTAL'])('auto_vacuum = %s shrinks without rewriting all', async (mode) => {
    const bench = await workbench({ setup: `PRAGMA auto_vacuum = ${mode}; CREATE TABLE t (v BLOB)` })
    insertBlobs(bench.app, 200, 4000)
    await bench.replicate()
    bench.app.exec('DELETE FROM t WHERE rowid % 3 = 0; PRAGMA incremental_vacuum(20)')
    await bench.replicate()
    expect(await bench.restored()).toEqual(bench.truth())
  })

  it('pages that grew the database without ever being written are filled in', async () => {
    const bench = await workbench({ setup: 'CREATE TABLE t (v BLOB)' })
    await bench.replicate()
    // Allocated and freed again inside one transaction: leaves of the free list are not written.
    bench.app.exec('BEGIN')
    insertBlobs(bench.app, 200, 4000)
    bench.app.exec('DELETE FROM t; COMMIT')
    await bench.replicate()
    expect(await bench.restored()).toEqual(bench.truth())
  })

  it('a long seeded mix of everything', async () => {
    const seed = 20261123
    const random = seededRandom(seed)
    const bench = await workbench({
      pageSize: 1024,
      setup: 'PRAGMA auto_vacuum = INCREMENTAL; CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)',
      settings: { minCheckpointPages: 60, maxSyncWalBytes: 100_000 },
    })
    for (let step = 0; step < 150; step++) {
      mixedStep(bench.app, random)
      if (random() < 0.7) await bench.replicate()
      if (step % 15 === 14) {
        await bench.replicate()
        expect(Buffer.compare(await bench.restored(), bench.truth()), `seed ${seed}, step ${step}`).toBe(0)
      }
    }
  })
})

describe('snapshots (facts 3.10)', () => {
  it('holds the state of its TXID, though commits and checkpoints of the application go on while it streams', async () => {
    const bench = await workbench({ setup: 'CREATE TABLE t (v BLOB)', settings: { minCheckpointPages: 20 } })
    insertBlobs(bench.app, 50, 3000)
    const txid = await bench.replicate()
    const state = bench.truth()
    const snapshot = await takeSnapshot(bench, async () => {
      bench.app.exec("UPDATE t SET v = 'later'")
      await bench.primary.sync()
      bench.app.prepare('PRAGMA wal_checkpoint(RESTART)').get()
      insertBlobs(bench.app, 50, 3000)
    })
    expect(snapshot.txid).toBe(txid)
    expect(snapshot.image).toEqual(state)
  })

  it('reads what it needs from the database file when the WAL restarts under it', async () => {
    let bench = await workbench({ setup: 'CREATE TABLE t (v BLOB)' })
    insertBlobs(bench.app, 50, 3000)
    await bench.replicate()
    bench = await restartWithEverythingCheckpointed(bench)
    const state = bench.truth()
    const snapshot = await takeSnapshot(bench, async () => {
      bench.app.exec("UPDATE t SET v = 'overwrites the frames that the snapshot was planned with'")
    })
    expect(snapshot.image).toEqual(state)
  })
})

describe('which pages go into a file', () => {
  it('every page that grew the database is there, written or not (facts 3.7)', () => {
    const frames = new Map([
      [7, 0],
      [2, 0],
    ])
    expect(incrementalPgnos(frames, { previousCommit: 4, commit: 8, pageSize: 4096 })).toEqual([2, 5, 6, 7, 8])
    expect(incrementalPgnos(frames, { previousCommit: 9, commit: 8, pageSize: 4096 })).toEqual([2, 7])
  })

  it('the lock page never is (facts 1.8)', () => {
    const lock = 0x40000000 / 65536 + 1
    const size = { previousCommit: lock - 2, commit: lock + 1, pageSize: 65536 }
    expect(incrementalPgnos(new Map([[lock, 0]]), size)).toEqual([lock - 1, lock + 1])
    expect([...imagePgnos(lock + 1, 65536)].slice(-2)).toEqual([lock - 1, lock + 1])
  })
})

describe('the database replaced under the writer', () => {
  it('while it runs: a full image of the new one, under the next TXID', async () => {
    const bench = await workbench({ setup: 'CREATE TABLE t (v BLOB)' })
    insertBlobs(bench.app, 20, 3000)
    const before = await bench.replicate()
    const other = join(bench.dir, 'other.db')
    const db = new DatabaseSync(other)
    db.exec("CREATE TABLE u (w); INSERT INTO u VALUES ('new')")
    db.close()
    bench.app.close()
    rmSync(`${bench.path}-wal`, { force: true })
    rmSync(`${bench.path}-shm`, { force: true })
    renameSync(other, bench.path)
    expect(await bench.replicate()).toBe(before + 1n)
    expect(await bench.restored()).toEqual(truth(bench.path))
  })

  it('refuses one with another page size, and leaves the replica readable', async () => {
    const bench = await workbench({ setup: 'CREATE TABLE t (v BLOB)' })
    await bench.replicate()
    const state = bench.truth()
    const other = join(bench.dir, 'other.db')
    const db = new DatabaseSync(other)
    db.exec('PRAGMA page_size = 8192; CREATE TABLE u (w)')
    db.close()
    bench.app.close()
    rmSync(`${bench.path}-wal`, { force: true })
    rmSync(`${bench.path}-shm`, { force: true })
    renameSync(other, bench.path)
    await expect(bench.replicate()).rejects.toMatchObject({ code: 'WRITER_PAGE_SIZE_CHANGED' })
    expect(await bench.restored()).toEqual(state)
  })
})

/** A snapshot with something happening between its plan and its first byte. */
async function takeSnapshot(
  bench: Workbench,
  meanwhile: () => Promise<void>,
): Promise<{ txid: bigint; image: Buffer }> {
  const client = memoryReplica()
  const txid = await bench.primary.snapshot(async (maxTXID, stream) => {
    await meanwhile()
    await client.write({ level: 9, minTXID: 1n, maxTXID }, stream)
    return maxTXID
  })
  const output = join(bench.dir, `snapshot-${process.hrtime.bigint()}`)
  await restore(client, output)
  return { txid, image: readFileSync(output) }
}

function mixedStep(db: DatabaseSync, random: () => number): void {
  const dice = random()
  if (dice < 0.55) insertBlobs(db, 1 + Math.floor(random() * 20), Math.floor(random() * 3000))
  else if (dice < 0.7) db.prepare('DELETE FROM t WHERE id % 7 = ?').run(Math.floor(random() * 7))
  else if (dice < 0.8) db.prepare('UPDATE t SET v = randomblob(100) WHERE id % 5 = ?').run(Math.floor(random() * 5))
  else if (dice < 0.87) db.exec(`PRAGMA incremental_vacuum(${Math.floor(random() * 30)})`)
  else if (dice < 0.9) db.exec('VACUUM')
  else if (dice < 0.95) db.prepare('PRAGMA wal_checkpoint(PASSIVE)').get()
  else {
    db.exec('BEGIN')
    insertBlobs(db, 60, 1500)
    db.exec(random() < 0.5 ? 'ROLLBACK' : 'COMMIT')
  }
}
