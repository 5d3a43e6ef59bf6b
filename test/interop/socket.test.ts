import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { ask, daemonScene, newDatabase, type Reply } from '../daemon/support/scene.ts'
import { litestreamBinary } from './litestream.ts'
import { Program, run } from './process.ts'

const LITETAP = [process.execPath, resolve(import.meta.dirname, '../../cli/main.ts')]

let litestream: readonly string[]
let dir: string
beforeAll(async () => {
  litestream = [await litestreamBinary('0.5.16')]
  dir = mkdtempSync(join(tmpdir(), 'litetap-interop-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

interface Daemon {
  readonly socketPath: string
  readonly path: string
  readonly folder: string
}

/** Litestream's daemon with one database that has been replicated. */
async function theirs(): Promise<Daemon> {
  const folder = mkdtempSync(join(dir, 'theirs-'))
  const socketPath = join(folder, 'control.sock')
  const { path, url, app } = newDatabase(folder, 'a')
  app.exec("INSERT INTO t (text) VALUES ('a')")
  const config = join(folder, 'litestream.yml')
  writeFileSync(
    config,
    `socket: {enabled: true, path: ${socketPath}}\ndbs: [{path: ${path}, replica: {url: "${url}"}}]\n`,
  )
  const daemon = new Program([...litestream, 'replicate', '-config', config])
  onTestFinished(async () => void (await daemon.end('SIGTERM')))
  for (const end = Date.now() + 30_000; ; await sleep(50)) {
    const reply = await ask(socketPath, 'POST', '/sync', { path, wait: true }).catch(() => undefined)
    if (reply?.status === 200) break
    if (!daemon.running || Date.now() > end) throw new Error(`Litestream does not answer:\n${daemon.output}`)
  }
  return { socketPath, path, folder }
}

/** Ours, the same. */
async function ours(): Promise<Daemon> {
  const { socketPath, dir: folder, database, control } = await daemonScene()
  const { path, url, app } = database('a')
  app.exec("INSERT INTO t (text) VALUES ('a')")
  await ask(socketPath, 'POST', '/register', { path, replica_url: url })
  await control.sync(path, { wait: true })
  return { socketPath, path, folder }
}

type Step = readonly [method: string, path: string, body?: object | string]

/** Every endpoint, in every state of a database and with every mistake that both can be asked about. */
function steps({ path, folder }: Daemon): readonly Step[] {
  const query = `path=${encodeURIComponent(path)}`
  const second = join(folder, 'b', 'app.db')
  const url = pathToFileURL(join(folder, 'b', 'replica')).href
  return [
    ['GET', '/info'],
    ['GET', '/list'],
    ['GET', `/txid?${query}`],
    ['GET', '/txid'],
    ['GET', '/txid?path=/x'],
    ['GET', `/debug/sync-status?${query}`],
    ['GET', '/debug/sync-status'],
    ['GET', '/debug/sync-status?path=/x'],
    ['POST', '/sync', { path, wait: true }],
    ['POST', '/sync', { path }],
    ['POST', '/sync', { path, wait: true, timeout: 5 }],
    ['POST', '/sync', { path: '/x' }],
    ['POST', '/sync', {}],
    ['POST', '/sync', '{'],
    ['POST', '/start', { path }],
    ['POST', '/start', { path: '/x' }],
    ['POST', '/start', {}],
    ['POST', '/start', ''],
    ['POST', '/start', { path: 7 }],
    ['POST', '/start', { path, timeout: 1.5 }],
    ['POST', '/stop', { path: '/x' }],
    ['POST', '/stop', {}],
    ['POST', '/stop', { path }],
    ['POST', '/stop', { path }],
    ['GET', '/list'],
    ['GET', `/txid?${query}`],
    ['POST', '/sync', { path }],
    ['POST', '/start', { path, timeout: 10 }],
    ['POST', '/register', { path, replica_url: 'nonsense://' }],
    ['POST', '/register', { path: second }],
    ['POST', '/register', { replica_url: url }],
    ['POST', '/register', { path: second, replica_url: 'nonsense://x/y' }],
    ['POST', '/register', { path: second, replica_url: url }],
    ['POST', '/register', { path: second, replica_url: url }],
    ['POST', '/unregister', { path: second }],
    ['POST', '/unregister', { path: second }],
    ['POST', '/unregister', {}],
    ['GET', '/start'],
    ['POST', '/list'],
    ['DELETE', '/info'],
    ['GET', '/nothing'],
  ]
}

describe('the control socket beside that of Litestream (facts 8.3)', () => {
  test('the same requests have the same status, keys, types of values, and words for what was done', async () => {
    const daemons = [await theirs(), await ours()]
    for (const { folder } of daemons) newDatabase(folder, 'b')
    const [expected, actual] = await Promise.all(daemons.map(replies))
    expect(actual).toEqual(expected)
  })

  test("Litestream's commands talk to our daemon, and ours to Litestream's, with the same words", async () => {
    const heard = await Promise.all([conversation(litestream, await ours()), conversation(LITETAP, await theirs())])
    expect(heard[1]).toEqual(heard[0])
  })
})

async function replies(daemon: Daemon): Promise<unknown[]> {
  const seen: unknown[] = []
  for (const [method, path, body] of steps(daemon)) {
    const reply = await ask(daemon.socketPath, method, path, body)
    seen.push({ step: anonymous(daemon, [method, path, body]), ...outline(daemon, reply) })
  }
  return seen
}

function outline(daemon: Daemon, { status, headers, json }: Reply) {
  // For what its router refuses, Go has plain text; ours is JSON as everywhere.
  if (status === 405) return { status, allow: headers.allow }
  if (status === 404 && (json === undefined || String(json.error).startsWith('there is no'))) return { status }
  return { status, type: headers['content-type'], body: shape(daemon, json) }
}

/** Keys with the types of their values; what is the same word everywhere, as it is. */
function shape(daemon: Daemon, value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => shape(daemon, item))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => !LEFT_OUT.includes(name))
        .map(([name, item]) => [name, shape(daemon, item, name)]),
    )
  }
  if (key === 'status' || key === 'path') return anonymous(daemon, value)
  if (key === 'error' && /required|request body|not found|not open/.test(String(value))) {
    return anonymous(daemon, String(value).replace(/^database not (found|open)\b.*/, 'database not $1'))
  }
  return typeof value
}

