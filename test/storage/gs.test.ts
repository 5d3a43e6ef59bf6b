import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { defaultCredentials } from '../../storage/gs/default-credentials.ts'
import { GsRefusal, gsError } from '../../storage/gs/gs-error.ts'
import { GsReplica, type GsReplicaOptions } from '../../storage/gs/index.ts'
import { openGs } from '../../storage/gs/open.ts'
import { checkGsOptions } from '../../storage/gs/settings.ts'
import { openReplica, readAll, withCounting } from '../../storage/node.ts'
import { type ScriptedRequest, type ScriptedServer, startScriptedHttp } from '../servers/scripted-http.ts'
import { failureOf } from '../support/failure-of.ts'
import { tempDir } from '../support/temp-dir.ts'
import { listAll, ltxBytes, name, PULL, pulled, ranges, streamOf } from './ltx-bytes.ts'

let server: ScriptedServer | undefined

afterEach(async () => {
  await server?.close()
  server = undefined
})

async function serve(
  answer: (request: ScriptedRequest, response: ServerResponse) => void,
  options: Partial<GsReplicaOptions> = {},
): Promise<GsReplica> {
  server = await startScriptedHttp(answer)
  return new GsReplica({
    bucket: 'b',
    path: 'app',
    endpoint: server.endpoint,
    retry: { attempts: 3, baseMs: 1 },
    ...options,
  })
}

function json(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

function refuse(response: ServerResponse, status: number, reason: string, message = `${reason} it is`): void {
  json(response, status, { error: { code: status, message, errors: [{ reason, message }] } })
}

const stored = (response: ServerResponse, size: number): void =>
  json(response, 200, { size: `${size}`, generation: '7' })
const body = ltxBytes({ min: 1, size: 1000 })

describe('settings', () => {
  test('defaults, paths and what is refused', () => {
    const base = { bucket: 'b', path: 'app' }
    expect(checkGsOptions(base)).toMatchObject({ endpoint: 'https://storage.googleapis.com', partSize: 8 << 20 })
    expect(checkGsOptions({ ...base, path: '.' }).path).toBe('')
    for (const bad of [
      { bucket: '' },
      { partSize: 1000 },
      { endpoint: 'localhost:1' },
      { endpoint: 'https://user:hunter2@host' },
    ]) {
      const options = { ...base, ...bad }
      expect(() => checkGsOptions(options)).toThrow(expect.objectContaining({ code: 'STORAGE_BAD_OPTION' }))
      expect(() => checkGsOptions(options)).not.toThrow(/hunter2/)
    }
  })

  test('a URL, and STORAGE_EMULATOR_HOST with and without a scheme; nobody is named over plain HTTP', async () => {
    server = await startScriptedHttp((_, response) => json(response, 200, {}))
    const host = server.endpoint.slice('http://'.length)
    for (const STORAGE_EMULATOR_HOST of [host, server.endpoint]) {
      const client = await openReplica('gs://b/deep/app', { env: { STORAGE_EMULATOR_HOST } })
      expect(client).toBeInstanceOf(GsReplica)
      expect(client.url).toBe('gs://b/deep/app')
      expect(await listAll(client, 0)).toEqual([])
    }
    expect(server.requests.map(({ url }) => url.split('?')[0])).toEqual(['/storage/v1/b/b/o', '/storage/v1/b/b/o'])
    expect(server.requests[0]!.headers.authorization).toBeUndefined()
    expect(new URLSearchParams(server.requests[0]!.url.split('?')[1]).get('prefix')).toBe('deep/app/ltx/0/')
  })

  test('without a path the files are where Litestream has them (facts 2.1)', async () => {
    for (const path of ['', '.']) {
      const client = await serve((_, response) => json(response, 200, {}), { path })
      await listAll(client, 9)
      await client.deleteAll()
      const prefixes = server!.requests.map(({ url }) => new URLSearchParams(url.split('?')[1]).get('prefix'))
      expect(prefixes).toEqual(['ltx/9/', 'ltx/', 'generations/', 'litetap/', 'lock.json'])
      await server!.close()
    }
  })

  test('application default credentials go with each request; a key file that is not there is told', async () => {
    // What Google's machines have: a server that knows who they are.
    const machine = await startScriptedHttp((_, response) =>
      json(response, 200, { access_token: 'ya29.x', expires_in: 3600 }, { 'metadata-flavor': 'Google' }),
    )
    onTestFinished(() => machine.close())
    onTestFinished(() => void vi.unstubAllEnvs())
    vi.stubEnv('HOME', tempDir())
    vi.stubEnv('GCE_METADATA_HOST', machine.endpoint.slice('http://'.length))
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', undefined)
    const client = await serve((_, response) => json(response, 200, {}), { authorize: defaultCredentials() })
    expect(await listAll(client, 0)).toEqual([])
    expect(await listAll(client, 1)).toEqual([])
    const sent = server!.requests.map(({ headers }) => headers.authorization)
    expect(sent).toEqual(['Bearer ya29.x', 'Bearer ya29.x'])

    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '/not/there.json')
    const error = await failureOf(listAll(openGs({ type: 'gs', bucket: 'b', path: 'app' }, { env: {} }), 0))
    expect(error).toMatchObject({ code: 'STORAGE_BAD_CREDENTIALS', retryable: false })
    expect(error.message).toContain('/not/there.json')
  })
})

