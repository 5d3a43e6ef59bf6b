import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { createGateway, type GatewayOptions, Tokens } from '../../gateway/index.ts'
import { MemoryReplica, type ReplicaClient, withCounting } from '../../storage/node.ts'
import { altered } from '../support/altered-client.ts'
import { fill, l0, raw, startGateway, statuses } from './support.ts'

const [APP, ALL] = ['app-app-app-app-app', 'all-all-all-all-all']
const TOKENS = new Tokens(`${APP}: app\n${ALL}: *`, ['app', 'other'])

async function scene(options: Partial<GatewayOptions> = {}) {
  const replica = new MemoryReplica()
  await fill(replica, 1)
  const { client, counts } = withCounting(replica)
  const other = new MemoryReplica({ bucket: replica.bucket })
  const running = await startGateway({
    databases: new Map<string, ReplicaClient>([
      ['app', client],
      ['other', other],
    ]),
    ...options,
  })
  const get = (path: string, headers: Record<string, string> = {}) => fetch(running.url + path, { headers })
  return { ...running, counts, get }
}

describe('tokens', () => {
  const paths = [
    '/',
    '/metrics',
    l0(1),
    l0(9),
    '/app/litetap/catalog.json',
    '/app/litetap/events',
    '/nothing',
    l0(1, 'x'),
  ]

  test('without one, or with a wrong one, everything is 401 alike, whether it is there or not', async () => {
    const { get, counts } = await scene({ tokens: TOKENS })
    const headers: Record<string, string>[] = [
      {},
      { authorization: `Bearer ${APP}x` },
      { authorization: APP },
      { authorization: 'Bearer *' },
    ]
    for (const header of headers) {
      const replies = await Promise.all(paths.map((path) => get(path, header)))
      const error = header.authorization ? ', error="invalid_token"' : ''
      for (const reply of replies) {
        expect(reply.status).toBe(401)
        expect(reply.headers.get('www-authenticate')).toBe(`Bearer realm="litetap"${error}`)
        expect(await reply.text()).toBe('A token is needed: authorization: Bearer TOKEN\n')
      }
    }
    expect((await get('/health')).status).toBe(200)
    expect(counts.total).toBe(0)
  })

  test('what is outside of a token looks as what is not there', async () => {
    const { get } = await scene({ tokens: TOKENS })
    const authorization = `Bearer ${APP}`
    const describeReply = async (path: string) => {
      const reply = await get(path, { authorization })
      const headers = Object.fromEntries([...reply.headers].filter(([name]) => name !== 'date'))
      return { status: reply.status, headers, body: await reply.text() }
    }
    for (const rest of ['/litetap/catalog.json', '/litetap/events', l0(1, '').slice(1)]) {
      const [hidden, absent] = await Promise.all([describeReply(`/other${rest}`), describeReply(`/absent${rest}`)])
      expect(hidden).toEqual(absent)
      expect(hidden.status).toBe(404)
    }
    expect((await describeReply('/metrics')).status).toBe(404)
    expect((await get(l0(1), { authorization })).status).toBe(200)
    expect(await (await get('/', { authorization })).json()).toEqual({
      litetap: 1,
      databases: [{ name: 'app', path: '/app' }],
    })
  })

  test('the token for all reads all, the metrics too; and nothing is for shared caches', async () => {
    const { get } = await scene({ tokens: TOKENS })
    const authorization = `Bearer ${ALL}`
    for (const path of [l0(1), l0(1, 'other'), '/metrics'])
      expect((await get(path, { authorization })).status).toBe(200)
    const reply = await get(l0(1), { authorization })
    expect(reply.headers.get('cache-control')).toBe('private, max-age=31536000, immutable, no-transform')
  })

  test('a token in the URL is none', async () => {
    const { get } = await scene({ tokens: TOKENS })
    for (const name of ['token', 'access_token', 'authorization']) {
      expect((await get(`${l0(1)}?${name}=${ALL}`)).status).toBe(401)
    }
  })
})

