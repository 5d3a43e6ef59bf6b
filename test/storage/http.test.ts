import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  CATALOG_NAME,
  isStorageError,
  memoryReplica,
  type ReplicaClient,
  readAll,
  withCounting,
  withRetry,
} from '../../storage/index.ts'
import { openReplica } from '../../storage/node.ts'
import { openWebReplica, type WebReplicaOptions } from '../../storage/web.ts'
import { startScriptedHttp } from '../servers/scripted-http.ts'
import type { StaticReply } from '../servers/static-http.ts'
import { corsFetch } from '../support/cors-fetch.ts'
import { type CatalogStore, startCatalogStore } from './http-catalog-store.ts'
import { listAll, ltxBytes, name, ranges, TIMESTAMP } from './ltx-bytes.ts'

const SIZE = 200_000
const bytes = ltxBytes({ min: 1, size: SIZE })
let store: CatalogStore

beforeEach(async () => {
  store = await startCatalogStore()
  await store.writer('app').write(name(0, 1), bytes)
  await store.writer('app').write(name(9, 1, 5), ltxBytes({ min: 1, max: 5, size: 3_000 }))
})
afterEach(() => store.close())

function replica(options: WebReplicaOptions = {}, query = ''): Promise<ReplicaClient> {
  return openWebReplica(store.url('app') + query, options)
}

async function read(client: ReplicaClient, offset = 0, size = 0): Promise<Uint8Array | undefined> {
  const stream = await client.open(name(0, 1), { offset, size })
  return stream && readAll(stream)
}

async function failure(promise: Promise<unknown>) {
  const error = await promise.then(
    () => expect.fail('it succeeded'),
    (reason) => reason,
  )
  expect(isStorageError(error)).toBe(true)
  expect(error.message).not.toContain('hunter2')
  expect(error.message.split('\n')).toHaveLength(1)
  return error
}

/** Only replies to requests for LTX files. */
const files = (change: (reply: StaticReply) => StaticReply | undefined) =>
  store.server.misbehave((reply, { url }) => (url.includes('.ltx') ? change(reply) : reply))

const CUT = (reply: StaticReply): StaticReply => ({ ...reply, body: reply.body.subarray(1) })

