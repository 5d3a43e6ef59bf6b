import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { expect, onTestFinished, test } from 'vitest'
import { countRows, insert, sql } from './scene.ts'
import { cli, type InProcess, start, tempDir, until } from './support.ts'

interface Place {
  readonly dir: string
  readonly config: string
  /** Where a database's file is. */
  db(name: string): string
  /** Write the configuration; `$DIR` stands for the folder. */
  configure(text: string): void
  /** Restore what a database's replica has now, and count its rows; undefined where there is nothing to restore. */
  replicated(name: string): Promise<number | undefined>
}

function place(...names: readonly string[]): Place {
  const dir = tempDir()
  const db = (name: string) => join(dir, 'data', `${name}.db`)
  const config = join(dir, 'litestream.yml')
  mkdirSync(join(dir, 'data'))
  for (const name of names) {
    sql(db(name), 'pragma journal_mode = wal', 'create table t (id integer primary key, text)')
    insert(db(name), 3)
  }
  let restores = 0
  return {
    dir,
    config,
    db,
    configure: (text) => writeFileSync(config, text.replaceAll('$DIR', dir)),
    async replicated(name) {
      const output = join(dir, `restored-${restores++}.db`)
      const { code } = await cli(['restore', '-o', output, `file://${join(dir, 'replica', name)}`])
      return code === 0 ? countRows(output) : undefined
    },
  }
}

/** `replicate` with the place's configuration, ended with the test. */
function replicate({ config, dir }: Place, ...flags: readonly string[]): InProcess {
  const running = start(['replicate', '-config', config, ...flags], { cwd: dir })
  onTestFinished(async () => {
    running.signal('SIGTERM')
    await running.outcome
  })
  return running
}

/** Of a line `key=value` in the log. */
async function logged({ text }: InProcess, pattern: RegExp): Promise<string> {
  await until(String(pattern), () => pattern.test(text.stdout))
  return pattern.exec(text.stdout)![1]!
}

test('all databases of the file, one of them in a folder; a signal ends them with all that was committed', async () => {
  const scene = place('a', 'b')
  scene.configure(`
dbs:
  - path: $DIR/data/a.db
    replica: { path: $DIR/replica/a }
  - dir: $DIR/data
    pattern: 'b*.db'
    replica: { path: $DIR/replica }
`)
  const running = replicate(scene)
  await expect.poll(() => scene.replicated('a'), { timeout: 10_000 }).toBe(3)
  await expect.poll(() => scene.replicated('b.db'), { timeout: 10_000 }).toBe(3)
  insert(scene.db('a'), 2)
  insert(scene.db('b'), 4)
  running.signal('SIGINT')
  expect(await running.outcome).toMatchObject({ code: 0, stderr: '' })
  expect([await scene.replicated('a'), await scene.replicated('b.db')]).toEqual([5, 7])
})

test('the control socket: list, sync, register, unregister; info', async () => {
  const scene = place('a', 'late')
  scene.configure(`
socket: { enabled: true, path: $DIR/s.sock }
dbs:
  - path: $DIR/data/a.db
    replica: { path: $DIR/replica/a }
`)
  const running = replicate(scene)
  const socket = ['-socket', join(scene.dir, 's.sock')]
  await until('the socket', () => existsSync(join(scene.dir, 's.sock')))
  const ask = async (...args: string[]) => await cli([args[0]!, ...socket, ...args.slice(1)], { cwd: scene.dir })
  await expect.poll(async () => (await ask('list')).stdout).toMatch(/^\S+\/a\.db \[replicating\] \(last sync: .+\)\n$/)
  insert(scene.db('a'), 1)
  expect(await ask('sync', '-wait', scene.db('a'))).toMatchObject({ code: 0 })
  expect(await scene.replicated('a')).toBe(4)
  const url = `file://${join(scene.dir, 'replica', 'late')}`
  expect(await ask('register', '-replica', url, scene.db('late'))).toMatchObject({ code: 0 })
  await expect.poll(() => scene.replicated('late')).toBe(3)
  insert(scene.db('late'), 1)
  expect(await ask('unregister', scene.db('late'))).toMatchObject({ code: 0 })
  expect(await scene.replicated('late')).toBe(4)
  expect(JSON.parse((await ask('info', '-json')).stdout)).toMatchObject({ pid: process.pid, database_count: 1 })
  running.signal('SIGTERM')
  await running.outcome
  expect(existsSync(join(scene.dir, 's.sock'))).toBe(false)
})

