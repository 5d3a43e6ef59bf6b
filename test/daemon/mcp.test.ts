import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { describe, expect, onTestFinished, test } from 'vitest'
import { expandPath } from '../../cli/config.ts'
import type { Config } from '../../daemon/config/config.ts'
import { McpHttpServer, type McpServerOptions } from '../../daemon/mcp/index.ts'
import { open } from '../../entry/open.ts'
import { formatTXID } from '../../ltx/index.ts'
import { FileReplica } from '../../storage/file/index.ts'
import { openReplica } from '../../storage/node.ts'
import { tempDir } from '../support/temp-dir.ts'
import { daemonScene } from './support/scene.ts'

const LOOPBACK = { host: '127.0.0.1', port: 0 }
const TOKEN = 'a-token-that-is-long-enough'

/** A daemon with one replicated database of three rows, its MCP server, and the SDK's own client. */
async function mcpScene(options: Partial<McpServerOptions> = {}) {
  const daemon = await daemonScene()
  const { path, url: replicaURL, app } = daemon.database('a')
  const replica = { type: 'file', path: new URL(replicaURL).pathname } as const
  await daemon.control.register(path, replica)
  for (const text of ['a', 'b', 'c']) app.prepare('INSERT INTO t (text) VALUES (?)').run(text)
  await daemon.control.sync(path, { wait: true })
  const asked: (string | undefined)[] = []
  const server = new McpHttpServer({
    control: daemon.control,
    version: 'v9.9.9',
    now: Date.now,
    expandPath: (text) => expandPath(text, { cwd: daemon.dir, env: { HOME: daemon.dir } }),
    loadConfig: async (file) => {
      asked.push(file)
      if (file !== undefined) throw Object.assign(new Error(`cannot read ${file}`), { hint: 'another file' })
      return { databases: [{ kind: 'database', path, replica }] } as unknown as Config
    },
    openReplica: async (source) =>
      typeof source === 'string'
        ? await openReplica(source)
        : new FileReplica({ path: (source as typeof replica).path }),
    openDatabase: (client, { signal }) => open(client, { signal }),
    ...options,
  })
  const { url } = await server.listen(LOOPBACK)
  onTestFinished(() => server.close(0))
  return { ...daemon, server, url, path, app, replica, replicaURL, asked }
}

async function connect(url: string, headers: Record<string, string> = {}): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' })
  onTestFinished(() => client.close())
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } })
  await client.connect(transport as Parameters<Client['connect']>[0])
  return client
}

async function call(client: Client, name: string, args: Record<string, unknown> = {}) {
  const result = await client.callTool({ name, arguments: args })
  const [{ text }] = result.content as [{ text: string }]
  return {
    text,
    failed: result.isError === true,
    json: result.structuredContent as Record<string, unknown> | undefined,
  }
}

/** The same, of a call that must not fail. */
async function answer(client: Client, name: string, args: Record<string, unknown> = {}) {
  const { text, failed, json } = await call(client, name, args)
  expect(failed, text).toBe(false)
  expect(JSON.parse(text)).toEqual(json)
  return json!
}

