import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { daemonScene } from '../daemon/support/scene.ts'
import { cli, tempDir } from './support.ts'

async function scene() {
  const daemon = await daemonScene()
  const socket = ['-socket', daemon.socketPath]
  const run = async (name: string, ...args: string[]) => {
    const { code, stdout, stderr } = await cli([name, ...socket, ...args])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout
  }
  return { ...daemon, run }
}

describe('commands that talk to a running daemon (features 2)', () => {
  test('register, sync, stop, start and unregister, as text', async () => {
    const { run, database, socketPath, control } = await scene()
    const { path, url, app } = database('a')
    const rest = `socket: ${socketPath}\n`
    const about = `db_path: ${path}\nreplica: ${url}\n${rest}`
    expect(await run('register', '-replica', url, path)).toBe(`status: registered\n${about}`)
    expect(await run('register', '-replica', url, path)).toBe(`status: already registered\n${about}`)
    app.exec("INSERT INTO t (text) VALUES ('a')")
    expect(await run('sync', '-wait', path)).toMatch(/^db_path: .*\ntxid: (\d+)\nreplica_txid: \1\nduration_ms: \d+\n$/)
    const { txid } = control.report(path)!
    expect(await run('sync', path)).toMatch(new RegExp(`^db_path: ${path}\ntxid: ${txid}\nduration_ms: \\d+\n$`))
    const stopped = `db_path: ${path}\nstate: stopped\ntxid: ${txid}\n${rest}`
    expect(await run('stop', path)).toBe(`status: stopped\n${stopped}`)
    expect(await run('stop', path)).toBe(`status: already_stopped\n${stopped}`)
    const started = `db_path: ${path}\nstate: running\ntxid: ${txid}\n${rest}`
    expect(await run('start', path)).toBe(`status: started\n${started}`)
    expect(await run('start', path)).toBe(`status: already_running\n${started}`)
    expect(await run('unregister', path)).toBe(`status: unregistered\ndb_path: ${path}\nfinal_txid: ${txid}\n${rest}`)
    expect(await run('unregister', path)).toBe(`status: already_unregistered\ndb_path: ${path}\nfinal_txid: 0\n${rest}`)
    expect(readdirSync(new URL(`${url}/ltx/0`))).toHaveLength(Number(txid))
  })

  test('the same as JSON', async () => {
    const { run, database, socketPath: socket, control } = await scene()
    const { path, url } = database('a')
    const json = async (name: string, ...args: string[]) => JSON.parse(await run(name, '-json', ...args)) as unknown
    const registered = { status: 'registered', db_path: path, replica: url, socket }
    expect(await json('register', '-replica', url, path)).toEqual(registered)
    const synced = (await json('sync', '-wait', path)) as { txid: number }
    const { txid } = synced
    expect(synced).toEqual({ db_path: path, txid, replica_txid: txid, duration_ms: expect.any(Number) })
    expect(txid).toBe(Number(control.report(path)!.txid))
    expect(await json('sync', path)).toEqual({ db_path: path, txid, duration_ms: expect.any(Number) })
    expect(await json('stop', path)).toEqual({ status: 'stopped', db_path: path, state: 'stopped', txid, socket })
    expect(await json('start', path)).toEqual({ status: 'started', db_path: path, state: 'running', txid, socket })
    const forgotten = { status: 'unregistered', db_path: path, final_txid: txid, socket }
    expect(await json('unregister', path)).toEqual(forgotten)
  })

  test('list and info, as text and JSON', async () => {
    const { run, database, control } = await scene()
    expect(await run('list')).toBe('No databases configured\n')
    expect(JSON.parse(await run('list', '-json'))).toEqual({ databases: [] })
    const { path, url } = database('a')
    await run('register', '-replica', url, path)
    await control.sync(path, { wait: true })
    expect(await run('list')).toMatch(
      new RegExp(`^${path} \\[replicating\\] \\(last sync: \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ\\)\n$`),
    )
    const [entry] = JSON.parse(await run('list', '-json')).databases
    expect(entry).toEqual({ path, status: 'replicating', last_sync_at: expect.any(String) })
    expect(await run('info')).toMatch(
      /^Daemon v9\.9\.9\n {2}PID: {8}\d+\n {2}Uptime: {5}\d+s\n {2}Started at: \S+Z\n {2}Databases: {2}1\n$/,
    )
    expect(JSON.parse(await run('info', '-json'))).toMatchObject({ version: 'v9.9.9', pid: process.pid })
  })

  test('unregister -dry-run sends nothing', async () => {
    const { run, database, control } = await scene()
    const { path, url } = database('a')
    await run('register', '-replica', url, path)
    expect(await run('unregister', '-dry-run', path)).toContain(`  database: ${path}\n`)
    expect(control.list().map(({ state }) => state)).toEqual(['replicating'])
  })

  test('a relative path is of this working directory, not of the daemon', async () => {
    const { socketPath, database, dir } = await scene()
    const { path, url } = database('a')
    const args = ['register', '-socket', socketPath, '-replica', url, 'a/app.db']
    expect((await cli(args, { cwd: dir })).stdout).toContain(`db_path: ${path}\n`)
  })
})

