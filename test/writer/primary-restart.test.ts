import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { formatFilename } from '../../ltx/index.ts'
import { readAll } from '../../storage/index.ts'
import { memoryReplica, openLtxHeader } from '../support/replica.ts'
import { fileSizes, insertBlobs, restartWithEverythingCheckpointed, workbench } from './workbench.ts'

describe('starting again (facts 3.6, 3.11)', () => {
  it('goes on incrementally when the WAL is intact', async () => {
    const client = memoryReplica()
    let bench = await workbench({ client, setup: 'CREATE TABLE t (v BLOB)' })
    insertBlobs(bench.app, 200, 3000)
    await bench.replicate()
    bench = await bench.restartPrimary()
    bench.app.exec("INSERT INTO t VALUES ('after')")
    await bench.replicate()
    expect((await fileSizes(client)).at(-1)).toBeLessThan(20_000)
    expect(await bench.restored()).toEqual(bench.truth())
  })

  it('goes on incrementally when the application closed first and we closed last: the WAL stays', async () => {
    const client = memoryReplica()
    let bench = await workbench({ client, setup: 'CREATE TABLE t (v BLOB)' })
    insertBlobs(bench.app, 200, 3000)
    await bench.replicate()
    bench.app.close()
    await bench.primary.close()
    expect(existsSync(`${bench.path}-wal`), 'WAL left in place').toBe(true)
    bench = await bench.restartPrimary()
    const app = new DatabaseSync(bench.path)
    onTestFinished(() => app.close())
    app.exec("INSERT INTO t VALUES ('after')")
    await bench.replicate()
    expect((await fileSizes(client)).at(-1)).toBeLessThan(20_000)
    expect(await bench.restored()).toEqual(bench.truth())
  })

  it('takes a full image when the application closed last and removed the WAL', async () => {
    let bench = await workbench({ setup: 'CREATE TABLE t (v BLOB)' })
    insertBlobs(bench.app, 50, 3000)
    await bench.replicate()
    await bench.primary.close()
    insertBlobs(bench.app, 50, 3000)
    bench.app.close()
    expect(existsSync(`${bench.path}-wal`)).toBe(false)
    bench = await bench.restartPrimary()
    await bench.replicate()
    expect(await bench.restored()).toEqual(bench.truth())
  })

  it.each([1, 2, 3])(
    'takes a full image after %i WAL restarts while nobody looked, unless it can prove the rest',
    async (restarts) => {
      let bench = await workbench({ setup: 'CREATE TABLE t (v BLOB)' })
      insertBlobs(bench.app, 50, 3000)
      await bench.replicate()
      await bench.primary.close()
      for (let i = 0; i < restarts; i++) {
        bench.app.exec(`UPDATE t SET v = 'changed ${i}' WHERE rowid = ${5 + i}`)
        bench.app.prepare('PRAGMA wal_checkpoint(RESTART)').get()
      }
      insertBlobs(bench.app, 1, 3000)
      bench = await bench.restartPrimary()
      await bench.replicate()
      expect(await bench.restored()).toEqual(bench.truth())
    },
  )

  it('takes a full image after two short restarts that leave the last copied frame in place', async () => {
    let bench = await workbench({ setup: 'CREATE TABLE t (v BLOB)' })
    insertBlobs(bench.app, 50, 3000)
    await bench.replicate()
    await bench.primary.close()
    bench.app.prepare('PRAGMA wal_checkpoint(RESTART)').get()
    bench.app.exec("UPDATE t SET v = 'lost if two restarts pass for one' WHERE rowid = 5")
    bench.app.prepare('PRAGMA wal_checkpoint(RESTART)').get()
    bench.app.exec("UPDATE t SET v = 'seen in any case' WHERE rowid = 6")
    bench = await bench.restartPrimary()
    await bench.replicate()
    expect(await bench.restored()).toEqual(bench.truth())
  })

  it('the WAL cut to nothing under our pin, once all was copied: goes on incrementally', async () => {
    const client = memoryReplica()
    let bench = await workbench({ client, setup: 'CREATE TABLE t (v BLOB)' })
    insertBlobs(bench.app, 50, 3000)
    await bench.replicate()
    bench = await restartWithEverythingCheckpointed(bench)
    expect(bench.app.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()).toMatchObject({ busy: 0 })
    bench.app.exec("UPDATE t SET v = 'after' WHERE rowid = 5")
    await bench.replicate()
    expect((await fileSizes(client)).at(-1)).toBeLessThan(20_000)
    expect(await bench.restored()).toEqual(bench.truth())
  })

  it('one restart of a WAL that was copied to its end is followed incrementally', async () => {
    const client = memoryReplica()
    let bench = await workbench({ client, setup: 'CREATE TABLE t (v BLOB)' })
    insertBlobs(bench.app, 50, 3000)
    await bench.replicate()
    await bench.primary.close()
    bench.app.prepare('PRAGMA wal_checkpoint(RESTART)').get()
    insertBlobs(bench.app, 1, 3000)
    bench = await bench.restartPrimary()
    await bench.replicate()
    expect((await fileSizes(client)).at(-1)).toBeLessThan(20_000)
    expect(await bench.restored()).toEqual(bench.truth())
  })

  it('a lost metadata directory: TXIDs go on from the replica (facts 3.4)', async () => {
    let bench = await workbench({ setup: 'CREATE TABLE t (v BLOB)' })
    for (let i = 0; i < 5; i++) {
      insertBlobs(bench.app, 5, 3000)
      await bench.replicate()
    }
    const before = bench.primary.txid
    await bench.primary.close()
    rmSync(bench.primary.local.path, { recursive: true })
    bench = await bench.restartPrimary()
    insertBlobs(bench.app, 1, 3000)
    expect(await bench.replicate()).toBe(before + 1n)
    expect(await bench.restored()).toEqual(bench.truth())
  })

  it('a lost metadata directory and a damaged newest file in the replica: goes on with a full image', async () => {
    const client = memoryReplica()
    let bench = await workbench({ client, setup: 'CREATE TABLE t (v BLOB)' })
    insertBlobs(bench.app, 5, 3000)
    await bench.replicate()
    insertBlobs(bench.app, 5, 3000)
    const before = await bench.replicate()
    await bench.primary.close()
    rmSync(bench.primary.local.path, { recursive: true })
    const damaged = { level: 0, minTXID: before, maxTXID: before }
    const bytes = await readAll((await client.open(damaged))!)
    bytes[200]! ^= 1
    await client.write(damaged, bytes)
    bench = await bench.restartPrimary()
    expect(await bench.replicate()).toBe(before + 1n)
    expect((await openLtxHeader(client, before + 1n)).walOffset, 'from the front of the WAL').toBe(32)
  })

  it('clears away half-written files of a crash', async () => {
    let bench = await workbench({ setup: 'CREATE TABLE t (v BLOB)' })
    await bench.replicate()
    await bench.primary.close()
    const directory = join(bench.primary.local.path, 'ltx', '0')
    writeFileSync(join(directory, `${formatFilename(2n, 2n)}.tmp`), 'half')
    bench = await bench.restartPrimary()
    expect(readdirSync(directory)).toEqual([formatFilename(1n, 1n)])
  })
})
