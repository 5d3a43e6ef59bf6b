import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server as NetServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { bindSocket } from '../../daemon/socket/bind-socket.ts'
import { ControlSocket } from '../../daemon/socket/index.ts'
import { tempDir } from '../support/temp-dir.ts'
import { ReplicatorControl } from './support/replicator-control.ts'
import { ask, daemonScene, socketOptions } from './support/scene.ts'

describe('endpoints (facts 8.3)', () => {
  test('a database is registered, synced, stopped, started and unregistered, with the status of each', async () => {
    const { socketPath, database } = await daemonScene()
    const { path, url, app } = database('a')
    const post = (name: string, fields: object = {}) => ask(socketPath, 'POST', `/${name}`, { path, ...fields })

    expect((await post('register', { replica_url: url })).json).toEqual({ status: 'registered', path })
    expect((await post('register', { replica_url: url })).json).toEqual({ status: 'already_registered', path })
    await post('sync', { wait: true })
    app.exec("INSERT INTO t (text) VALUES ('a')")
    const synced = await post('sync', { wait: true })
    const txid = synced.json!.txid as number
    expect(synced.json).toEqual({
      status: expect.stringMatching(/^(synced|no_change)$/),
      path,
      txid,
      replicated_txid: txid,
    })
    expect(await post('sync', { wait: true })).toMatchObject({ status: 200, json: { status: 'no_change', txid } })
    expect((await ask(socketPath, 'GET', `/txid?path=${encodeURIComponent(path)}`)).json).toEqual({ txid })
    expect((await post('stop')).json).toEqual({ status: 'stopped', path, txid })
    expect((await post('stop')).json).toEqual({ status: 'already_stopped', path, txid })
    expect((await post('sync')).status).toBe(409)
    expect((await post('start')).json).toEqual({ status: 'started', path, txid })
    expect((await post('start')).json).toEqual({ status: 'already_running', path, txid })
    expect((await post('unregister')).json).toEqual({ status: 'unregistered', path, txid })
    expect((await post('unregister')).json).toEqual({ status: 'already_unregistered', path, txid: 0 })
    expect(readdirSync(new URL(`${url}/ltx/0`)).length).toBe(txid)
  })

  test('/list: by path, with state and last sync', async () => {
    const { socketPath, database, control } = await daemonScene()
    expect((await ask(socketPath, 'GET', '/list')).json).toEqual({ databases: [] })
    for (const name of ['b', 'a']) {
      const { path, url } = database(name)
      await ask(socketPath, 'POST', '/register', { path, replica_url: url })
      await control.sync(path, { wait: true })
    }
    const [a, b] = control.list().map(({ path }) => path)
    await control.stop(b!)
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect((await ask(socketPath, 'GET', '/list')).json).toEqual({
      databases: [
        { path: a, status: 'replicating', last_sync_at: time },
        { path: b, status: 'stopped', last_sync_at: time },
      ],
    })
  })

  test('/info: version, process, and since when', async () => {
    let now = Date.parse('2026-11-25T10:00:00Z')
    const { socketPath } = await daemonScene({ now: () => now })
    now += 90_900
    const { headers, json } = await ask(socketPath, 'GET', '/info')
    expect(headers['content-type']).toBe('application/json')
    expect(json).toEqual({
      version: 'v9.9.9',
      pid: process.pid,
      uptime_seconds: 90,
      started_at: '2026-11-25T10:00:00.000Z',
      database_count: 0,
    })
  })

  test('/debug/sync-status: what each database is busy with', async () => {
    const { socketPath, database, control } = await daemonScene()
    const { path, url } = database('a')
    await ask(socketPath, 'POST', '/register', { path, replica_url: url })
    await control.sync(path, { wait: true })
    const one = await ask(socketPath, 'GET', `/debug/sync-status?path=${encodeURIComponent(path)}`)
    expect(one.json).toMatchObject({ databases: [{ path, txid: Number(control.report(path)!.txid) }] })
    const [diagnostic] = one.json!.databases as Record<string, unknown>[]
    expect(diagnostic!.wal_size).toBe(statSync(`${path}-wal`).size)
    expect(diagnostic).toMatchObject({ operation: 'sync', started_at: expect.any(String) })
    expect((await ask(socketPath, 'GET', '/debug/sync-status')).json!.databases).toHaveLength(1)
    expect(await ask(socketPath, 'GET', '/debug/sync-status?path=/nowhere')).toMatchObject({
      status: 404,
      json: { error: 'database not found' },
    })
  })

  test('TXIDs beyond 2^53 keep all their digits', async () => {
    const txid = 2n ** 64n - 1n
    const { socketPath } = await daemonScene({ control: controlWith(txid) })
    expect((await ask(socketPath, 'GET', '/txid?path=/a.db')).text).toBe('{"txid":18446744073709551615}\n')
  })

  test('a CPU profile for the developer tools of Chrome, and a word about those of Go', async () => {
    const { socketPath } = await daemonScene()
    const profile = await ask(socketPath, 'GET', '/debug/pprof/profile?seconds=1')
    expect(profile.json).toMatchObject({ nodes: expect.any(Array), samples: expect.any(Array) })
    expect((await ask(socketPath, 'GET', '/debug/pprof/profile?seconds=9999')).status).toBe(400)
    expect(await ask(socketPath, 'GET', '/debug/pprof/heap')).toMatchObject({
      status: 404,
      json: { error: expect.stringContaining('cpuprofile') },
    })
  })

  test('paths are read as the command line reads them', async () => {
    const { socketPath, database } = await daemonScene()
    const { path, url } = database('a')
    const reply = await ask(socketPath, 'POST', '/register', { path: `sqlite://${path}`, replica_url: url })
    expect(reply.json).toEqual({ status: 'registered', path })
    expect((await ask(socketPath, 'POST', '/unregister', { path: '~/x.db' })).json!.path).toBe('/home/somebody/x.db')
  })
})

