import type { ServerResponse } from 'node:http'
import { RestError } from '@azure/storage-blob'
import { afterEach, describe, expect, test } from 'vitest'
import { absError, isNoBlob } from '../../storage/abs/abs-error.ts'
import { AbsReplica, type AbsReplicaOptions } from '../../storage/abs/index.ts'
import { checkAbsOptions, credentialsOf } from '../../storage/abs/settings.ts'
import { openReplica, readAll, withCounting } from '../../storage/node.ts'
import { type ScriptedRequest, type ScriptedServer, startScriptedHttp } from '../servers/scripted-http.ts'
import { failureOf } from '../support/failure-of.ts'
import { listAll, ltxBytes, name, PULL, pulled, ranges, streamOf } from './ltx-bytes.ts'

let server: ScriptedServer | undefined

afterEach(async () => {
  await server?.close()
  server = undefined
})

const accountName = 'account'
const accountKey = Buffer.from('hunter2').toString('base64')

async function serve(
  answer: (request: ScriptedRequest, response: ServerResponse) => void,
  options: Partial<AbsReplicaOptions> = {},
): Promise<AbsReplica> {
  server = await startScriptedHttp(answer)
  const base = { bucket: 'c', path: 'app', endpoint: server.endpoint, accountName, accountKey }
  return new AbsReplica({ ...base, retry: { attempts: 3, baseMs: 1 }, ...options })
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml', 'x-ms-error-code': code })
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code} it is</Message></Error>`)
}

const stored = (response: ServerResponse): void => void response.writeHead(201, { etag: '"0x1"' }).end()
const body = ltxBytes({ min: 1, size: 1000 })

/** A page of a listing. */
function page(response: ServerResponse, names: readonly string[], marker = ''): void {
  const blobs = names.map(
    (blob) =>
      `<Blob><Name>${blob}</Name><Properties><Creation-Time>Thu, 01 Jan 2026 00:00:00 GMT</Creation-Time>` +
      '<Last-Modified>Fri, 02 Jan 2026 00:00:00 GMT</Last-Modified><Content-Length>1</Content-Length></Properties></Blob>',
  )
  response.writeHead(200, { 'content-type': 'application/xml' })
  response.end(
    `<?xml version="1.0"?><EnumerationResults><Blobs>${blobs.join('')}</Blobs><NextMarker>${marker}</NextMarker></EnumerationResults>`,
  )
}

describe('settings', () => {
  const base = { bucket: 'c', path: 'app', accountName }

  test('whose credentials count: SAS token, account key, default chain (facts 2.7)', () => {
    expect(credentialsOf({ ...base, sasToken: '?sv=1&sig=x', accountKey })).toEqual({
      kind: 'sas',
      token: 'sv=1&sig=x',
    })
    expect(credentialsOf({ ...base, accountKey })).toEqual({ kind: 'key', accountName, accountKey })
    expect(credentialsOf(base)).toEqual({ kind: 'chain' })
    expect(credentialsOf({ ...base, accountKey: '', sasToken: '' })).toEqual({ kind: 'chain' })
  })

  test('the environment fills in what a URL cannot say; a SAS token from there wins over a key', async () => {
    server = await startScriptedHttp((_, response) => page(response, []))
    const { openAbs } = await import('../../storage/abs/open.ts')
    const settings = { type: 'abs', bucket: 'c', path: 'app', accountName, endpoint: server.endpoint } as const
    const key = { LITESTREAM_AZURE_ACCOUNT_KEY: accountKey }
    const sas = { LITESTREAM_AZURE_SAS_TOKEN: '?sv=1&sig=from-env' }
    await listAll(openAbs(settings, { env: key }), 0)
    await listAll(openAbs(settings, { env: { ...key, ...sas } }), 0)
    await listAll(openAbs({ ...settings, accountKey }, { env: sas }), 0)
    await listAll(openAbs({ ...settings, sasToken: 'sv=1&sig=own' }, { env: { ...key, ...sas } }), 0)
    const seen = server.requests.map(({ url, headers }) => [
      new URLSearchParams(url.split('?')[1]).get('sig'),
      headers.authorization?.split(' ')[0],
    ])
    expect(seen).toEqual([
      [null, 'SharedKey'],
      ['from-env', undefined],
      ['from-env', undefined],
      ['own', undefined],
    ])
  })

  test('URLs', async () => {
    const client = await openReplica('abs://account@container/deep/app', { env: {} })
    expect(client).toBeInstanceOf(AbsReplica)
    expect(client.url).toBe('abs://account@container/deep/app')
    const error = await failureOf(openReplica('abs://container/app', { env: {} }))
    expect(error).toMatchObject({ code: 'STORAGE_BAD_OPTION' })
    expect(error.message).toContain('write abs://account@container/path')
  })

  test('defaults, paths and what is refused', () => {
    expect(checkAbsOptions(base)).toMatchObject({
      endpoint: 'https://account.blob.core.windows.net',
      blockSize: 8 << 20,
    })
    expect(checkAbsOptions({ ...base, path: '.', accountKey, endpoint: 'http://h:1/account/' })).toMatchObject({
      endpoint: 'http://h:1/account',
      path: '',
    })
    for (const bad of [
      { bucket: '' },
      { blockSize: 0 },
      { endpoint: 'localhost:1' },
      { endpoint: 'http://no-credentials-but-the-chain' },
      { endpoint: 'https://user:hunter2@host' },
      { endpoint: 'https://host/?sig=hunter2' },
      { accountKey: 'hunter2: not base64!' },
    ]) {
      const options = { ...base, ...bad }
      expect(() => checkAbsOptions(options)).toThrow(expect.objectContaining({ code: 'STORAGE_BAD_OPTION' }))
      expect(() => checkAbsOptions(options)).not.toThrow(/hunter2/)
    }
  })

  test('without a path the files are where Litestream has them (facts 2.1)', async () => {
    for (const path of ['', '.']) {
      const client = await serve((_, response) => page(response, []), { path })
      await listAll(client, 9)
      await client.deleteAll()
      const prefixes = server!.requests.map(({ url }) => new URLSearchParams(url.split('?')[1]).get('prefix'))
      expect(prefixes).toEqual(['ltx/9/', 'ltx/', 'generations/', 'litetap/', 'lock.json'])
      await server!.close()
    }
  })
})

describe('errors', () => {
  const context = { what: 'read abs://c/k', key: 'k', bucket: 'c', endpoint: 'https://h' }
  const refusal = (statusCode: number, errorCode = ''): RestError => {
    const error = new RestError('so it is\nRequestId:1', { statusCode })
    error.details = { errorCode }
    return error
  }
  const named = (name: string): Error => Object.assign(new Error('no'), { name })

  test.each([
    [refusal(401), 'STORAGE_BAD_CREDENTIALS', false],
    [refusal(403, 'AuthenticationFailed'), 'STORAGE_BAD_CREDENTIALS', false],
    [refusal(403, 'AuthorizationPermissionMismatch'), 'STORAGE_ACCESS_DENIED', false],
    [refusal(403), 'STORAGE_ACCESS_DENIED', false],
    [refusal(404, 'ContainerNotFound'), 'STORAGE_NO_BUCKET', false],
    [refusal(408), 'STORAGE_TIMEOUT', true],
    [refusal(409, 'BlobAlreadyExists'), 'STORAGE_PRECONDITION_FAILED', false],
    [refusal(409, 'LeaseIdMissing'), 'STORAGE_REFUSED', false],
    [refusal(412, 'ConditionNotMet'), 'STORAGE_PRECONDITION_FAILED', false],
    [refusal(429), 'STORAGE_THROTTLED', true],
    [refusal(400, 'InvalidHeaderValue'), 'STORAGE_REFUSED', false],
    [refusal(500, 'InternalError'), 'STORAGE_SERVER_ERROR', true],
    [refusal(500, 'OperationTimedOut'), 'STORAGE_TIMEOUT', true],
    [refusal(502), 'STORAGE_SERVER_ERROR', true],
    [refusal(503, 'ServerBusy'), 'STORAGE_THROTTLED', true],
    [refusal(504), 'STORAGE_SERVER_ERROR', true],
    [new RestError('connect', { code: 'ECONNREFUSED' }), 'STORAGE_UNREACHABLE', true],
    [new RestError('read', { code: 'ECONNRESET' }), 'STORAGE_UNREACHABLE', true],
    [new RestError('socket hang up', { code: 'REQUEST_SEND_ERROR' }), 'STORAGE_UNREACHABLE', true],
    [new RestError('self-signed', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'STORAGE_TLS', false],
    [named('CredentialUnavailableError'), 'STORAGE_NO_CREDENTIALS', false],
    [named('AggregateAuthenticationError'), 'STORAGE_NO_CREDENTIALS', false],
    [named('AuthenticationError'), 'STORAGE_BAD_CREDENTIALS', false],
    [new RangeError('no ETag'), 'STORAGE_BAD_REPLY', false],
  ])('%s', (error, code, retryable) => {
    const made = absError(error, context)
    expect(made).toMatchObject({ code, retryable, cause: error, at: { bucket: 'c', key: 'k' } })
    expect(made.message).toMatch(/^Cannot read abs:\/\/c\/k: [^\n{]+$/)
  })

  test('which of them mean that there is no such blob', () => {
    const is = (error: RestError): boolean => isNoBlob(absError(error, context))
    expect([refusal(404, 'BlobNotFound'), refusal(404)].map(is)).toEqual([true, true])
    expect([refusal(404, 'ContainerNotFound'), refusal(403), refusal(412)].map(is)).toEqual([false, false, false])
  })
})

describe('listings', () => {
  const [one, two] = ['0000000000000001-0000000000000001.ltx', '0000000000000002-0000000000000002.ltx'] as const

  test('that go on with the same marker are an error, not a loop', async () => {
    const client = await serve((_, response) => page(response, [], 'again'))
    expect(await failureOf(listAll(client, 0))).toMatchObject({ code: 'STORAGE_BAD_REPLY', retryable: false })
    expect(server!.requests).toHaveLength(2)
  })

  test('are filtered by the seek, which is in no prefix; without metadata the creation counts', async () => {
    const client = await serve((_, response) => page(response, [`app/ltx/0/${one}`, `app/ltx/0/${two}`]))
    const listed = await listAll(client, 0, 2n)
    expect(ranges(listed)).toEqual(['2-2'])
    expect(listed[0]!.createdAt).toBe(Date.parse('2026-01-01T00:00:00Z'))
    const query = new URLSearchParams(server!.requests[0]!.url.split('?')[1])
    expect(query.get('prefix')).toBe('app/ltx/0/')
    expect(query.get('include')).toBe('metadata')
  })

  test('out of order are an error', async () => {
    const client = await serve((_, response) => page(response, [`app/ltx/0/${two}`, `app/ltx/0/${one}`]))
    expect((await failureOf(listAll(client, 0))).message).toContain('does not list in ascending order')
  })
})

describe('faults', () => {
  test.each([
    [429, 'TooManyRequests'],
    [503, 'ServerBusy'],
    [500, 'InternalError'],
    [502, ''],
    [504, ''],
    [408, ''],
  ])('%i %s is tried again (facts 2.7)', async (status, code) => {
    const client = await serve((_, response) => {
      if (server!.requests.length === 1) refuse(response, status, code)
      else stored(response)
    })
    const { client: counted, counts } = withCounting(client)
    await counted.write(name(0, 1), body, { exclusive: true })
    expect(server!.requests).toHaveLength(2)
    expect(counts.requests.put).toBe(2)
    for (const request of server!.requests) {
      expect(request.headers).toMatchObject({
        'if-none-match': '*',
        'x-ms-meta-litestreamtimestamp': '2026-01-02T03:04:05.678Z',
        'x-ms-access-tier': 'Hot',
        'content-length': '1000',
      })
      expect(request.body.equals(body)).toBe(true)
    }
  })

  test('but not for ever, and what is refused only once', async () => {
    const slow = await serve((_, response) => refuse(response, 503, 'ServerBusy'))
    expect(await failureOf(slow.open(name(0, 1)))).toMatchObject({ code: 'STORAGE_THROTTLED', retryable: true })
    expect(server!.requests).toHaveLength(3)
    await server!.close()
    const denied = await serve((_, response) => refuse(response, 403, 'AuthorizationFailure'))
    expect(await failureOf(denied.open(name(0, 1)))).toMatchObject({
      code: 'STORAGE_ACCESS_DENIED',
      at: { status: 403 },
    })
    expect(server!.requests).toHaveLength(1)
  })

  test('a blob that is not there is undefined, a container that is not there an error', async () => {
    const none = await serve((_, response) => refuse(response, 404, 'BlobNotFound'))
    expect(await none.open(name(0, 1))).toBeUndefined()
    await none.delete([name(0, 1)])
    await server!.close()
    const client = await serve((_, response) => refuse(response, 404, 'ContainerNotFound'))
    for (const call of [client.open(name(0, 1)), listAll(client, 0), client.delete([name(0, 1)])]) {
      expect(await failureOf(call)).toMatchObject({ code: 'STORAGE_NO_BUCKET' })
    }
  })

  test('a write whose answer is lost is sent again and meets its own object', async () => {
    const client = await serve((_, response) => {
      if (server!.requests.length === 1) response.destroy()
      else refuse(response, 409, 'BlobAlreadyExists')
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
})

describe('reading', () => {
  const etag = { etag: '"0x1"', 'last-modified': 'Fri, 02 Jan 2026 00:00:00 GMT' }

  test('a server that ignores Range is sliced', async () => {
    const client = await serve((_, response) => response.writeHead(200, { 'content-length': 1000, ...etag }).end(body))
    for (const [offset, size] of [
      [0, 0],
      [100, 0],
      [100, 50],
      [990, 100],
    ] as const) {
      const read = await readAll((await client.open(name(0, 1), { offset, size }))!)
      expect(read).toEqual(body.slice(offset, size > 0 ? offset + size : undefined))
    }
    const sent = server!.requests.map(({ headers }) => headers['x-ms-range'])
    expect(sent).toEqual([undefined, 'bytes=100-', 'bytes=100-149', 'bytes=990-1089'])
  })

  test.each([
    ['another range', { 'content-range': 'bytes 5-14/1000' }, 'STORAGE_BAD_RANGE_REPLY'],
    ['no range', {}, 'STORAGE_BAD_RANGE_REPLY'],
    ['gzip', { 'content-range': 'bytes 0-9/1000', 'content-encoding': 'gzip' }, 'STORAGE_BAD_REPLY'],
  ])('206 with %s is refused', async (_, headers, code) => {
    const client = await serve((_, response) =>
      response.writeHead(206, { ...headers, ...etag, 'content-length': 10 } as never).end(body.subarray(0, 10)),
    )
    expect(await failureOf(client.open(name(0, 1), { size: 10 }))).toMatchObject({ code })
  })

  test('a body that is cut, or reset, is a short read', async () => {
    for (const cut of [
      (response: ServerResponse) => response.destroy(),
      (response: ServerResponse) => response.socket!.resetAndDestroy(),
    ]) {
      const client = await serve((_, response) => {
        response.writeHead(206, { 'content-range': 'bytes 0-999/1000', 'content-length': 1000, ...etag })
        response.write(body.subarray(0, 400), () => setTimeout(() => cut(response), 50))
      })
      const error = await failureOf(readAll((await client.open(name(0, 1), { size: 1000 }))!))
      expect(error).toMatchObject({ code: 'STORAGE_SHORT_READ', retryable: true })
      await server!.close()
    }
  })

  test('what is no such server is named', async () => {
    const client = await serve((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'))
    const error = await failureOf(listAll(client, 0))
    expect(error).toMatchObject({ code: 'STORAGE_BAD_REPLY', retryable: false })
  })
})

describe('a large file', () => {
  const blockSize = 100_000
  const large = ltxBytes({ min: 1, size: 2 * blockSize + 1000 })
  const query = (request: ScriptedRequest, field: string): string | null =>
    new URLSearchParams(request.url.split('?')[1]).get(field)

  test('goes in blocks of its own, again where one is lost, and is there only at the end', async () => {
    let lost = false
    const client = await serve(
      (request, response) => {
        if (query(request, 'comp') === 'block' && server!.requests.length === 2 && !lost) {
          lost = true
          response.destroy()
        } else stored(response)
      },
      { blockSize },
    )
    const written = client.write(name(0, 1), streamOf(large, 30_011), { exclusive: true })
    expect(await written).toMatchObject({ size: large.length })
    const blocks = server!.requests.filter((request) => query(request, 'comp') === 'block')
    const last = server!.requests.at(-1)!
    expect(blocks).toHaveLength(4) // one of them twice
    const arrived = new Map(blocks.map((request) => [query(request, 'blockid')!, request.body]))
    expect(Buffer.concat([...arrived.values()]).equals(large)).toBe(true)
    expect(query(last, 'comp')).toBe('blocklist')
    expect([...last.body.toString().matchAll(/<Latest>([^<]*)</g)].map(([, id]) => id)).toEqual([...arrived.keys()])
    expect(last.headers).toMatchObject({
      'if-none-match': '*',
      'x-ms-meta-litestreamtimestamp': '2026-01-02T03:04:05.678Z',
      'x-ms-access-tier': 'Hot',
    })
  })

  test('is taken from its source no faster than it goes out: two blocks at most are in memory', async () => {
    let arrived = 0
    let ahead = 0
    const client = await serve(
      (request, response) => {
        if (query(request, 'comp') === 'block') arrived += request.body.length
        stored(response)
      },
      { blockSize },
    )
    const body = pulled(3_000_000, (taken) => {
      ahead = Math.max(ahead, taken - arrived)
    })
    await client.write(name(0, 1), body)
    expect(arrived).toBe(3_000_000)
    expect(ahead).toBeLessThanOrEqual(2 * blockSize + PULL)
  })

  test('is tried longer than what can be tried again above', async () => {
    const arrived: Buffer[] = []
    let refused = 0
    const client = await serve(
      (request, response) => {
        if (refused++ < 8) return refuse(response, 503, 'ServerBusy')
        if (query(request, 'comp') === 'block') arrived.push(request.body)
        stored(response)
      },
      { blockSize, retry: { baseMs: 1, maxMs: 2 } },
    )
    await client.write(name(0, 1), streamOf(large, 30_011))
    expect(Buffer.concat(arrived).equals(large)).toBe(true)
    await server!.close()
    const slow = await serve((_, response) => refuse(response, 503, 'ServerBusy'), { retry: { baseMs: 1, maxMs: 2 } })
    await failureOf(slow.write(name(0, 1), body))
    expect(server!.requests).toHaveLength(4)
  })

  test('that is aborted is never committed', async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    const client = await serve(
      (_, response) => {
        if (server!.requests.length === 2) stop.abort(reason)
        stored(response)
      },
      { blockSize },
    )
    const write = client.write(name(0, 1), streamOf(large, 30_011), { signal: stop.signal })
    await expect(write).rejects.toBe(reason)
    expect(server!.requests.map((request) => query(request, 'comp'))).not.toContain('blocklist')
  })
})