describe('the tools (facts 8.5)', () => {
  test("have Litestream's names and parameters, and one more", async () => {
    const { url } = await mcpScene()
    const client = await connect(url)
    expect(client.getServerVersion()).toMatchObject({ name: 'litetap', version: 'v9.9.9' })
    const { tools } = await client.listTools()
    const signatures = tools.map(({ name, inputSchema: { properties = {}, required = [] } }) => {
      const types = Object.entries(properties).map(([key, schema]) => {
        return `${key}${required.includes(key) ? '!' : ''}: ${(schema as { type: string }).type}`
      })
      return `${name} ${types.join(', ')}`.trim()
    })
    expect(signatures).toEqual([
      'litestream_info config: string',
      'litestream_databases config: string',
      'litestream_ltx path!: string, config: string',
      'litestream_version',
      'litestream_status config: string, path: string',
      'litestream_restore path!: string, o: string, config: string, txid: string, timestamp: string, parallelism: string, if_db_not_exists: boolean, if_replica_exists: boolean',
      'litestream_reset path!: string, config: string',
      'litetap_query path!: string, sql!: string, config: string, at: string, max_rows: integer',
    ])
  })

  test('version, databases, ltx, status and info', async () => {
    const { url, path, replicaURL, control, asked } = await mcpScene()
    const client = await connect(url)
    expect(await answer(client, 'litestream_version')).toEqual({ name: 'litetap', version: 'v9.9.9' })
    expect(await answer(client, 'litestream_databases')).toEqual({ databases: [{ path, replica: 'file' }] })
    const byPath = await answer(client, 'litestream_ltx', { path })
    const names = readdirSync(new URL(`${replicaURL}/ltx/0`))
    const files = byPath.files as { min_txid: string; max_txid: string }[]
    expect(files.map((file) => `${file.min_txid}-${file.max_txid}.ltx`)).toEqual(names.sort())
    expect((await answer(client, 'litestream_ltx', { path: replicaURL })).files).toEqual(files)
    const txid = formatTXID(control.report(path)!.txid)
    const status = { database: path, status: 'ok', local_txid: txid, state: 'replicating', replicated_txid: txid }
    expect((await answer(client, 'litestream_status')).databases).toEqual([expect.objectContaining(status)])
    expect((await answer(client, 'litestream_status', { path: '/other.db' })).databases).toEqual([])
    expect(await answer(client, 'litestream_info')).toMatchObject({
      version: 'v9.9.9',
      databases: [{ path, replica: 'file', files }],
      daemon: [{ path, state: 'replicating' }],
    })
    expect(await call(client, 'litestream_databases', { config: '/no.yml' })).toMatchObject({
      failed: true,
      text: 'Error: cannot read /no.yml\nTry: another file',
    })
    expect(asked.at(-1)).toBe('/no.yml')
  })

  test('a database of a folder is found by its path', async () => {
    const store = tempDir()
    const { path, replica, ...scene } = await mcpScene({
      loadConfig: async () => {
        const below = { type: 'file', path: store }
        const folder = { kind: 'directory', dir: dirname(path), pattern: '*.db', recursive: false, replica: below }
        return { databases: [folder] } as unknown as Config
      },
    })
    symlinkSync(replica.path, join(store, basename(path)))
    const client = await connect(scene.url)
    expect(await answer(client, 'litestream_ltx', { path })).toMatchObject({ path, file_count: expect.any(Number) })
    const rows = await answer(client, 'litetap_query', { path, sql: 'SELECT count(*) AS n FROM t' })
    expect(rows).toMatchObject({ rows: [[3]] })
    expect(await answer(client, 'litestream_status', { path })).toMatchObject({ databases: [{ status: 'ok' }] })
  })

  test('restore: newest, by TXID, by replica URL; the booleans are booleans', async () => {
    const { url, dir, path, replicaURL } = await mcpScene()
    const client = await connect(url)
    const o = join(dir, 'restored.db')
    const rows = () => new DatabaseSync(o, { readOnly: true }).prepare('SELECT count(*) AS n FROM t').get()
    expect(await answer(client, 'litestream_restore', { path, o })).toMatchObject({ status: 'restored', db_path: o })
    expect({ ...rows() }).toEqual({ n: 3 })
    expect(await call(client, 'litestream_restore', { path, o })).toMatchObject({
      failed: true,
      text: expect.stringContaining('exists already'),
    })
    const again = { path: replicaURL, o, if_db_not_exists: true }
    expect(await answer(client, 'litestream_restore', again)).toMatchObject({ status: 'skipped' })
    expect((await call(client, 'litestream_restore', { ...again, if_db_not_exists: false })).failed).toBe(true)
    const first = { path: replicaURL, o: join(dir, 'first.db'), txid: formatTXID(1n), parallelism: '2' }
    expect(await answer(client, 'litestream_restore', first)).toMatchObject({ txid: formatTXID(1n) })
    const none = { path: `file://${dir}/nothing`, o: join(dir, 'none.db') }
    expect((await call(client, 'litestream_restore', none)).failed).toBe(true)
    expect(await answer(client, 'litestream_restore', { ...none, if_replica_exists: true })).toMatchObject({
      status: 'skipped',
      reason: 'no matching backups found',
    })
  })

  test.each([
    [{ path: 'file:///x' }, 'o is required'],
    [{ path: 'file:///x', o: 'relative.db' }, 'is not absolute'],
    [{ path: 'file:///x', o: '/no/such/folder/x.db' }, 'there is no folder /no/such/folder'],
    [{ path: 'file:///x', o: '/tmp/x\0.db' }, 'the path is not one'],
    [{ path: 'file:///x', o: '/tmp/x.db', txid: '12' }, 'invalid txid 12'],
    [{ path: 'file:///x', o: '/tmp/x.db', timestamp: 'noon' }, 'invalid timestamp noon'],
    [{ path: 'file:///x', o: '/tmp/x.db', parallelism: '0' }, 'invalid parallelism 0'],
    [{ path: 'file:///x', o: '/tmp/x.db', if_db_not_exists: 'true' }, 'if_db_not_exists'],
    [{ path: '/not/configured.db', o: '/tmp/x.db' }, 'there is no database /not/configured.db'],
  ])('restore refuses %j', async (args, message) => {
    const { url } = await mcpScene()
    expect(await call(await connect(url), 'litestream_restore', args)).toMatchObject({
      failed: true,
      text: expect.stringContaining(message),
    })
  })

  test('reset: only of what is not replicated at present', async () => {
    const { url, path, control, dir } = await mcpScene()
    const client = await connect(url)
    const local = join(dir, 'a', '.app.db-litestream', 'ltx')
    expect(await call(client, 'litestream_reset', { path })).toMatchObject({
      failed: true,
      text: `Error: ${path} is being replicated by this daemon\nTry: stop it first: litetap stop ${path}`,
    })
    expect(existsSync(local)).toBe(true)
    await control.stop(path)
    const before = readFileSync(path)
    expect(await answer(client, 'litestream_reset', { path })).toMatchObject({ status: 'reset', removed: local })
    expect(existsSync(local)).toBe(false)
    expect(readFileSync(path).equals(before)).toBe(true)
    expect((await call(client, 'litestream_reset', { path: '/nowhere/x.db' })).failed).toBe(true)
    expect((await call(client, 'litestream_reset', { path: 'app.db' })).text).toContain('is not absolute')
  })

  test('query: rows of now and of then, not more than asked for, and nothing but reading', async () => {
    const { url, path, replicaURL, app, control } = await mcpScene()
    const client = await connect(url)
    const then = formatTXID(control.report(path)!.replicatedTXID)
    app.exec("INSERT INTO t (id, text) VALUES (9007199254740993, x'00ff')")
    await control.sync(path, { wait: true })
    const sql = 'SELECT id, text FROM t ORDER BY id'
    expect(await answer(client, 'litetap_query', { path, sql, at: then })).toEqual({
      columns: ['id', 'text'],
      rows: [
        [1, 'a'],
        [2, 'b'],
        [3, 'c'],
      ],
      row_count: 3,
      more_rows: false,
    })
    const newest = await answer(client, 'litetap_query', { path: replicaURL, sql })
    expect((newest.rows as unknown[]).at(-1)).toEqual(['9007199254740993', "x'00ff'"])
    const two = await answer(client, 'litetap_query', { path, sql, max_rows: 2 })
    expect(two).toMatchObject({ row_count: 2, more_rows: true })
    expect((await call(client, 'litetap_query', { path, sql: 'DELETE FROM t' })).failed).toBe(true)
    expect((await call(client, 'litetap_query', { path, sql: 'SELEC' })).text).toContain('syntax error')
    expect((await call(client, 'litetap_query', { path, sql, at: 'whenever' })).text).toContain('invalid time whenever')
    expect(app.prepare('SELECT count(*) AS n FROM t').get()).toMatchObject({ n: 4 })
  })
})