/** What is there or not by what a database happens to be busy with. */
const LEFT_OUT = [
  'executor_waiter_count',
  'executor_wait_started_at',
  'executor_wait_seconds',
  'reason',
  'checkpoint_mode',
  'snapshotting',
]

function anonymous(daemon: Daemon, value: unknown): unknown {
  const text = JSON.stringify(value) ?? 'null'
  return JSON.parse(
    text.replaceAll(daemon.folder, '<folder>').replaceAll(encodeURIComponent(daemon.folder), '<folder>'),
  ) as unknown
}

/** What a program says to a person and as JSON, as it goes through everything that a daemon can be told. */
async function conversation(program: readonly string[], { socketPath, path, folder }: Daemon): Promise<string[]> {
  const said: string[] = []
  const say = async (name: string, ...args: string[]) => {
    const text = await run([...program, name, '-socket', socketPath, ...args])
    said.push(neutral(text.replaceAll(folder, '<folder>')))
  }
  mkdirSync(join(folder, 'c'), { recursive: true })
  const other = newDatabase(folder, 'c')
  await say('info')
  await say('info', '-json')
  await say('sync', '-wait', path)
  await say('sync', path)
  await say('list')
  await say('list', '-json')
  await say('sync', '-json', '-wait', path)
  await say('stop', path)
  await say('stop', '-json', path)
  await say('start', path)
  await say('start', '-json', path)
  await say('register', '-replica', other.url, other.path)
  await say('register', '-json', '-replica', other.url, other.path)
  await say('unregister', '-dry-run', other.path)
  await say('unregister', other.path)
  await say('unregister', '-json', other.path)
  return said
}

/** Numbers and times are their own; Litestream names itself where ours says what it talks to. */
function neutral(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/g, '<time>')
    .replace(/^(?:Litestream|Daemon) .*/, '<program>')
    .replace(/"version": ".*"/, '"version": <version>')
    .replace(/\d+m?s\b/g, '<duration>')
    .replace(/\b\d+\b/g, '<number>')
}
