import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { AbsReplica } from '../../storage/abs/index.ts'
import { GsReplica } from '../../storage/gs/index.ts'
import { type ByteStream, MemoryReplica, type ReplicaClient, readAll, withRetry } from '../../storage/index.ts'
import { S3Replica } from '../../storage/s3/index.ts'
import { openWebReplica } from '../../storage/web.ts'
import { WebdavReplica } from '../../storage/webdav/index.ts'
import { drip, type Sent } from '../servers/bad-bodies.ts'
import { type ScriptedRequest, startScriptedHttp } from '../servers/scripted-http.ts'
import { altered } from '../support/altered-client.ts'
import { failureOf } from '../support/failure-of.ts'
import { listAll, ltxBytes, name } from './ltx-bytes.ts'

/** What a server may be silent for, here. */
const IDLE_MS = 300
/** Well below what would make the test's own time limit end it, on a busy machine too. */
const SOON_MS = 20_000

type Body = (response: ServerResponse) => Sent | undefined

const DRIPPING: Body = (response) => drip(response)
const SILENT: Body = (response) => {
  response.write(' ')
  return undefined
}
/** Faster than what counts as silence: only the limit on the whole ends it. */
const STEADY: Body = (response) => drip(response, { bytes: 1000, everyMs: 5 })

async function serve(
  body: Body,
  head: (request: ScriptedRequest) => [status: number, headers: Readonly<Record<string, string>>] = () => [200, {}],
) {
  const sent: Sent[] = []
  const server = await startScriptedHttp((request, response) => {
    response.writeHead(...head(request))
    const each = body(response)
    if (each) sent.push(each)
  })
  onTestFinished(() => server.close())
  return { ...server, sent }
}

async function expectTimeout(call: () => Promise<unknown>, limitMs = SOON_MS): Promise<void> {
  const startedAt = performance.now()
  expect(await failureOf(call())).toMatchObject({ code: 'STORAGE_TIMEOUT', retryable: true })
  expect(performance.now() - startedAt).toBeLessThan(limitMs)
}

describe('what is read whole', () => {
  const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' }
  const azure = { accountName: 'account', accountKey: Buffer.from('key').toString('base64') }
  const once = { idleTimeoutMs: IDLE_MS, retry: { attempts: 1 } }
  const at = { bucket: 'b', path: 'app' }
  const list = (client: ReplicaClient): Promise<unknown> => listAll(client, 0)
  const web = (endpoint: string) => openWebReplica(`${endpoint}/app`, { idleTimeoutMs: IDLE_MS })
  const stores: Record<
    string,
    [open: (endpoint: string) => ReplicaClient | Promise<ReplicaClient>, call: (client: ReplicaClient) => unknown]
  > = {
    catalog: [web, (client) => client.listAll!()],
    'listing over fetch': [
      (endpoint) => openWebReplica(`s3://b/app?endpoint=${endpoint}&force-path-style=true`, { idleTimeoutMs: IDLE_MS }),
      list,
    ],
    's3 listing': [
      (endpoint) => new S3Replica({ ...at, endpoint, credentials, maxAttempts: 3, idleTimeoutMs: IDLE_MS }),
      list,
    ],
    's3 lease': [
      (endpoint) => new S3Replica({ ...at, endpoint, credentials, maxAttempts: 3, idleTimeoutMs: IDLE_MS }),
      (client) => client.lease!.get(),
    ],
    'gs listing': [(endpoint) => new GsReplica({ ...at, endpoint, ...once }), list],
    'abs listing': [(endpoint) => new AbsReplica({ ...at, ...azure, endpoint, ...once }), list],
    'webdav listing': [(endpoint) => new WebdavReplica({ endpoint, path: '/app', idleTimeoutMs: IDLE_MS }), list],
  }

  test.each(Object.keys(stores))('%s: a server that drips, and one that stops', async (store) => {
    const [open, call] = stores[store]!
    for (const body of [DRIPPING, SILENT]) {
      const server = await serve(body)
      const client = await open(server.endpoint)
      await expectTimeout(async () => call(client))
      expect(server.requests).toHaveLength(1)
      await expect.poll(() => server.sent.every(({ left }) => left)).toBe(true)
      await client.close()
    }
  })

  test('a page map', async () => {
    const catalog = '{"litetap":1,"layout":"ltx","pageMap":["1",1000],"files":[]}'
    const server = await startScriptedHttp(({ url }, response) => {
      if (url.endsWith('.json')) response.end(catalog)
      else drip(response)
    })
    onTestFinished(() => server.close())
    const client = await web(server.endpoint)
    await client.listAll!()
    await expectTimeout(() => client.readPageMap!())
  })

  test('has a limit in all, too', async () => {
    const server = await serve(STEADY)
    const client = await openWebReplica(`${server.endpoint}/app`, { totalTimeoutMs: 500 })
    await expectTimeout(() => client.listAll!())
    expect(server.sent[0]!.bytes).toBeGreaterThan(1000)
  })

  test('a refusal that drips is understood by what has come', async () => {
    const server = await serve(DRIPPING, () => [403, {}])
    const error = await failureOf((await web(server.endpoint)).listAll!())
    expect(error).toMatchObject({ code: 'STORAGE_ACCESS_DENIED' })
    await expect.poll(() => server.sent.every(({ left }) => left)).toBe(true)
  })

  test('is tried again a few times, and not without an end', async () => {
    const dripping = await serve(DRIPPING)
    const retried = withRetry(await web(dripping.endpoint), { baseMs: 1, attempts: 3 })
    await expectTimeout(() => retried.listAll!())
    expect(dripping.requests).toHaveLength(3)
    const other = await serve(DRIPPING)
    const impatient = withRetry(await web(other.endpoint), { baseMs: 1, attempts: 1000, totalMs: 2.5 * IDLE_MS })
    await expectTimeout(() => impatient.listAll!())
    expect(other.requests.length).toBeGreaterThan(1)
    expect(other.requests.length).toBeLessThan(5)
  })
})

