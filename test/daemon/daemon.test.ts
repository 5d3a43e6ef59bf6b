import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tempDir } from '../support/temp-dir.ts'
import {
  commit,
  config,
  createDatabase,
  database,
  directory,
  isSynced,
  isWhole,
  newDaemon,
  SETTINGS,
  Stores,
  until,
} from './scene.ts'

function databases(n: number): { dir: string; paths: string[] } {
  const dir = tempDir()
  const paths = Array.from({ length: n }, (_, i) => join(dir, `${String(i).padStart(2, '0')}.db`))
  for (const path of paths) createDatabase(path)
  return { dir, paths }
}

describe('Daemon', () => {
  it('replicates many databases; each restores to the truth, written to while parked or not', async () => {
    const { paths } = databases(20)
    const scene = newDaemon(config(paths.map((path) => database(path))), { ours: true })
    await scene.daemon.open()
    await until('all to be synced', () => scene.daemon.list().every(isSynced))
    for (let round = 0; round < 3; round++) {
      for (const path of paths) commit(path, round)
      for (const path of paths) await until(path, () => isWhole(scene, path))
    }
    expect(scene.daemon.list().map(({ path }) => path)).toEqual(paths)
    await scene.daemon.close()
    expect(readdirSync('/proc/self/fd').length).toBeLessThan(100)
  })

  it('a commit to a parked database is durable without anybody asking, and the last one at close', async () => {
    const [path] = databases(1).paths
    const app = createDatabase(`${path}2`, true)
    const scene = newDaemon(config([database(`${path}2`)]))
    await scene.daemon.open()
    await until('the first sync', () => isSynced(scene.daemon.report(`${path}2`)))
    for (let i = 0; i < 5; i++) {
      app.exec('INSERT INTO t VALUES (2)')
      await until('the commit', () => isWhole(scene, `${path}2`))
    }
    app.exec("INSERT INTO t VALUES ('last')")
    await scene.daemon.close()
    expect(await isWhole(scene, `${path}2`)).toBe(true)
  })

  it('one store that hangs, one that fails, a missing database and one that is none delay nobody; all recover', async () => {
    const { dir, paths } = databases(6)
    const [hangs, fails, missing, noDatabase, ...good] = paths as [string, string, string, string, ...string[]]
    rmSync(missing)
    writeFileSync(noDatabase, 'no database at all\n'.repeat(300))
    const stores = new Stores()
    stores.hanging.add(hangs)
    stores.broken.add(fails)
    const scene = newDaemon(config(paths.map((path) => database(path))), { stores })
    await scene.daemon.open()
    await until('the good ones', () => good.every((path) => isSynced(scene.daemon.report(path))))
    await until('trouble to be told', () =>
      [fails, missing, noDatabase].every((path) => scene.daemon.report(path)?.trouble),
    )
    expect(scene.daemon.report(fails)!.trouble).toBe('No route to the store')
    expect(scene.daemon.report(missing)!.trouble).toContain('no such database')
    expect(scene.daemon.report(noDatabase)!.trouble).toContain('not a database')
    stores.broken.clear()
    createDatabase(missing)
    await until('the store that failed, and the missing one', () =>
      [fails, missing].every((path) => isSynced(scene.daemon.report(path))),
    )
    await until('the truth', () => isWhole({ ...scene, dir }, missing))
    for (const path of good) commit(path)
    for (const path of good) await until(path, () => isWhole({ ...scene, dir }, path))
  })

  it('a store that fails while commits come: trouble is told, the database can be parked, nothing is lost', async () => {
    const [path] = databases(1).paths as [string]
    const scene = newDaemon(config([database(path)]))
    await scene.daemon.open()
    await until('the first sync', () => isSynced(scene.daemon.report(path)))
    scene.stores.broken.add(path)
    for (let i = 0; i < 5; i++) commit(path, i)
    await until('trouble', () => scene.daemon.report(path)?.trouble !== undefined)
    expect(scene.daemon.report(path)!.troubledSince).toBeGreaterThan(Date.now() - 60_000)
    scene.stores.broken.clear()
    await until('recovery', () => isSynced(scene.daemon.report(path)))
    await until('the truth', () => isWhole(scene, path))
  })

  it('start, stop, sync, register, unregister', async () => {
    const { paths } = databases(2)
    const [path, other] = paths as [string, string]
    const { daemon, ...scene } = newDaemon(config([database(path)]))
    await daemon.open()
    await until('the first sync', () => isSynced(daemon.report(path)))
    expect(await daemon.start(path)).toBe(false)
    commit(path)
    const synced = await daemon.sync(path, { wait: true })
    expect(synced.replicatedTXID).toBe(synced.txid)
    expect(await isWhole({ ...scene }, path)).toBe(true)
    expect(await daemon.stop(path)).toBe(true)
    expect(await daemon.stop(path)).toBe(false)
    expect(daemon.report(path)).toMatchObject({ state: 'stopped', txid: synced.txid })
    await expect(daemon.sync(path)).rejects.toMatchObject({ code: 'DAEMON_NOT_OPEN' })
    commit(path)
    expect(await daemon.start(path)).toBe(true)
    await until('what was committed meanwhile', () => isWhole(scene, path))
    await expect(daemon.sync(other)).rejects.toMatchObject({ code: 'DAEMON_NO_SUCH_DATABASE' })
    expect(await daemon.register(other, { type: 'file', path: '/other' })).toBe(true)
    expect(await daemon.register(other, { type: 'file', path: '/other' })).toBe(false)
    await until('the registered one', () => isSynced(daemon.report(other)))
    expect(await daemon.unregister(other)).toBeGreaterThan(0n)
    expect(await daemon.unregister(other)).toBeUndefined()
    expect(daemon.list().map((each) => each.path)).toEqual([path])
    expect(await isWhole(scene, other, '/other')).toBe(true)
  })

  it('a store that does not answer: stop ends in time, and says so', async () => {
    const [path] = databases(1).paths as [string]
    const { daemon, stores } = newDaemon(config([database(path)]))
    await daemon.open()
    await until('the first sync', () => isSynced(daemon.report(path)))
    stores.broken.add(path)
    commit(path)
    await expect(daemon.stop(path, { timeoutMs: 100 })).rejects.toMatchObject({
      code: expect.stringMatching(/DAEMON_TIMEOUT|WRITER_SHUTDOWN_INTERRUPTED/),
    })
  })

  it('restores what is missing before it replicates; without a backup it waits for the application', async () => {
    const { dir, paths } = databases(2)
    const [path, fresh] = paths as [string, string]
    const first = newDaemon(config([database(path)]))
    await first.daemon.open()
    await until('the first sync', () => isSynced(first.daemon.report(path)))
    await first.daemon.close()
    for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true })
    const entries = [path, fresh].map((each) => database(each, { restoreIfMissing: true }))
    const second = newDaemon(config(entries), { stores: first.stores })
    await second.daemon.open()
    expect(existsSync(path)).toBe(true)
    expect(existsSync(fresh)).toBe(false)
    createDatabase(fresh)
    await until('both', () => second.daemon.list().every(isSynced))
    // What it began with is known to be there before its own first change of the database is.
    await until('the truth', () => isWhole(second, path))
  })

  it('strict: a database that is not there fails at once', async () => {
    const { daemon } = newDaemon(config([database('/nowhere/none.db')]))
    await expect(daemon.open({ strict: true })).rejects.toMatchObject({ code: 'WRITER_NO_DATABASE' })
  })

  it('once: all are synced and closed, failures are told after all were tried', async () => {
    const { dir, paths } = databases(8)
    const scene = newDaemon(config([database('/nowhere/none.db'), ...paths.map((path) => database(path))]))
    await expect(scene.daemon.syncOnce({ forceSnapshot: true })).rejects.toMatchObject({ code: 'WRITER_NO_DATABASE' })
    for (const path of paths) expect(await isWhole({ ...scene, dir }, path)).toBe(true)
  })

  it('auto-recover: after damage TXIDs go on behind the replica’s last, with a full image', async () => {
    const [path] = databases(1).paths as [string]
    const settings = { ...SETTINGS, autoRecover: true }
    const first = newDaemon(config([database(path)]))
    await first.daemon.open()
    await until('the first sync', () => isSynced(first.daemon.report(path)))
    await first.daemon.close()
    const before = first.daemon.report(path)!.txid
    const local = join(path, '..', `.${path.slice(path.lastIndexOf('/') + 1)}-litestream`, 'ltx', '0')
    const newest = join(local, readdirSync(local).sort().at(-1)!)
    writeFileSync(newest, Buffer.alloc(200, 7))
    expect(await isWhole(first, path)).toBe(true)
    const second = newDaemon(config([database(path, { settings })]), { stores: first.stores })
    await second.daemon.open()
    commit(path)
    await until('recovery', () => isSynced(second.daemon.report(path)) && second.daemon.report(path)!.txid > before)
    await until('the truth', () => isWhole(second, path))
  })
})