describe('requests', () => {
  test('all levels through a catalog are one GET, unchanged ones an empty 304; never HEAD', async () => {
    const client = await replica()
    expect(store.server.requests).toEqual([])
    expect(ranges(await client.listAll!())).toEqual(['1-1', '1-5'])
    expect(store.server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([`GET /app/${CATALOG_NAME}`])
    const bodies: number[] = []
    store.server.misbehave((reply) => {
      if (reply.status === 304) bodies.push(reply.body.length)
      return reply
    })
    expect(ranges(await client.listAll!())).toEqual(['1-1', '1-5'])
    expect(ranges(await listAll(client, 9))).toEqual(['1-5'])
    expect(bodies).toEqual([0, 0])
    await store.writer('app').write(name(0, 6), ltxBytes({ min: 6 }))
    expect(ranges(await listAll(client, 0))).toEqual(['1-1', '6-6'])
    expect(await read(client, 10, 20)).toEqual(bytes.subarray(10, 30))
    expect(store.server.requests).toHaveLength(5)
    expect(store.server.requests.every(({ method }) => method === 'GET')).toBe(true)
    expect(store.server.requests.at(-1)!.headers.range).toBe('bytes=10-29')
  })

  test('wrappers count and retry the catalog as what it is', async () => {
    const { client, counts } = withCounting(withRetry(await replica(), { baseMs: 1 }))
    let failures = 2
    store.server.misbehave((reply) => (failures-- > 0 ? { ...reply, status: 503 } : reply))
    expect(ranges(await client.listAll!())).toEqual(['1-1', '1-5'])
    expect(counts.snapshot()).toMatchObject({ get: 3, total: 3 })
    expect(await read(client, 10, 20)).toEqual(bytes.subarray(10, 30))
    expect(counts.snapshot()).toMatchObject({ get: 4, total: 4, bytesIn: 20 })
    expect(counts.inFlight).toBe(0)
    expect(withRetry(memoryReplica()).listAll).toBeUndefined()
    expect(withCounting(memoryReplica()).client.listAll).toBeUndefined()
  })

  test('a file is read by its range alone, and its end need not be known', async () => {
    const client = await replica()
    expect(await read(client)).toEqual(bytes)
    expect(await read(client, SIZE - 5)).toEqual(bytes.subarray(SIZE - 5))
    expect(await read(client, SIZE - 5, 100)).toEqual(bytes.subarray(SIZE - 5))
    expect(await read(client, SIZE, 100)).toEqual(new Uint8Array(0))
    expect(await client.open(name(0, 7))).toBeUndefined()
  })

  test('a query goes with each request as it is spelt, and is not shown', async () => {
    const client = await replica({}, '?sv=2024&sig=hunter2%2Bx+y%3D')
    await read(client, 0, 5)
    for (const { url } of store.server.requests) expect(url).toMatch(/\?sv=2024&sig=hunter2%2Bx\+y%3D$/)
    expect(client.url).toBe(store.url('app'))
    store.server.misbehave((reply) => ({ ...reply, status: 403 }))
    const error = await failure(read(client, 0, 5))
    expect(error).toMatchObject({ code: 'STORAGE_ACCESS_DENIED', retryable: false, at: { status: 403 } })
    expect(error.message).toMatch(/A presigned URL or SAS token may have expired/)
  })

  test('headers of the caller go with each request', async () => {
    const client = await replica({ headers: { authorization: 'Bearer hunter2' } })
    await read(client, 0, 5)
    for (const { headers } of store.server.requests) expect(headers.authorization).toBe('Bearer hunter2')
    store.server.misbehave((reply) => ({ ...reply, status: 401 }))
    expect(await failure(read(client))).toMatchObject({ code: 'STORAGE_BAD_CREDENTIALS' })
  })

  test('redirects are followed', async () => {
    store.server.misbehave((reply, { url }, response) => {
      if (!url.startsWith('/app/')) return reply
      response.writeHead(302, { location: url.replace('/app/', '/moved/') }).end()
      return undefined
    })
    await store.writer('moved').write(name(0, 1), bytes)
    expect(await read(await replica(), 10, 20)).toEqual(bytes.subarray(10, 30))
  })

  test('Node opens it too', async () => {
    const client = await openReplica(store.url('app'), { headers: { 'x-a': 'b' } })
    expect(await read(client, 10, 20)).toEqual(bytes.subarray(10, 30))
    expect(store.server.requests[0]!.headers['x-a']).toBe('b')
  })
})

describe('what hosts do', () => {
  test('200 for a range is sliced', async () => {
    files(() => ({ status: 200, headers: {}, body: Buffer.from(bytes) }))
    const client = await replica()
    expect(await read(client, 10, 20)).toEqual(bytes.subarray(10, 30))
    expect(await read(client, SIZE - 5)).toEqual(bytes.subarray(SIZE - 5))
    expect(await read(client)).toEqual(bytes)
  })

  test('200 without a length too, for the catalog knows it', async () => {
    store.server.misbehave((reply, { url }, response) => {
      if (!url.includes('.ltx')) return reply
      response.writeHead(200, { 'transfer-encoding': 'chunked' })
      response.end(Buffer.from(bytes))
      return undefined
    })
    expect(await read(await replica(), 10, 20)).toEqual(bytes.subarray(10, 30))
  })

  test.each(['gzip', 'br'])('a compressed range (%s) is refused with advice', async (encoding) => {
    files((reply) => ({ ...reply, headers: { ...reply.headers, 'content-encoding': encoding } }))
    const error = await failure(read(await replica(), 0, 20))
    expect(error).toMatchObject({ code: 'STORAGE_BAD_REPLY', retryable: false })
    expect(error.message).toMatch(/\/app\/ltx\/0\/.*\.ltx: the reply is compressed .*turn compression off for \.ltx/)
  })

  test('a compressed catalog is fine', async () => {
    store.server.misbehave((reply) => {
      if (reply.status !== 200) return reply
      const headers = { ...reply.headers, 'content-encoding': 'gzip', etag: 'W/"1"' }
      const body = gzipSync(reply.body)
      return { status: 200, headers: { ...headers, 'content-length': String(body.length) }, body }
    })
    const client = await replica()
    expect(ranges(await client.listAll!())).toEqual(['1-1', '1-5'])
    await client.listAll!()
    expect(store.server.requests[1]!.headers['if-none-match']).toBe('W/"1"')
  })

  test.each([200, 206, 404])('a web page instead (status %i)', async (status) => {
    const headers = { 'content-type': 'text/html; charset=utf-8' }
    store.server.misbehave(() => ({ status, headers, body: Buffer.from('<!doctype html><title>App</title>') }))
    const error = await failure((await replica()).listAll!())
    if (status === 404) {
      expect(error).toMatchObject({ code: 'STORAGE_NOT_FOUND' })
    } else {
      expect(error).toMatchObject({ code: 'STORAGE_BAD_REPLY', retryable: false })
      expect(error.message).toMatch(/answers with a web page \(text\/html\)/)
    }
  })

  test('a web page instead of a file', async () => {
    files(() => ({ status: 200, headers: { 'content-type': 'text/html' }, body: Buffer.from('<p>Sign in</p>') }))
    expect((await failure(read(await replica()))).message).toMatch(/ltx\/0\/.*web page/)
  })

  test('no catalog: says how to get one, and how an S3 server is written', async () => {
    const error = await failure(
      (
        await openWebReplica(`${store.server.endpoint}/nowhere%20x`, {
          fetch: (input, init) => fetch(String(input).replace(CATALOG_NAME, 'none'), init),
        })
      ).listAll!(),
    )
    expect(error).toMatchObject({ code: 'STORAGE_NOT_FOUND', at: { key: CATALOG_NAME } })
    expect(error.message).toContain(`Cannot open ${store.server.endpoint}/nowhere%20x: there is no ${CATALOG_NAME}`)
    expect(error.message).toContain(`write s3://bucket/path?endpoint=${store.server.endpoint}`)
  })

  test.each([
    [408, 'STORAGE_TIMEOUT', true],
    [429, 'STORAGE_THROTTLED', true],
    [500, 'STORAGE_SERVER_ERROR', true],
    [502, 'STORAGE_SERVER_ERROR', true],
    [503, 'STORAGE_THROTTLED', true],
    [400, 'STORAGE_REFUSED', false],
    [418, 'STORAGE_REFUSED', false],
  ])('%i is %s, retryable %o', async (status, code, retryable) => {
    const client = await replica()
    await client.listAll!()
    store.server.misbehave((reply) => ({ ...reply, status }))
    for (const call of [() => client.listAll!(), () => read(client, 0, 5)]) {
      expect(await failure(call())).toMatchObject({ code, retryable, at: { status } })
    }
  })

  test('the words of a store are in the message, in one line', async () => {
    const xml = '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired\nx</Message></Error>'
    store.server.misbehave(() => ({
      status: 403,
      headers: { 'content-type': 'application/xml' },
      body: Buffer.from(xml),
    }))
    expect((await failure((await replica()).listAll!())).message).toMatch(/\(403, AccessDenied, Request has expired\)$/)
  })

  test.each([
    [
      'another range',
      (reply: StaticReply) => ({ ...reply, headers: { ...reply.headers, 'content-range': 'bytes 1-20/200000' } }),
    ],
    ['no Content-Range', ({ status, body }: StaticReply) => ({ status, body, headers: {} })],
    ['a range cut short', CUT],
  ])('%s is refused', async (_, change) => {
    files(change)
    expect(await failure(read(await replica(), 0, 20))).toMatchObject({
      code: 'STORAGE_BAD_RANGE_REPLY',
      retryable: false,
    })
  })
})

describe('files never change', () => {
  test.each([
    ['longer', 200_001],
    ['shorter', 100_000],
  ])('one that is %s than the catalog says is an error that names it, however it is read', async (_, size) => {
    const client = await replica()
    await client.listAll!()
    await store.writer('app').write(name(0, 1), ltxBytes({ min: 1, size }))
    for (const [offset, length] of [
      [0, 0],
      [10, 20],
      [150_000, 20],
    ] as const) {
      const error = await failure(read(client, offset, length))
      expect(error).toMatchObject({ code: 'STORAGE_BAD_REPLY', retryable: false })
      expect(error.message).toContain(
        'ltx/0/0000000000000001-0000000000000001.ltx: by the catalog it has 200000 bytes, but the server has',
      )
    }
    // What the catalog says next is believed.
    await client.listAll!()
    expect(await read(client)).toHaveLength(size)
  })

  test('one that is sent whole too', async () => {
    const client = await replica()
    await client.listAll!()
    files(() => ({ status: 200, headers: {}, body: Buffer.alloc(150_000) }))
    expect(await failure(read(client, 10, 20))).toMatchObject({ code: 'STORAGE_BAD_REPLY' })
  })
})

describe('a bad line', () => {
  const cut = (after: number) =>
    store.server.misbehave((reply, { url }, response) => {
      if (!url.includes('.ltx')) return reply
      response.writeHead(reply.status, { ...reply.headers, 'content-length': String(reply.body.length) })
      response.write(reply.body.subarray(0, after), () => response.destroy())
      return undefined
    })

  test('a body cut short is a short read, which is resumed', async () => {
    cut(70_000)
    const client = await replica()
    expect(await failure(read(client))).toMatchObject({ code: 'STORAGE_SHORT_READ', retryable: true })
    const resumed = withRetry(client, { baseMs: 1 })
    expect(await read(resumed)).toEqual(bytes)
    expect(store.server.requests.filter(({ url }) => url.includes('.ltx')).map(({ headers }) => headers.range)).toEqual(
      ['bytes=0-', 'bytes=0-', 'bytes=70000-', 'bytes=140000-'],
    )
  })

  test('a silent server is a timeout, before its answer and in it', async () => {
    const client = await replica({ idleTimeoutMs: 100 })
    await client.listAll!()
    store.server.misbehave(() => undefined)
    for (const call of [() => client.listAll!(), () => read(client)]) {
      expect(await failure(call())).toMatchObject({ code: 'STORAGE_TIMEOUT', retryable: true })
    }
    store.server.misbehave((reply, _, response) => {
      response.writeHead(reply.status, { ...reply.headers, 'content-length': String(reply.body.length) })
      response.write(reply.body.subarray(0, 100))
      return undefined
    })
    expect(await failure(read(client))).toMatchObject({ code: 'STORAGE_TIMEOUT', retryable: true })
  })

  test('an abort cuts what hangs', async () => {
    const client = await replica()
    await client.listAll!()
    store.server.misbehave(() => undefined)
    const reason = new Error('enough')
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 20)
    await expect(client.listAll!(controller.signal)).rejects.toBe(reason)
    await expect(client.open(name(0, 1), { signal: controller.signal })).rejects.toBe(reason)
  })

  test('nothing listens', async () => {
    const gone = await startScriptedHttp(() => {})
    await gone.close()
    const error = await failure((await openWebReplica(`${gone.endpoint}/app`)).listAll!())
    expect(error).toMatchObject({ code: 'STORAGE_UNREACHABLE', retryable: true })
    expect(error.message).toContain(`nothing listens at ${gone.endpoint}`)
  })

  test('https to a plain http port', async () => {
    const url = store.url('app').replace('http:', 'https:')
    const error = await failure((await openWebReplica(url)).listAll!())
    expect(error).toMatchObject({ code: 'STORAGE_TLS', retryable: false })
    expect(error.message).not.toContain('{')
  })
})