describe('what is refused', () => {
  test.each([
    ['POST', '/start', '{', 400, 'invalid request body'],
    ['POST', '/start', '[]', 400, 'invalid request body'],
    ['POST', '/start', undefined, 400, 'invalid request body'],
    ['POST', '/start', {}, 400, 'path required'],
    ['POST', '/start', { path: 5 }, 400, 'invalid request body'],
    ['POST', '/start', { path: '/x', timeout: 1.5 }, 400, 'invalid request body'],
    ['POST', '/start', { path: '/x' }, 500, 'database not found: /x'],
    ['POST', '/stop', { path: '/x' }, 500, 'database not found: /x'],
    ['POST', '/stop', {}, 400, 'path required'],
    ['POST', '/sync', { path: '/x' }, 404, 'database not found: /x'],
    ['POST', '/sync', { path: '/x', wait: 'yes' }, 400, 'invalid request body'],
    ['POST', '/sync', {}, 400, 'path required'],
    ['POST', '/register', { path: '/x' }, 400, 'replica_url required'],
    ['POST', '/register', { replica_url: 'file:///x' }, 400, 'path required'],
    ['POST', '/unregister', {}, 400, 'path required'],
    ['GET', '/txid', undefined, 400, 'path required'],
    ['GET', '/txid?path=/x', undefined, 404, 'database not found'],
    ['GET', '/nothing', undefined, 404, 'there is no /nothing'],
  ])('%s %s with %j: %i', async (method, path, body, status, error) => {
    const { socketPath } = await daemonScene()
    expect(await ask(socketPath, method, path, body)).toMatchObject({ status, json: { error } })
  })

  test('a replica URL that is none, without its secret', async () => {
    const { socketPath } = await daemonScene()
    const body = { path: '/x', replica_url: 'sftp://user:geheim@host:port/x' }
    const { status, json, text } = await ask(socketPath, 'POST', '/register', body)
    expect(status).toBe(400)
    expect(json!.error).toMatch(/^invalid replica url: /)
    expect(text).not.toContain('geheim')
  })

  test('the wrong method, saying which', async () => {
    const { socketPath } = await daemonScene()
    const get = await ask(socketPath, 'GET', '/start')
    expect(get).toMatchObject({ status: 405, headers: { allow: 'POST' } })
    expect(await ask(socketPath, 'POST', '/list', {})).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
    expect(await ask(socketPath, 'HEAD', '/list')).toMatchObject({ status: 200, text: '' })
  })

  test('a body without an end', async () => {
    const { socketPath } = await daemonScene()
    const reply = await ask(socketPath, 'POST', '/start', { path: 'x'.repeat(65_000) + 'y'.repeat(1000) })
    expect(reply).toMatchObject({ status: 413, headers: { connection: 'close' } })
    expect((await ask(socketPath, 'GET', '/info')).status).toBe(200)
  })

  test('what a daemon cannot do, with the hint', async () => {
    const { socketPath } = await daemonScene()
    const body = { path: '/no/such/folder/app.db', replica_url: pathToFileURL('/nowhere').href }
    const { status, json } = await ask(socketPath, 'POST', '/register', body)
    expect(status).toBe(500)
    expect(json!.error).toMatch(/^failed to register database: .*\/no\/such\/folder\/app\.db/)
  })
})