/** A request with any Host, which `fetch` does not allow. */
function post(url: string, headers: Record<string, string>, method = 'POST', body = '{}') {
  return new Promise<{ status: number; headers: Record<string, unknown> }>((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const outgoing = request({ hostname, port, method, path: '/mcp', headers, agent: false }, (response) => {
      response.resume()
      response.once('end', () => resolve({ status: response.statusCode!, headers: response.headers }))
    })
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}

describe('who may ask', () => {
  test('nobody but this machine, without a token', async () => {
    const { server } = await mcpScene()
    const other = { host: '0.0.0.0', port: 0 }
    await server.close(0)
    await expect(server.listen(other)).rejects.toMatchObject({
      code: 'DAEMON_CANNOT_LISTEN',
      message: expect.stringContaining('Refused to listen on 0.0.0.0:0'),
      hint: expect.stringContaining('mcp-token'),
    })
  })

  test.each([
    ['a name that was made to point here', { host: 'evil.example' }, 403],
    ['a page of another host', { origin: 'https://evil.example' }, 403],
    ['a page without an origin of its own', { origin: 'null' }, 403],
  ])('not %s', async (_, headers, status) => {
    const { url } = await mcpScene()
    expect((await post(url, headers)).status).toBe(status)
  })

  test('whoever has the token, if there is one', async () => {
    const { url } = await mcpScene({ token: TOKEN })
    expect(await post(url, {})).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="litetap"' },
    })
    const wrong = await post(url, { authorization: `Bearer ${TOKEN}x` })
    expect(wrong).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': expect.stringContaining('invalid_token') },
    })
    await expect(connect(url)).rejects.toThrow()
    const client = await connect(url, { authorization: `Bearer ${TOKEN}` })
    expect(await answer(client, 'litestream_version')).toMatchObject({ version: 'v9.9.9' })
  })

  test('a token that is too short is refused, and not repeated', async () => {
    const error = await mcpScene({ token: 'short' }).catch((reason: Error) => reason)
    expect(error).toMatchObject({ code: 'GATEWAY_BAD_TOKENS' })
    expect((error as Error).message).not.toContain('short:')
  })

  test('nothing but POST, of JSON, of a bounded size', async () => {
    const { url } = await mcpScene()
    expect(await post(url, {}, 'GET', '')).toMatchObject({ status: 405, headers: { allow: 'POST' } })
    expect((await post(url, {}, 'POST', '{')).status).toBe(400)
    expect((await post(url, {}, 'POST', JSON.stringify('x'.repeat(1024 * 1024)))).status).toBe(400)
  })
})

