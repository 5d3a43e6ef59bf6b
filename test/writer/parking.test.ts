import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, realpathSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type LogFields, silentLog } from '../../writer/log.ts'
import { seededRandom } from '../support/random.ts'
import { insertBlobs, truth, type Workbench, workbench } from './workbench.ts'

/** Run SQL in a process of its own, which is the last to close if nobody else has the database open. */
function elsewhere(path: string, sql: string): void {
  const script = `const { DatabaseSync } = require('node:sqlite')
    const db = new DatabaseSync(process.argv[1]); db.exec('PRAGMA busy_timeout = 5000'); db.exec(process.argv[2]); db.close()`
  const { status, stderr } = spawnSync(process.execPath, ['-e', script, path, sql], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}

function descriptors(path: string): string[] {
  const real = realpathSync(path)
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      return target.startsWith(real) ? [target] : []
    } catch {
      return []
    }
  })
}

async function parked(bench: Workbench) {
  await bench.replicate()
  const quiet = await bench.primary.park()
  expect(quiet, 'parked').toBeDefined()
  expect(bench.primary.isParked).toBe(true)
  return quiet!
}

function images() {
  const reasons: unknown[] = []
  const info = (message: string, fields?: LogFields) => {
    if (message === 'writing a full image') reasons.push(fields?.reason)
  }
  return { reasons, log: { ...silentLog, info } }
}

