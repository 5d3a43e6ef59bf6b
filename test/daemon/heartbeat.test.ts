import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { DatabaseReport } from '../../daemon/control.ts'
import { Heartbeat, isHeartbeatDue } from '../../daemon/heartbeat.ts'
import { silentLog } from '../../writer/index.ts'
import { daemonScene } from './support/scene.ts'

const MINUTE = 60_000
const NOW = Date.parse('2026-11-25T12:00:00Z')
const BEFORE = NOW - 6 * MINUTE
const RECENTLY = NOW - 4 * MINUTE

function report(more: Partial<DatabaseReport>): DatabaseReport {
  const common = { path: '/a.db', state: 'replicating', replicaType: 's3', replicaURL: 's3://x' } as const
  return { ...common, txid: 5n, replicatedTXID: 4n, ...more }
}

describe('the decision (facts 8.2)', () => {
  const state = { now: NOW, intervalMs: 5 * MINUTE, attemptedAt: undefined }
  const well = report({ lastSyncAt: RECENTLY })
  test.each<[string, DatabaseReport[], number | undefined, boolean]>([
    ['no database', [], undefined, false],
    ['one that is well', [well], undefined, true],
    ['and the last time was just now', [well], NOW - 4 * MINUTE, false],
    ['and the last time was an interval ago', [well], NOW - 5 * MINUTE, true],
    ['one that never was', [report({})], undefined, false],
    ['one that was too long ago', [report({ lastSyncAt: BEFORE })], undefined, false],
    ['one of two', [well, report({ lastSyncAt: BEFORE })], undefined, false],
    ['one in which nothing happens', [report({ lastSyncAt: BEFORE, replicatedTXID: 5n })], undefined, true],
    ['the same, in trouble', [report({ lastSyncAt: BEFORE, replicatedTXID: 5n, trouble: 'x' })], undefined, false],
    ['one that has nothing yet', [report({ txid: 0n, replicatedTXID: 0n })], undefined, false],
    ['a stopped one does not count', [well, report({ state: 'stopped' })], undefined, true],
    ['only stopped ones', [report({ state: 'stopped', lastSyncAt: RECENTLY })], undefined, false],
    ['an open one counts', [report({ state: 'open', lastSyncAt: BEFORE })], undefined, false],
  ])('%s', (_, reports, attemptedAt, due) => {
    expect(isHeartbeatDue(reports, { ...state, attemptedAt })).toBe(due)
  })
})

async function listener(status: number) {
  const requests: string[] = []
  const server = createServer(({ method, url }, response) => {
    requests.push(`${method} ${url}`)
    response.writeHead(status).end('ok')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/ping`, requests }
}

describe('the request', () => {
  test('is made for real databases that are replicated, once an interval, and not when one is behind', async () => {
    const { control, database } = await daemonScene()
    const { path, url: replica } = database('a')
    const { url, requests } = await listener(204)
    let now = Date.now()
    const heartbeat = new Heartbeat({ url, intervalMs: MINUTE, control, now: () => now })
    expect(await heartbeat.check()).toBe(false)
    await control.register(path, { type: 'file', path: new URL(replica).pathname })
    await control.sync(path, { wait: true })
    expect(await heartbeat.check()).toBe(true)
    expect(await heartbeat.check()).toBe(false)
    now += MINUTE
    expect(await heartbeat.check()).toBe(true)
    await control.stop(path)
    now += MINUTE
    expect(await heartbeat.check()).toBe(false)
    expect(requests).toEqual(['GET /ping', 'GET /ping'])
  })

  test('that fails is told of without its secret, and not made again before an interval has passed', async () => {
    const { url, requests } = await listener(500)
    const lines: string[] = []
    const log = {
      ...silentLog,
      error: (message: string, fields?: object) => lines.push(JSON.stringify([message, fields])),
    }
    let now = NOW
    const heartbeat = new Heartbeat({
      url: `${url}/geheim?token=geheim`,
      intervalMs: 1,
      control: { list: () => [report({ lastSyncAt: NOW })] },
      log: log as typeof silentLog,
      now: () => now,
    })
    expect(await heartbeat.check()).toBe(false)
    now += MINUTE - 1 // the least interval is a minute, whatever was asked for
    expect(await heartbeat.check()).toBe(false)
    expect(requests).toHaveLength(1)
    expect(lines).toEqual([expect.stringContaining('it answered with status 500')])
    expect(lines[0]).not.toContain('geheim')
  })

  test('is considered every 15 seconds, until it is stopped', async () => {
    const { url, requests } = await listener(200)
    const stop = new AbortController()
    const sleeps: number[] = []
    const heartbeat = new Heartbeat({
      url,
      control: { list: () => [report({ replicatedTXID: 5n })] },
      now: () => NOW + sleeps.length * 15_000,
      sleep: async (ms) => {
        sleeps.push(ms)
        if (sleeps.length === 22) stop.abort()
      },
    })
    await heartbeat.run(stop.signal)
    expect(new Set(sleeps)).toEqual(new Set([15_000]))
    // At 15 s, and 5 minutes later.
    expect(requests).toHaveLength(2)
  })

  test('to nobody is told of, too', async () => {
    const lines: string[] = []
    const log = {
      ...silentLog,
      error: (_: string, fields?: Record<string, unknown>) => lines.push(String(fields?.error)),
    }
    const control = { list: () => [report({ lastSyncAt: Date.now() })] }
    const heartbeat = new Heartbeat({ url: 'http://127.0.0.1:1/', control, log: log as typeof silentLog })
    expect(await heartbeat.check()).toBe(false)
    expect(lines).toEqual([expect.stringMatching(/fetch failed: .+/)])
  })
})