test('metrics, with the requests to the stores; the heartbeat; MCP with a token', async () => {
  const beats: string[] = []
  const switchServer = createServer((request, response) => {
    beats.push(request.url!)
    response.end()
  })
  await new Promise<void>((resolve) => switchServer.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void switchServer.close())
  const scene = place('a')
  const token = 'a-token-of-some-length'
  scene.configure(`
addr: 127.0.0.1:0
mcp-addr: 127.0.0.1:0
mcp-token: ${token}
heartbeat-url: http://127.0.0.1:${(switchServer.address() as AddressInfo).port}/beat
dbs:
  - path: $DIR/data/a.db
    replica: { path: $DIR/replica/a }
`)
  const running = replicate(scene)
  const metrics = await logged(running, /msg="serving metrics" url=(\S+)/)
  await expect.poll(() => scene.replicated('a'), { timeout: 10_000 }).toBe(3)
  const text = await (await fetch(metrics)).text()
  expect(text).toMatch(/^litestream_txid\{db="\S+\/a\.db"\} [1-9]/m)
  expect(text).toMatch(/^litestream_replica_operation_total\{replica_type="file",operation="PUT"\} [1-9]/m)
  expect((await fetch(new URL('/health', metrics))).status).toBe(200)

  const mcp = await logged(running, /msg="serving MCP" url=(\S+)/)
  const client = new Client({ name: 'test', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL(mcp), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  })
  await client.connect(transport as Parameters<typeof client.connect>[0])
  onTestFinished(() => client.close())
  const call = async (name: string, args = {}) => JSON.stringify(await client.callTool({ name, arguments: args }))
  expect(await call('litestream_databases')).toContain(scene.db('a'))
  expect(await call('litetap_query', { path: scene.db('a'), sql: 'SELECT count(*) AS n FROM t' })).toContain('3')
  // Checked every 15 seconds.
  await expect.poll(() => beats, { timeout: 20_000 }).toEqual(['/beat'])
}, 40_000)

test('what cannot be served is an error in the log, and replication goes on', async () => {
  const scene = place('a')
  scene.configure(`
addr: 203.0.113.1:9090
mcp-addr: 0.0.0.0:0
dbs:
  - path: $DIR/data/a.db
    replica: { path: $DIR/replica/a }
`)
  const { text } = replicate(scene)
  await expect.poll(() => scene.replicated('a'), { timeout: 10_000 }).toBe(3)
  expect(text.stdout).toMatch(/level=ERROR msg="cannot serve metrics" error="Cannot listen on 203\.0\.113\.1:9090 /)
  expect(text.stdout).toMatch(/level=ERROR msg="cannot serve MCP" error="Refused to listen on 0\.0\.0\.0:0 /)
})

test('-once: all of them, then it ends; with -force-snapshot each has one', async () => {
  const scene = place('a', 'b')
  scene.configure(`
dbs:
  - { path: $DIR/data/a.db, replica: { path: $DIR/replica/a } }
  - { path: $DIR/data/b.db, replica: { path: $DIR/replica/b } }
`)
  const { code } = await cli(['replicate', '-once', '-force-snapshot', '-config', scene.config])
  expect(code).toBe(0)
  for (const name of ['a', 'b']) {
    expect(await scene.replicated(name)).toBe(3)
    expect(existsSync(join(scene.dir, 'replica', name, 'ltx/9'))).toBe(true)
  }
})

test('exec of the file: it ends when its command does, with all that was committed', async () => {
  const scene = place('a')
  const script = join(scene.dir, 'app.mjs')
  writeFileSync(
    script,
    `import { DatabaseSync } from 'node:sqlite'
     const db = new DatabaseSync(${JSON.stringify(scene.db('a'))}, { timeout: 5000 })
     for (let i = 0; i < 5; i++) db.exec("insert into t (text) values ('by the app')")`,
  )
  scene.configure(`
exec: '${process.execPath} --no-warnings ${script}'
dbs:
  - { path: $DIR/data/a.db, replica: { path: $DIR/replica/a } }
`)
  expect((await cli(['replicate', '-config', scene.config])).code).toBe(0)
  expect(await scene.replicated('a')).toBe(8)
})

test('lines as JSON, to stderr, with their places', async () => {
  const scene = place('a')
  scene.configure(`
logging: { type: json, stderr: true, source: true, level: debug }
dbs:
  - { path: $DIR/data/a.db, replica: { path: $DIR/replica/a } }
`)
  const { stdout, stderr } = await cli(['replicate', '-once', '-config', scene.config])
  expect(stdout).toBe('')
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(lines[0]).toMatchObject({
    level: 'INFO',
    msg: 'litetap',
    level_: 'DEBUG',
    source: { file: 'cli/start-log.ts' },
  })
  expect(lines.map(({ msg }) => msg)).toContain('one-shot replication complete')
})

test('a mistake is told with its place, and nothing is begun', async () => {
  const scene = place('a')
  scene.configure('dbs:\n  - path: $DIR/data/a.db\n    replica: { path: $DIR/replica/a, sync-interval: soon }\n')
  const { code, stderr } = await cli(['replicate', '-config', scene.config])
  expect(code).toBe(1)
  expect(stderr).toMatch(/litestream\.yml:3:\d+: .*sync-interval.*"soon"/)
  expect(existsSync(join(scene.dir, 'replica'))).toBe(false)
  expect(readFileSync(scene.db('a')).length).toBeGreaterThan(0)
})