describe('pages of other origins', () => {
  const origin = 'https://app.example'

  test('a preflight is answered alike for every path, without a token and without the store', async () => {
    const { url, counts } = await scene({ tokens: TOKENS })
    for (const path of [l0(1), '/nothing', l0(1, 'absent')]) {
      const reply = await fetch(url + path, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-headers': 'range' },
      })
      expect(reply.status).toBe(204)
      expect(Object.fromEntries(reply.headers)).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'GET, HEAD, OPTIONS',
        'access-control-allow-headers': 'authorization, if-none-match, if-range, last-event-id, range',
      })
      expect(reply.headers.get('access-control-allow-credentials')).toBeNull()
    }
    expect(counts.total).toBe(0)
  })

  test('every reply lets a page see what a reader needs, errors too', async () => {
    const { get } = await scene({ tokens: TOKENS })
    const replies = [
      await get(l0(1), { origin }),
      await get(l0(1), { origin, authorization: `Bearer ${ALL}`, range: 'bytes=0-9' }),
      await get(l0(1), { origin, authorization: `Bearer ${ALL}`, range: 'bytes=99999-' }),
      await get(l0(1, 'absent'), { origin, authorization: `Bearer ${ALL}` }),
    ]
    expect(replies.map(({ status }) => status)).toEqual([401, 206, 416, 404])
    for (const { headers } of replies) {
      expect(headers.get('access-control-allow-origin')).toBe('*')
      expect(headers.get('access-control-expose-headers')).toMatch(/content-range.*etag/)
    }
  })

  test('only the origins that were named', async () => {
    const { get } = await scene({ origins: [origin] })
    const allowed = async (from: string) => (await get(l0(1), { origin: from })).headers
    expect((await allowed(origin)).get('access-control-allow-origin')).toBe(origin)
    expect((await allowed('https://evil.example')).get('access-control-allow-origin')).toBeNull()
    expect((await allowed('https://evil.example')).get('vary')).toBe('origin')
  })

  test('without tokens, no page but those of this machine; and no name that was made to point here', async () => {
    const { get, port, counts } = await scene()
    expect((await get(l0(1), { origin })).headers.get('access-control-allow-origin')).toBeNull()
    const local = await get(l0(1), { origin: 'http://localhost:5173' })
    expect(local.headers.get('access-control-allow-origin')).toBe('http://localhost:5173')
    counts.reset()
    const asked = async (host: string) =>
      statuses(await raw(port, `GET ${l0(1)} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`))
    expect(await asked(`evil.example:${port}`)).toEqual([403])
    expect(await asked('127.0.0.1.evil.example')).toEqual([403])
    expect(counts.total).toBe(0)
    expect(await asked(`localhost:${port}`)).toEqual([200])
    const protectedOne = await scene({ tokens: TOKENS })
    const named = `GET /health HTTP/1.1\r\nhost: data.example\r\nconnection: close\r\n\r\n`
    expect(statuses(await raw(protectedOne.port, named))).toEqual([200])
  })
})

describe('where it listens', () => {
  const databases = () => new Map([['app', new MemoryReplica()]])

  test.each(['0.0.0.0', '::', '::ffff:127.0.0.1', '192.0.2.1', 'example.com'])(
    'not on %s without tokens',
    async (host) => {
      const gateway = createGateway({ databases: databases() })
      await expect(gateway.listen({ host, port: 0 })).rejects.toMatchObject({
        code: 'GATEWAY_UNPROTECTED',
        message: expect.stringMatching(
          /^Refused to listen on .*:0: others than this machine could read, without a token$/,
        ),
      })
      await gateway.close()
    },
  )

  test('everywhere with tokens, or when that is said', async () => {
    for (const options of [{ tokens: TOKENS }, { insecureNoToken: true }]) {
      const gateway = createGateway({ databases: databases(), ...options })
      const { port } = await gateway.listen({ host: '0.0.0.0', port: 0 })
      expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200)
      await gateway.close()
    }
  })

  test('an address in use, and names that are none', async () => {
    const { port } = await scene()
    const second = createGateway({ databases: databases() })
    await expect(second.listen({ host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'GATEWAY_CANNOT_LISTEN',
      message: `Cannot listen on 127.0.0.1:${port}: something else does already`,
    })
    await second.close()
    for (const name of ['', 'a/b', '..', 'a b', '-a', 'ä']) {
      expect(() => createGateway({ databases: new Map([[name, new MemoryReplica()]]) })).toThrow(
        expect.objectContaining({ code: 'GATEWAY_BAD_OPTION' }),
      )
    }
  })
})