describe('errors', () => {
  const context = { what: 'read gs://b/k', key: 'k', bucket: 'b', endpoint: 'https://h' }
  const refusal = (status: number, reason: string, message = 'so it is'): GsRefusal =>
    new GsRefusal(status, JSON.stringify({ error: { message, errors: [{ reason }] } }))
  const network = (code: string): TypeError =>
    new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) })

  test.each([
    [refusal(401, 'authError'), 'STORAGE_BAD_CREDENTIALS', false],
    [refusal(401, ''), 'STORAGE_BAD_CREDENTIALS', false],
    [refusal(403, 'forbidden'), 'STORAGE_ACCESS_DENIED', false],
    [refusal(403, 'rateLimitExceeded'), 'STORAGE_THROTTLED', true],
    [refusal(404, 'notFound', 'The specified bucket does not exist.'), 'STORAGE_NO_BUCKET', false],
    [refusal(408, ''), 'STORAGE_TIMEOUT', true],
    [refusal(412, 'conditionNotMet'), 'STORAGE_PRECONDITION_FAILED', false],
    [refusal(429, 'rateLimitExceeded'), 'STORAGE_THROTTLED', true],
    [refusal(400, 'invalid'), 'STORAGE_REFUSED', false],
    [refusal(500, 'internalError'), 'STORAGE_SERVER_ERROR', true],
    [refusal(502, ''), 'STORAGE_SERVER_ERROR', true],
    [new GsRefusal(503, 'Service Unavailable'), 'STORAGE_THROTTLED', true],
    [network('ECONNREFUSED'), 'STORAGE_UNREACHABLE', true],
    [network('ECONNRESET'), 'STORAGE_UNREACHABLE', true],
    [network('UND_ERR_SOCKET'), 'STORAGE_UNREACHABLE', true],
    [network('DEPTH_ZERO_SELF_SIGNED_CERT'), 'STORAGE_TLS', false],
    [new Error('Could not load the default credentials. Browse to ...'), 'STORAGE_NO_CREDENTIALS', false],
    [Object.assign(new Error('invalid_grant'), { status: 400 }), 'STORAGE_BAD_CREDENTIALS', false],
    [Object.assign(new Error('unavailable'), { status: 503 }), 'STORAGE_SERVER_ERROR', true],
    [new SyntaxError('Unexpected token <'), 'STORAGE_BAD_REPLY', false],
  ])('%s', (error, code, retryable) => {
    const made = gsError(error, context)
    expect(made).toMatchObject({ code, retryable, cause: error, at: { bucket: 'b', key: 'k' } })
    expect(made.message).toMatch(/^Cannot read gs:\/\/b\/k: [^\n{]+$/)
  })
})