describe('in a page of another site', () => {
  const origin = 'https://page.example'
  const page = (): Promise<ReplicaClient> => replica({ fetch: corsFetch(origin) })
  const preflight = { 'access-control-allow-headers': 'range, if-none-match', 'access-control-allow-origin': origin }

  function allow(more: Record<string, string> = {}): void {
    store.server.misbehave((reply, { method }) => {
      if (method === 'OPTIONS') return { status: 200, headers: preflight, body: Buffer.alloc(0) }
      if (reply.status === 404) return reply
      return { ...reply, headers: { ...reply.headers, 'access-control-allow-origin': origin, ...more } }
    })
  }

  test('nothing is allowed: the message speaks of CORS', async () => {
    const error = await failure((await page()).listAll!())
    expect(error).toMatchObject({ code: 'STORAGE_UNREACHABLE' })
    expect(error.message).toMatch(/CORS headers \(docs\/cors\.md has the rules to set\)/)
  })

  test('nothing is exposed, as S3 has it by default: everything is read, the catalog without its 304', async () => {
    allow()
    const client = await page()
    expect(ranges(await client.listAll!())).toEqual(['1-1', '1-5'])
    expect(await read(client)).toEqual(bytes)
    expect(await read(client, 10, 20)).toEqual(bytes.subarray(10, 30))
    expect(await read(client, SIZE - 5, 100)).toEqual(bytes.subarray(SIZE - 5))
    expect(await read(client, SIZE, 100)).toEqual(new Uint8Array(0))
    await client.listAll!()
    expect(store.server.requests.some(({ headers }) => 'if-none-match' in headers)).toBe(false)
  })

  test('nothing is exposed and a file has another size: no wrong bytes', async () => {
    allow()
    const client = await page()
    await client.listAll!()
    await store.writer('app').write(name(0, 1), ltxBytes({ min: 1, size: 100_000 }))
    expect(await failure(read(client))).toMatchObject({ code: 'STORAGE_BAD_RANGE_REPLY' })
    expect(await failure(read(client, 99_990, 20))).toMatchObject({ code: 'STORAGE_BAD_RANGE_REPLY' })
    expect(await failure(read(client, 150_000, 20))).toMatchObject({ code: 'STORAGE_BAD_REPLY' })
  })

  describe('nothing is exposed, of a file that the catalog does not know', () => {
    const small = ltxBytes({ min: 6, size: 1_000 })
    let client: ReplicaClient
    beforeEach(async () => {
      allow()
      client = await page()
      await client.listAll!()
      await store.writer('app').write(name(0, 6), small)
      store.server.requests.length = 0
    })

    const open = async (offset: number, size: number) => readAll((await client.open(name(0, 6), { offset, size }))!)
    const asked = () => store.server.requests.map(({ headers }) => headers.range)

    test('a range of the length that was asked for is one request', async () => {
      expect(await open(10, 20)).toEqual(small.subarray(10, 30))
      expect(asked()).toEqual(['bytes=10-29'])
    })

    test('its end is where the server has nothing more, which is one request more', async () => {
      expect(await open(990, 20)).toEqual(small.subarray(990))
      expect(await open(0, 0)).toEqual(small)
      expect(asked()).toEqual(['bytes=990-1009', 'bytes=1000-1000', 'bytes=0-', 'bytes=1000-1000'])
    })

    test('a reply cut short is not taken for the end: the header to expose is named', async () => {
      store.server.misbehave((reply) => ({
        status: reply.status,
        headers: { 'access-control-allow-origin': origin },
        body: reply.body.subarray(0, 500),
      }))
      for (const size of [0, 600]) {
        const error = await failure(open(0, size))
        expect(error).toMatchObject({ code: 'STORAGE_BAD_RANGE_REPLY', retryable: false })
        expect(error.message).toMatch(/docs\/cors\.md\): Access-Control-Expose-Headers: Content-Range, ETag/)
      }
    })

    test('nor where the server does not answer that it has no more', async () => {
      store.server.misbehave((reply) => {
        const { 'content-range': _, ...headers } = reply.headers
        const allowed = reply.status === 416 ? {} : { 'access-control-allow-origin': origin }
        return { ...reply, headers: { ...headers, ...allowed } }
      })
      expect((await failure(open(0, 0))).message).toMatch(/Access-Control-Expose-Headers/)
    })
  })

  test('with the rules of docs/cors.md it is as it is elsewhere', async () => {
    allow({ 'access-control-expose-headers': 'Content-Range, Content-Encoding, ETag' })
    const client = await page()
    await client.listAll!()
    await client.listAll!()
    expect(store.server.requests.at(-1)!.headers['if-none-match']).toBeDefined()
    await store.writer('app').write(name(0, 6), ltxBytes({ min: 6, size: 1_000 }))
    expect(await readAll((await client.open(name(0, 6)))!)).toEqual(ltxBytes({ min: 6, size: 1_000 }))
  })

  test('a missing file whose 404 lacks the headers looks like no answer: the message says so', async () => {
    allow()
    const client = await page()
    await client.listAll!()
    const error = await failure(client.open(name(0, 7)))
    expect(error).toMatchObject({ code: 'STORAGE_UNREACHABLE' })
    expect(error.message).toMatch(/perhaps a plain "not found", lacks the CORS headers/)
  })
})

test.each([
  ['ftp://h/p', 'STORAGE_BAD_URL'],
  ['https://user:hunter2@h/p', 'STORAGE_BAD_URL'],
  ['https://h/100%', 'STORAGE_BAD_URL'],
  ['file:///p', 'STORAGE_UNSUPPORTED_SCHEME'],
  ['sftp://me:hunter2@h/p', 'STORAGE_UNSUPPORTED_SCHEME'],
])('%s cannot be opened', async (url, code) => {
  expect(await failure(openWebReplica(url))).toMatchObject({ code, retryable: false })
})

test('a catalog tells the timestamps of the files themselves', async () => {
  expect((await (await replica()).listAll!()).map(({ createdAt }) => createdAt)).toEqual([TIMESTAMP, TIMESTAMP])
})