describe('limits', () => {
  test('an address that asks too often waits; how long is said', async () => {
    const { get, counts } = await scene({ limits: { requestsPerSecond: 0.5, burst: 3 } })
    await get(l0(1))
    await get(l0(1))
    counts.reset()
    await get('/health')
    const reply = await get(l0(1))
    expect([reply.status, reply.headers.get('retry-after')]).toEqual([429, '2'])
    expect(counts.total).toBe(0)
  })

  test('no more at once than it is told, and event streams do not count', async () => {
    const replica = new MemoryReplica()
    await fill(replica, 1)
    let release = (): void => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow = altered(replica, {
      open: async (file, options) => {
        if (options?.size === 77) await gate
        return await replica.open(file, options)
      },
    })
    const { url } = await startGateway({
      databases: new Map([['app', slow]]),
      limits: { concurrent: 2, subscribers: 1 },
    })
    const leave = new AbortController()
    const events = await fetch(`${url}/app/litetap/events`, { signal: leave.signal })
    expect(events.status).toBe(200)
    const held = [1, 2].map(() => fetch(url + l0(1), { headers: { range: 'bytes=0-76' } }))
    await expect.poll(async () => (await fetch(url + l0(1))).status).toBe(503)
    const busy = await fetch(url + l0(1))
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([503, '1'])
    expect((await fetch(`${url}/app/litetap/events`)).status).toBe(503)
    expect((await fetch(`${url}/health`)).status).toBe(200)
    release()
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([206, 206])
    await Promise.all((await Promise.all(held)).map((reply) => reply.arrayBuffer()))
    await expect.poll(async () => (await fetch(url + l0(1))).status).toBe(200)
    leave.abort()
    await expect
      .poll(async () => {
        const stop = new AbortController()
        const { status } = await fetch(`${url}/app/litetap/events`, { signal: stop.signal })
        stop.abort()
        return status
      })
      .toBe(200)
  })

  test('no more event streams than it is told, however fast they come', async () => {
    const { url } = await scene({ limits: { subscribers: 3 } })
    const stop = new AbortController()
    const asked = Array.from({ length: 10 }, () => fetch(`${url}/app/litetap/events`, { signal: stop.signal }))
    const got = (await Promise.all(asked)).map(({ status }) => status).sort()
    stop.abort()
    expect(got).toEqual([200, 200, 200, 503, 503, 503, 503, 503, 503, 503])
  })

  test('what is under way when it stops is sent to its end; what takes too long is not', async () => {
    for (const graceMs of [5000, 50]) {
      const replica = new MemoryReplica()
      const [bytes] = await fill(replica, 1, 100_000)
      let release = (): void => {}
      const gate = new Promise<void>((resolve) => {
        release = resolve
      })
      const slow = altered(replica, {
        open: async () =>
          (async function* () {
            yield bytes!.subarray(0, 50_000)
            await gate
            yield bytes!.subarray(50_000)
          })(),
      })
      const { url, gateway } = await startGateway({ databases: new Map([['app', slow]]) })
      const reply = await fetch(url + l0(1))
      const body = reply
        .arrayBuffer()
        .then((buffer) => buffer.byteLength)
        .catch(() => 'broken')
      const closed = gateway.close(graceMs)
      if (graceMs === 50) await closed
      await expect(fetch(`${url}/health`)).rejects.toThrow()
      release()
      await closed
      expect(await body).toBe(graceMs === 50 ? 'broken' : 100_000)
    }
  })

  test('methods, sizes, bodies', async () => {
    const { url, port, counts } = await scene()
    const send = (method: string, headers: Record<string, string> = {}, path = l0(1)) =>
      new Promise<[number, string | undefined]>((resolve, reject) => {
        const req = request(url + path, { method, headers }, (reply) => {
          reply.resume()
          resolve([reply.statusCode!, reply.headers.allow])
        })
        req.on('error', reject)
        req.end()
      })
    for (const method of ['PUT', 'DELETE', 'PATCH', 'PROPFIND', 'TRACE']) {
      expect(await send(method)).toEqual([405, 'GET, HEAD, OPTIONS'])
    }
    expect((await send('POST', { 'content-length': '0' }))[0]).toBe(405)
    expect((await send('GET', {}, `/${'x'.repeat(2100)}`))[0]).toBe(414)
    expect((await send('GET', { cookie: 'x'.repeat(9000) }))[0]).toBe(431)
    expect((await send('HEAD', {}, '/app/litetap/events'))[0]).toBe(405)
    const host = `host: 127.0.0.1:${port}\r\n`
    const withBody = `GET ${l0(1)} HTTP/1.1\r\n${host}content-length: 5\r\n\r\nhello`
    expect(statuses(await raw(port, withBody))).toEqual([400])
    expect(counts.total).toBe(0)
  })
})