describe('listings', () => {
  const item = (min: number): object => {
    const hex = min.toString(16).padStart(16, '0')
    return { name: `app/ltx/0/${hex}-${hex}.ltx`, size: '1', timeCreated: '2026-01-01T00:00:00Z' }
  }

  test('that go on with the same token are an error, not a loop', async () => {
    const client = await serve((_, response) => json(response, 200, { items: [], nextPageToken: 't' }))
    expect(await failureOf(listAll(client, 0))).toMatchObject({ code: 'STORAGE_BAD_REPLY', retryable: false })
    expect(server!.requests).toHaveLength(2)
  })

  test('begin at the seek, and are filtered by it; files without metadata have the time of their creation', async () => {
    const client = await serve((_, response) => json(response, 200, { items: [item(1), item(2), item(16)] }))
    const listed = await listAll(client, 0, 2n)
    expect(ranges(listed)).toEqual(['2-2', '16-16'])
    expect(listed[0]!.createdAt).toBe(Date.parse('2026-01-01T00:00:00Z'))
    const query = new URLSearchParams(server!.requests[0]!.url.split('?')[1])
    expect(query.get('prefix')).toBe('app/ltx/0/')
    expect(query.get('startOffset')).toBe('app/ltx/0/0000000000000002')
  })

  test('of a bucket that is not there', async () => {
    const client = await serve((_, response) =>
      refuse(response, 404, 'notFound', 'The specified bucket does not exist.'),
    )
    for (const call of [listAll(client, 0), client.open(name(0, 1))]) {
      expect(await failureOf(call)).toMatchObject({ code: 'STORAGE_NO_BUCKET' })
    }
    expect(server!.requests).toHaveLength(2)
  })
})

describe('faults', () => {
  test.each([
    [429, 'rateLimitExceeded'],
    [503, 'backendError'],
    [500, 'internalError'],
    [408, ''],
  ])('%i %s is tried again', async (status, reason) => {
    const client = await serve((_, response) => {
      if (server!.requests.length === 1) refuse(response, status, reason)
      else stored(response, 1000)
    })
    const { client: counted, counts } = withCounting(client)
    await counted.write(name(0, 1), body, { exclusive: true })
    expect(server!.requests).toHaveLength(2)
    expect(counts.requests.put).toBe(2)
    for (const request of server!.requests) {
      expect(request.url).toContain('ifGenerationMatch=0')
      expect(request.body.includes(body)).toBe(true)
      expect(request.body.toString()).toContain('{"litestream-timestamp":"2026-01-02T03:04:05.678Z"}')
    }
  })

  test('but not for ever, and what is refused only once', async () => {
    const slow = await serve((_, response) => refuse(response, 429, 'rateLimitExceeded'))
    expect(await failureOf(slow.open(name(0, 1)))).toMatchObject({ code: 'STORAGE_THROTTLED', retryable: true })
    expect(server!.requests).toHaveLength(3)
    await server!.close()
    const denied = await serve((_, response) => refuse(response, 403, 'forbidden'))
    expect(await failureOf(denied.open(name(0, 1)))).toMatchObject({
      code: 'STORAGE_ACCESS_DENIED',
      at: { status: 403 },
    })
    expect(server!.requests).toHaveLength(1)
  })

  test('a write whose answer is lost is sent again and meets its own object', async () => {
    const client = await serve((_, response) => {
      if (server!.requests.length === 1) response.destroy()
      else refuse(response, 412, 'conditionNotMet')
    })
    const write = client.write(name(0, 1), body, { exclusive: true })
    expect(await failureOf(write)).toMatchObject({ code: 'STORAGE_PRECONDITION_FAILED' })
    expect(server!.requests).toHaveLength(2)
  })

  test("a lease's write is sent once", async () => {
    const client = await serve((_, response) => response.destroy())
    expect(await failureOf(client.lease.put(body, undefined))).toMatchObject({ code: 'STORAGE_UNREACHABLE' })
    expect(server!.requests).toHaveLength(1)
  })

  test('a server that is silent is given up', async () => {
    const client = await serve(() => {}, { idleTimeoutMs: 30, retry: { attempts: 1 } })
    for (const call of [client.open(name(0, 1)), listAll(client, 0), client.write(name(0, 1), body)]) {
      expect(await failureOf(call)).toMatchObject({ code: 'STORAGE_TIMEOUT', retryable: true })
    }
  })

  test('an abort ends a request under way', async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    const client = await serve(() => stop.abort(reason))
    await expect(client.open(name(0, 1), { signal: stop.signal })).rejects.toBe(reason)
  })

  test('a stored size that differs is an error', async () => {
    const client = await serve((_, response) => stored(response, 999))
    expect(await failureOf(client.write(name(0, 1), body))).toMatchObject({ code: 'STORAGE_BAD_REPLY' })
  })
})