test('a query is not there where there is nothing to query with', async () => {
  const { url } = await mcpScene({ openDatabase: undefined as never })
  const { tools } = await (await connect(url)).listTools()
  expect(tools.map(({ name }) => name)).not.toContain('litetap_query')
})

test('restore does not write into the place of a database that this daemon replicates', async () => {
  const { url, path, control } = await mcpScene()
  const client = await connect(url)
  mkdirSync(join(path, '..', 'other'), { recursive: true })
  const elsewhere = join(path, '..', 'other', 'app.db')
  const { report } = control
  control.report = (wanted) =>
    wanted === elsewhere ? { ...report.call(control, path)!, path: wanted } : report.call(control, wanted)
  expect(await call(client, 'litestream_restore', { path, o: elsewhere })).toMatchObject({
    failed: true,
    text: expect.stringContaining('is being replicated by this daemon'),
  })
  writeFileSync(elsewhere, 'precious')
  expect((await call(client, 'litestream_restore', { path, o: elsewhere })).failed).toBe(true)
  expect(readFileSync(elsewhere, 'utf8')).toBe('precious')
})

test('a client that leaves ends what was done for it', async () => {
  const begun = Promise.withResolvers<AbortSignal>()
  const { url, path } = await mcpScene({
    openDatabase: (_, { signal }) => {
      begun.resolve(signal)
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
  })
  const leave = new AbortController()
  const message = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'litetap_query', arguments: { path, sql: 'SELECT 1' } },
  }
  const reply = fetch(`${url}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify(message),
    signal: leave.signal,
  })
  const failed = expect(reply).rejects.toThrow()
  const signal = await begun.promise
  expect(signal.aborted).toBe(false)
  leave.abort()
  await failed
  await expect.poll(() => signal.aborted).toBe(true)
})

test('of a replica that cannot be opened, nothing is left open', async () => {
  let closed = 0
  const { url, dir } = await mcpScene({
    openReplica: async () => {
      const client = new FileReplica({ path: join(dir, 'nothing') })
      const close = client.close.bind(client)
      client.close = () => {
        closed += 1
        return close()
      }
      return client
    },
  })
  const client = await connect(url)
  const args = { path: 'file:///anywhere', sql: 'SELECT 1' }
  expect((await call(client, 'litetap_query', args)).failed).toBe(true)
  expect(closed).toBe(1)
})