describe('what goes wrong', () => {
  const failure = async (...args: string[]) => {
    const { code, stdout, stderr } = await cli(args)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    return stderr
  }

  test('no daemon', async () => {
    const socket = join(tempDir(), 'none.sock')
    const question = 'is "litetap replicate" running with socket.enabled: true?'
    expect(await failure('list', '-socket', socket)).toBe(
      `Error: failed to connect to control socket ${socket}: there is no such socket; ${question}\n` +
        'Try: -socket PATH, if the daemon listens elsewhere\n',
    )
  })

  test('a database that the daemon does not have', async () => {
    const { socketPath } = await daemonScene()
    expect(await failure('stop', '-socket', socketPath, '/x.db')).toBe(
      'Error: stop failed: database not found: /x.db\n',
    )
    expect(await failure('sync', '-socket', socketPath, '/x.db')).toBe(
      'Error: sync failed: database not found: /x.db\n',
    )
  })

  test('a replica URL that is none: its secret is not repeated', async () => {
    const { socketPath } = await daemonScene()
    const text = await failure('register', '-socket', socketPath, '-replica', 'sftp://u:geheim@h:port/x', '/x.db')
    expect(text).toMatch(/^Error: register failed: invalid replica url: /)
    expect(text).not.toContain('geheim')
  })

  test('a daemon that does not answer, and one that is none', async () => {
    const path = join(tempDir(), 'odd.sock')
    const server = createServer((request, response) => {
      if (request.url === '/info') response.writeHead(502).end('<html>')
      else response.destroy()
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
    onTestFinished(() => void server.close())
    expect(await failure('info', '-socket', path)).toBe('Error: info failed: <html>\n')
    expect(await failure('list', '-socket', path)).toContain(`failed to connect to control socket ${path}`)
  })

  test('a daemon that takes longer than it may', async () => {
    const path = join(tempDir(), 'slow.sock')
    const server = createServer(() => {})
    await new Promise<void>((resolve) => server.listen(path, resolve))
    onTestFinished(() => void server.close())
    onTestFinished(() => server.closeAllConnections())
    expect(await failure('info', '-socket', path, '-timeout', '1')).toContain('did not answer within 1 s')
  })

  test.each([
    [['start'], 'database path required'],
    [['stop', 'a', 'b'], 'too many arguments'],
    [['list', 'a'], 'too many arguments'],
    [['sync', '-timeout', '0', 'a'], 'timeout must be greater than 0'],
    [['register', 'a'], '-replica is required'],
    [['unregister'], 'database path required'],
  ])('%j: %s', async (args, message) => {
    expect(await failure(...args)).toContain(`Error: ${message}\n`)
  })
})