describe('a range of a file', () => {
  const SIZE = 100_000
  const partial = (): [number, Record<string, string>] => [
    206,
    { 'content-range': `bytes 0-${SIZE - 1}/${SIZE}`, 'content-length': `${SIZE}` },
  ]
  const open = async (endpoint: string) =>
    await openWebReplica(`s3://b/app?endpoint=${endpoint}&force-path-style=true`, { idleTimeoutMs: IDLE_MS })
  const read = async (client: ReplicaClient) => readAll((await client.open(name(0, 1), { size: SIZE }))!)

  test.each([
    ['drips', DRIPPING],
    ['stops', SILENT],
  ])('of a server that %s: a typed error that may be tried again', async (_, body) => {
    const server = await serve(body, partial)
    const client = await open(server.endpoint)
    await expectTimeout(() => read(client))
    await expect.poll(() => server.sent.every(({ left }) => left)).toBe(true)
  })

  test.each(['s3', 'webdav'])('%s: the same', async (store) => {
    const server = await serve(DRIPPING, partial)
    const { endpoint } = server
    const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' }
    const client =
      store === 's3'
        ? new S3Replica({ bucket: 'b', path: 'app', endpoint, credentials, maxAttempts: 1, idleTimeoutMs: IDLE_MS })
        : new WebdavReplica({ endpoint, path: '/app', idleTimeoutMs: IDLE_MS })
    await expectTimeout(() => read(client))
    await client.close()
  })

  test('a server that gives a few bytes at each attempt does not hold its reader for ever', async () => {
    let at = 0
    const server = await startScriptedHttp(({ headers }, response) => {
      const [, from = '0'] = /^bytes=(\d+)-/.exec(headers.range ?? '') ?? []
      at = Number(from)
      response.writeHead(206, { 'content-range': `bytes ${from}-${SIZE - 1}/${SIZE}` })
      response.write('12345')
    })
    onTestFinished(() => server.close())
    const client = withRetry(await open(server.endpoint), { baseMs: 1, totalMs: 4 * IDLE_MS })
    await expectTimeout(() => read(client))
    expect(at).toBeGreaterThan(5)
    expect(server.requests.length).toBeLessThan(10)
  })

  test('a reader that pauses loses no patience by it', async () => {
    const bytes = ltxBytes({ min: 1, size: SIZE })
    const server = await startScriptedHttp((_, response) => {
      response.writeHead(...partial())
      response.end(bytes)
    })
    onTestFinished(() => server.close())
    const client = withRetry(await open(server.endpoint), { totalMs: IDLE_MS })
    const stream = await client.open(name(0, 1), { size: SIZE })
    let length = 0
    for await (const chunk of stream!) {
      if (length === 0) await delay(2 * IDLE_MS)
      length += chunk.length
    }
    expect(length).toBe(SIZE)
  })
})

describe('withRetry', () => {
  /** A client that takes so long, by a clock that is set by hand, and then fails. */
  function slow(each: { readonly ms: number; readonly bytes: number }) {
    let now = 0
    let calls = 0
    const memory = new MemoryReplica()
    const failing = (): ByteStream =>
      (async function* () {
        if (each.bytes > 0) yield new Uint8Array(each.bytes)
        await Promise.resolve()
        now += each.ms
        throw Object.assign(await failureOf(closed().open(name(0, 1))), { retryable: true })
      })()
    const client = altered(memory, {
      open: async () => {
        calls += 1
        return failing()
      },
    })
    const options = { attempts: 1000, sleep: async () => {}, now: () => now }
    return { client: withRetry(client, options), calls: () => calls, now: () => now }
  }
  const closed = (): MemoryReplica => {
    const replica = new MemoryReplica()
    void replica.close()
    return replica
  }

  test.each([
    [{ ms: 30_000, bytes: 0 }, 4],
    [{ ms: 30_000, bytes: 100 }, 5],
    [{ ms: 7_000, bytes: 3_500 }, 34],
  ])('%o: reading ends two minutes after it began, and what the bytes took', async (each, most) => {
    const { client, calls, now } = slow(each)
    await failureOf(readAll((await client.open(name(0, 1)))!))
    expect(now()).toBeGreaterThanOrEqual(120_000)
    expect(now()).toBeLessThanOrEqual(120_000 + calls() * each.bytes + each.ms)
    expect(calls()).toBeLessThanOrEqual(most + 1)
  })

  test('one that goes on fast enough is read for as long as it takes', async () => {
    const { client, now } = slow({ ms: 10_000, bytes: 20_000 })
    let length = 0
    for await (const chunk of (await client.open(name(0, 1)))!) {
      length += chunk.length
      if (length > 2_000_000) break
    }
    expect(now()).toBeGreaterThan(900_000)
  })
})