describe('folders (facts 8.6)', () => {
  it('takes databases by pattern and header, deep if wanted, each below the replica; not its own state', async () => {
    const dir = tempDir()
    mkdirSync(join(dir, 'deep', 'deeper'), { recursive: true })
    createDatabase(join(dir, 'a.db'))
    createDatabase(join(dir, 'deep', 'deeper', 'b.db'))
    createDatabase(join(dir, 'c.sqlite'))
    writeFileSync(join(dir, 'text.db'), 'no database, but named like one')
    writeFileSync(join(dir, 'empty.db'), '')
    const flat = newDaemon(config([directory(dir)]))
    await flat.daemon.open()
    expect(flat.daemon.list().map(({ path }) => path)).toEqual([join(dir, 'a.db')])
    await until('a', () => flat.daemon.list().every(isSynced))
    await flat.daemon.close()
    const meta = tempDir()
    const deep = newDaemon(config([directory(dir, { recursive: true, metaDir: meta })]))
    await deep.daemon.open()
    await until('a and b', () => deep.daemon.list().length === 2 && deep.daemon.list().every(isSynced))
    expect([...deep.stores.clients.keys()].sort()).toEqual(['/replica/a.db', '/replica/deep/deeper/b.db'])
    expect(existsSync(join(meta, 'deep/deeper/b.db-litestream/ltx/0'))).toBe(true)
  })

  it('two databases with one place for their local state: refused, both named', async () => {
    const { dir, paths } = databases(2)
    const metaPath = join(dir, 'meta')
    const { daemon } = newDaemon(config(paths.map((path) => database(path, { metaPath }))))
    await expect(daemon.open()).rejects.toMatchObject({
      code: 'DAEMON_CONFIG',
      message: expect.stringContaining(paths[0]!),
    })
  })

  it('watch: databases come, go and come again; a folder may come later', async () => {
    const dir = tempDir()
    const scene = newDaemon(config([directory(dir, { watch: true, recursive: true })]))
    const { daemon } = scene
    await daemon.open()
    expect(daemon.list()).toEqual([])
    const path = join(dir, 'new.db')
    createDatabase(path)
    await until('it to come', () => isSynced(daemon.report(path)))
    commit(path)
    await until('its commit', () => isWhole(scene, path, '/replica/new.db'))
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
    await until('it to go', () => daemon.report(path) === undefined)
    createDatabase(path)
    commit(path, 7)
    await until('it to come again', () => isSynced(daemon.report(path)))
    await until('the new one in its place', () => isWhole(scene, path, '/replica/new.db'))
    mkdirSync(join(dir, 'sub'))
    const inSub = join(dir, 'sub', 'moved.db')
    createDatabase(join(scene.dir, 'moved.db'))
    renameSync(join(scene.dir, 'moved.db'), inSub)
    await until('one in a new folder', () => isSynced(daemon.report(inSub)))
  })
})