describe('the socket itself', () => {
  test.each([0o600, 0o660])('has its permissions: %o', async (permissions) => {
    const { socketPath, dir } = await daemonScene({ permissions })
    expect(statSync(socketPath).isSocket()).toBe(true)
    expect(statSync(socketPath).mode & 0o777).toBe(permissions)
    expect(readdirSync(dir)).toEqual(['control.sock'])
  })

  test('appears in a folder of its own, 0700, before it has its permissions and its place', async () => {
    const path = join(tempDir(), 'control.sock')
    const umask = process.umask(0)
    onTestFinished(() => void process.umask(umask))
    const server = createServer()
    onTestFinished(() => void server.close())
    const seen: { folder: string; mode: number }[] = []
    const listen = server.listen.bind(server) as (options: { path: string }, done: () => void) => NetServer
    server.listen = ((options: { path: string }, done: () => void) =>
      listen(options, () => {
        const folder = dirname(options.path)
        seen.push({ folder, mode: statSync(folder).mode & 0o777 })
        done()
      })) as NetServer['listen']
    await bindSocket(server, path, 0o600)
    expect(seen).toEqual([{ folder: expect.stringContaining(`${dirname(path)}/.`), mode: 0o700 }])
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('takes the place of one that a daemon left behind', async () => {
    const { path, socket } = unbound()
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`
    expect(spawnSync(process.execPath, ['-e', script]).signal).toBe('SIGKILL')
    expect(statSync(path).isSocket()).toBe(true)
    await socket.listen()
    expect((await ask(path, 'GET', '/info')).status).toBe(200)
  })

  test.each([
    ['a file', (path: string) => writeFileSync(path, 'precious')],
    ['a folder', (path: string) => void mkdirSync(path)],
    ['a link', (path: string) => symlinkSync('/dev/null', path)],
  ])('does not take the place of %s', async (_, make) => {
    const { path, socket } = unbound()
    make(path)
    const before = lstatSync(path)
    await expect(socket.listen()).rejects.toMatchObject({
      code: 'DAEMON_CANNOT_LISTEN',
      message: expect.stringContaining('no socket'),
      hint: expect.stringContaining('socket.path'),
    })
    expect(lstatSync(path).ino).toBe(before.ino)
  })

  test('does not take it from a daemon that is alive', async () => {
    const { socketPath, control } = await daemonScene()
    const second = new ControlSocket(socketOptions(control, socketPath))
    await expect(second.listen()).rejects.toMatchObject({
      code: 'DAEMON_CANNOT_LISTEN',
      message: expect.stringContaining('another daemon'),
    })
    await second.close()
    expect((await ask(socketPath, 'GET', '/info')).status).toBe(200)
  })

  test('where there is no folder, it says so', async () => {
    const path = join(tempDir(), 'no', 'control.sock')
    const socket = new ControlSocket(socketOptions(new ReplicatorControl(), path))
    await expect(socket.listen()).rejects.toThrow(`Cannot listen on the control socket ${path}: ENOENT`)
  })

  test('is gone after closing, unless another took its place', async () => {
    const { path, socket } = unbound()
    await socket.listen()
    await socket.close()
    expect(existsSync(path)).toBe(false)

    const first = unbound()
    await first.socket.listen()
    rmSync(first.path)
    const second = new ControlSocket(socketOptions(new ReplicatorControl(), first.path))
    await second.listen()
    onTestFinished(() => second.close(0))
    await first.socket.close()
    expect((await ask(first.path, 'GET', '/info')).status).toBe(200)
  })

  test('closing lets a request end that is under way, and no longer than the grace', async () => {
    const control = new ReplicatorControl()
    const asked = Promise.withResolvers<void>()
    const go = Promise.withResolvers<boolean>()
    control.list = () => []
    control.unregister = async () => {
      asked.resolve()
      await go.promise
      return 7n
    }
    const { path, socket } = unbound(control)
    await socket.listen()
    const reply = ask(path, 'POST', '/unregister', { path: '/x' })
    await asked.promise
    const closing = socket.close(10_000)
    go.resolve(true)
    expect(await reply).toMatchObject({ status: 200, json: { status: 'unregistered', txid: 7 } })
    await closing

    const stuck = unbound(control)
    control.unregister = () => new Promise(() => asked.resolve())
    await stuck.socket.listen()
    const broken = ask(stuck.path, 'POST', '/unregister', { path: '/x' })
    const failed = expect(broken).rejects.toMatchObject({ code: 'ECONNRESET' })
    await delay(50)
    await stuck.socket.close(50)
    await failed
  })
})

function unbound(control = new ReplicatorControl()) {
  const path = join(tempDir(), 'control.sock')
  const socket = new ControlSocket(socketOptions(control, path))
  onTestFinished(() => socket.close(0))
  return { path, socket }
}

function controlWith(txid: bigint): ReplicatorControl {
  const control = new ReplicatorControl()
  control.report = (path) => ({
    path,
    state: 'replicating',
    replicaType: 'file',
    replicaURL: 'file:///x',
    txid,
    replicatedTXID: txid,
  })
  return control
}