describe('a parked database', () => {
  it('holds no descriptor where this process is its only user, and the WAL stays', async () => {
    const bench = await workbench({ setup: 'CREATE TABLE t (v)', ours: true })
    bench.app.close()
    await parked(bench)
    expect(descriptors(bench.path)).toEqual([])
    expect(readFileSync(`${bench.path}-wal`).length).toBeGreaterThan(32)
  })

  it('keeps its one descriptor where others of this process may have it open: their locks live', async () => {
    const bench = await workbench({ setup: 'CREATE TABLE t (v)' })
    bench.app.exec('BEGIN IMMEDIATE; INSERT INTO t VALUES (1)')
    const other = `const { DatabaseSync } = require('node:sqlite')
      try { new DatabaseSync(process.argv[1]).exec('BEGIN IMMEDIATE') } catch (e) { process.exit(e.errcode) }`
    await bench.primary.sync()
    await bench.primary.park()
    expect(descriptors(bench.path).length).toBeGreaterThan(0)
    expect(spawnSync(process.execPath, ['-e', other, bench.path]).status, 'SQLITE_BUSY').toBe(5)
    bench.app.exec('COMMIT')
    await bench.replicate()
    expect(await bench.restored()).toEqual(truth(bench.path))
  })

  it('tells a commit, a restart of the WAL, its end, and another file at the path', async () => {
    const bench = await workbench({ setup: 'CREATE TABLE t (v)', ours: true })
    bench.app.close()
    let quiet = await parked(bench)
    expect(quiet.isUnchanged(Date.now())).toBe(true)
    elsewhere(bench.path, 'INSERT INTO t VALUES (1)') // removes the WAL when it closes
    expect(quiet.isUnchanged(Date.now())).toBe(false)
    quiet = await parked(bench)
    const copy = join(bench.dir, 'copy.db')
    elsewhere(bench.path, `VACUUM INTO '${copy}'`)
    await bench.primary.sync()
    quiet = await parked(bench)
    for (const suffix of ['-wal', '-shm']) rmSync(bench.path + suffix)
    renameSync(copy, bench.path)
    expect(quiet.isUnchanged(Date.now())).toBe(false)
    await bench.replicate()
    expect(await bench.restored()).toEqual(truth(bench.path))
  })

  it('is not fooled by a write within the same step of the file clock', async () => {
    const bench = await workbench({ setup: 'CREATE TABLE t (v)' })
    bench.app.exec('PRAGMA wal_autocheckpoint = 0')
    insertBlobs(bench.app, 50, 4000)
    await bench.primary.checkpoint('PASSIVE') // from here on commits overwrite: the size stays
    for (let i = 0; i < 20; i++) {
      const quiet = await parked(bench)
      bench.app.exec(`INSERT INTO t VALUES (${i})`) // at once, into a file that need not grow
      expect(quiet.isUnchanged(Date.now())).toBe(false)
    }
    await bench.replicate()
    expect(await bench.restored()).toEqual(truth(bench.path))
  })

  it('cannot be parked while anything is uncopied, or a snapshot streams', async () => {
    const bench = await workbench({ setup: 'CREATE TABLE t (v)' })
    await bench.replicate()
    bench.app.exec('INSERT INTO t VALUES (1)')
    expect(await bench.primary.park()).toBeUndefined()
    await bench.replicate()
    await bench.primary.snapshot(async (_, stream) => {
      expect(await bench.primary.park()).toBeUndefined()
      for await (const _chunk of stream);
    })
    expect(await bench.primary.park()).toBeDefined()
  })

  it('goes on incrementally: an application that stays open, writes now and then, and checkpoints by itself', async () => {
    const { log, reasons } = images()
    const bench = await workbench({ setup: 'CREATE TABLE t (v); PRAGMA wal_autocheckpoint = 20', ours: false, log })
    bench.app.exec('PRAGMA wal_autocheckpoint = 20')
    await bench.replicate()
    reasons.length = 0
    let restarts = 0
    let salt: number | undefined
    for (let minute = 0; minute < 60; minute++) {
      await parked(bench)
      insertBlobs(bench.app, 1, 3000)
      const next = readFileSync(`${bench.path}-wal`).readUInt32BE(16)
      if (salt !== undefined && salt !== next) restarts++
      salt = next
    }
    await bench.replicate()
    expect(restarts, 'the application has restarted the WAL').toBeGreaterThan(2)
    expect(reasons).toEqual([])
    expect(await bench.restored()).toEqual(truth(bench.path))
  })

  it('an application that opens, writes and closes costs one full image, then its WAL is kept', async () => {
    const { log, reasons } = images()
    const bench = await workbench({ setup: 'CREATE TABLE t (v)', ours: true, log })
    bench.app.close()
    await bench.replicate()
    reasons.length = 0
    for (let i = 0; i < 5; i++) {
      await parked(bench)
      elsewhere(bench.path, `INSERT INTO t VALUES (${i})`)
      await bench.replicate()
      expect(reasons).toHaveLength(1)
    }
    expect(await bench.restored()).toEqual(truth(bench.path))
  })

  it('a snapshot and a checkpoint open it by themselves', async () => {
    const bench = await workbench({ setup: 'CREATE TABLE t (v)' })
    await parked(bench)
    insertBlobs(bench.app, 5, 3000)
    await bench.primary.snapshot(async (txid, stream) => {
      await bench.client.write({ level: 9, minTXID: 1n, maxTXID: txid }, stream)
    })
    await parked(bench)
    insertBlobs(bench.app, 5, 3000)
    await bench.primary.checkpoint('PASSIVE')
    await bench.replicate()
    expect(await bench.restored()).toEqual(truth(bench.path))
  })

  it.each([1, 2, 3, 4, 5, 6])(
    'seed %i: whatever is done to it while parked, every restore is the truth',
    async (seed) => {
      const random = seededRandom(seed)
      const pick = (n: number) => Math.floor(random() * n)
      const options = { minCheckpointPages: 30, checkpointIntervalMs: 0 }
      let bench = await workbench({
        setup: 'CREATE TABLE t (v)',
        pageSize: [512, 1024, 4096][pick(3)]!,
        ours: seed % 2 === 0,
        settings: options,
      })
      let app: DatabaseSync | undefined
      if (seed % 2 === 0) bench.app.close()
      else app = bench.app
      onTestFinished(() => {
        if (app?.isOpen) app.close()
      })
      const run = (sql: string) => (app ? app.exec(sql) : elsewhere(bench.path, sql))
      const actions = [
        () => run(`INSERT INTO t VALUES (randomblob(${1 + pick(8000)}))`),
        () =>
          run(
            `INSERT INTO t SELECT randomblob(500) FROM generate_series(1, 3)`.replace(
              /SELECT.*/,
              `VALUES (zeroblob(${pick(50_000)}))`,
            ),
          ),
        () => run(`UPDATE t SET v = randomblob(300) WHERE rowid % 3 = ${pick(3)}`),
        () => run(`DELETE FROM t WHERE rowid % 5 = ${pick(5)}`),
        () => run(`PRAGMA wal_checkpoint(${['PASSIVE', 'FULL', 'RESTART', 'TRUNCATE'][pick(4)]})`),
        () => run('VACUUM'),
        () => run(`BEGIN; INSERT INTO t VALUES (randomblob(9000)); ROLLBACK`),
      ]
      for (let round = 0; round < (app ? 14 : 7); round++) {
        const quiet = random() < 0.8 ? await parked(bench) : undefined
        for (let n = pick(app ? 5 : 2); n > 0; n--) actions[pick(actions.length)]!()
        const unchanged = quiet?.isUnchanged(Date.now())
        if (unchanged)
          expect(await bench.restored(), `seed ${seed}, round ${round}: unchanged`).toEqual(truth(bench.path))
        if (random() < 0.2) bench = await bench.restartPrimary() // a crash while parked leaves no more than this
        if (random() < 0.2)
          await bench.primary.snapshot(async (_, stream) => {
            for await (const _chunk of stream);
          })
        await bench.replicate()
        expect(await bench.restored(), `seed ${seed}, round ${round}`).toEqual(truth(bench.path))
      }
    },
  )
})