describe('reading', () => {
  test('a server that ignores Range is sliced', async () => {
    const client = await serve((_, response) => response.writeHead(200, { 'content-length': 1000 }).end(body))
    for (const [offset, size] of [
      [0, 0],
      [100, 0],
      [100, 50],
      [990, 100],
    ] as const) {
      const read = await readAll((await client.open(name(0, 1), { offset, size }))!)
      expect(read).toEqual(body.slice(offset, size > 0 ? offset + size : undefined))
    }
    const sent = server!.requests.map(({ headers }) => headers.range)
    expect(sent).toEqual(['bytes=0-', 'bytes=100-', 'bytes=100-149', 'bytes=990-1089'])
  })

  test.each([
    ['another range', { 'content-range': 'bytes 5-14/1000' }, 'STORAGE_BAD_RANGE_REPLY'],
    ['no range', {}, 'STORAGE_BAD_RANGE_REPLY'],
  ])('206 with %s is refused', async (_, headers, code) => {
    const client = await serve((_, response) => response.writeHead(206, headers as never).end(body.subarray(0, 10)))
    expect(await failureOf(client.open(name(0, 1), { size: 10 }))).toMatchObject({ code })
  })

  test('a body that is cut, or reset, is a short read', async () => {
    for (const cut of [
      (response: ServerResponse) => response.destroy(),
      (response: ServerResponse) => response.socket!.resetAndDestroy(),
    ]) {
      const client = await serve((_, response) => {
        response.writeHead(206, { 'content-range': 'bytes 0-999/1000', 'content-length': 1000 })
        response.write(body.subarray(0, 400), () => setTimeout(() => cut(response), 50))
      })
      const error = await failureOf(readAll((await client.open(name(0, 1)))!))
      expect(error).toMatchObject({ code: 'STORAGE_SHORT_READ', retryable: true })
      await server!.close()
    }
  })

  test('what is no such server is named', async () => {
    const client = await serve((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'))
    const error = await failureOf(listAll(client, 0))
    expect(error).toMatchObject({ code: 'STORAGE_BAD_REPLY' })
    expect(error.message).toContain(`${server!.endpoint} did not answer like Google`)
  })
})

describe('a large file', () => {
  const partSize = 256 * 1024
  const large = ltxBytes({ min: 1, size: 2 * partSize + 1000 })

  /** A server that keeps what it is sent, and may spoil its n-th part. */
  function session(spoil: (nth: number, bytes: Buffer, response: ServerResponse) => Buffer | undefined) {
    let kept = Buffer.alloc(0)
    let parts = 0
    const answer = (request: ScriptedRequest, response: ServerResponse): void => {
      if (request.method === 'POST') {
        return void response.writeHead(200, { location: `${server!.endpoint}/session?upload_id=1` }).end()
      }
      if (request.method === 'DELETE') return void response.writeHead(499).end()
      const [, from, total] = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(request.headers['content-range']!)!
      const isPart = from !== undefined
      const bytes = isPart ? spoil(parts++, request.body, response) : Buffer.alloc(0)
      if (isPart) expect(Number(from)).toBe(kept.length)
      kept = Buffer.concat([kept, bytes ?? request.body])
      if (response.destroyed || response.writableEnded) return
      if (kept.length === Number(total)) stored(response, kept.length)
      else response.writeHead(308, kept.length > 0 ? { range: `bytes=0-${kept.length - 1}` } : {}).end()
    }
    return { answer, kept: () => kept }
  }

  test.each<[string, (nth: number, bytes: Buffer, response: ServerResponse) => Buffer | undefined]>([
    ['arrives', (_, bytes) => bytes],
    ['whose part arrives in part', (nth, bytes) => (nth === 1 ? bytes.subarray(0, 1000) : bytes)],
    [
      'whose connection is lost after a part',
      (nth, bytes, response) => {
        if (nth === 1) response.destroy()
        return bytes
      },
    ],
    [
      'whose connection is lost before a part',
      (nth, bytes, response) => {
        if (nth !== 1) return bytes
        response.destroy()
        return Buffer.alloc(0)
      },
    ],
    [
      'whose last answer is lost',
      (nth, bytes, response) => {
        if (nth === 2) response.destroy()
        return bytes
      },
    ],
  ])('%s', async (_, spoil) => {
    const { answer, kept } = session(spoil)
    const client = await serve(answer, { partSize })
    expect(await client.write(name(0, 1), streamOf(large, 100_003))).toMatchObject({ size: large.length })
    expect(kept().equals(large)).toBe(true)
  })

  test('is taken from its source no faster than it goes out: two parts at most are in memory', async () => {
    let ahead = 0
    const { answer, kept } = session((_, bytes) => bytes)
    const client = await serve(answer, { partSize })
    const body = pulled(3_000_000, (taken) => {
      ahead = Math.max(ahead, taken - kept().length)
    })
    await client.write(name(0, 1), body)
    expect(kept()).toHaveLength(3_000_000)
    expect(ahead).toBeLessThanOrEqual(2 * partSize + PULL)
  })

  test('is tried longer than what can be tried again above', async () => {
    const { answer, kept } = session((_, bytes) => bytes)
    let refused = 0
    const spoiled = (request: ScriptedRequest, response: ServerResponse): void => {
      if (request.method === 'PUT' && refused++ < 8) refuse(response, 503, 'backendError')
      else answer(request, response)
    }
    const client = await serve(spoiled, { partSize, retry: { baseMs: 1, maxMs: 2 } })
    await client.write(name(0, 1), streamOf(large, 100_003))
    expect(kept().equals(large)).toBe(true)
    await server!.close()
    const slow = await serve((_, response) => refuse(response, 503, 'backendError'), { retry: { baseMs: 1, maxMs: 2 } })
    await failureOf(slow.write(name(0, 1), body))
    expect(server!.requests).toHaveLength(4)
  })

  test('that is aborted is cancelled at the server', async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    const { answer } = session((nth, bytes) => {
      if (nth === 1) stop.abort(reason)
      return bytes
    })
    const client = await serve(answer, { partSize })
    const write = client.write(name(0, 1), streamOf(large, 100_003), { signal: stop.signal })
    await expect(write).rejects.toBe(reason)
    expect(server!.requests.at(-1)).toMatchObject({ method: 'DELETE', url: '/session?upload_id=1' })
  })
})

test('deleting tries every file and then names the failures', async () => {
  const client = await serve((_, response) => refuse(response, 403, 'forbidden'))
  const files = Array.from({ length: 40 }, (_, index) => name(0, index + 1))
  const error = await failureOf(client.delete(files))
  expect(error).toMatchObject({ code: 'STORAGE_ACCESS_DENIED', retryable: false })
  expect(error.message).toContain('Failed to delete 40 of 40 files from bucket b: app/ltx/0/')
  expect(error.message).toContain('; and 35 more')
  expect(server!.requests).toHaveLength(40)
})
