import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { readAll } from '../../storage/index.ts'
import type { S3Replica, S3ReplicaOptions } from '../../storage/s3/index.ts'
import { type ScriptedRequest, s3ErrorReply } from '../servers/scripted-http.ts'
import { name } from './ltx-bytes.ts'
import { ScriptedS3 } from './scripted-s3.ts'

const OBJECT = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251))

const s3 = new ScriptedS3()
const serve = s3.serve.bind(s3)

/** As the SDK's own chain gives them: anew when they expire. */
function provided(provider: () => Promise<object>): NonNullable<S3ReplicaOptions['credentials']> {
  return provider as never
}

/** As S3 answers. */
function give(request: ScriptedRequest, response: ServerResponse): void {
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')!
  const bytes = OBJECT.subarray(Number(start), Number(end) + 1)
  const contentRange = `bytes ${start}-${end}/${OBJECT.length}`
  response.writeHead(206, { 'content-range': contentRange, 'content-length': bytes.length }).end(bytes)
}

async function read(client: S3Replica, txid: number, offset = 10): Promise<Buffer | undefined> {
  const stream = await client.open(name(0, txid), { offset, size: 20 })
  return stream && Buffer.from(await readAll(stream))
}

/** Who sent the requests: the SDK counts its attempts in a header. */
function senders(): string[] {
  return s3.requests.map(({ headers }) => (headers['amz-sdk-request'] ? 'SDK' : 'short'))
}

describe('the first GET is learned from, the others go the short way', () => {
  test('to the same place, each with its own range and signature', async () => {
    const client = await serve(give)
    for (const offset of [0, 100, 200])
      expect(await read(client, 1, offset)).toEqual(OBJECT.subarray(offset, offset + 20))
    await read(client, 2)
    expect(senders()).toEqual(['SDK', 'short', 'short', 'short'])
    const [first, second, third, other] = s3.requests
    expect(second!.url).toBe(first!.url)
    expect(other!.url).toBe(
      first!.url.replace(/\/0{15}1-0{15}1\./, `/${'2'.padStart(16, '0')}-${'2'.padStart(16, '0')}.`),
    )
    expect(second!.headers.range).toBe('bytes=100-119')
    expect(second!.headers['user-agent']).toBe(first!.headers['user-agent'])
    const signatures = [first, second, third].map((request) => request!.headers.authorization)
    expect(new Set(signatures).size).toBe(3)
    expect(signatures[1]).toMatch(
      /^AWS4-HMAC-SHA256 Credential=id\/\d{8}\/us-east-1\/s3\/aws4_request, SignedHeaders=.*range/,
    )
  })

  test('those that come while it is being sent need not wait for its answer', async () => {
    const held: (() => void)[] = []
    const client = await serve((request, response) => {
      held.push(() => give(request, response))
      if (held.length === 5) for (const answer of held) answer()
    })
    const all = await Promise.all([0, 1, 2, 3, 4].map((i) => read(client, i + 1)))
    expect(all.every((bytes) => bytes?.length === 20)).toBe(true)
    expect(senders().sort()).toEqual(['SDK', 'short', 'short', 'short', 'short'])
  })

  test('and an abort ends their waiting for it', async () => {
    const told = Promise.withResolvers<object>()
    const credentials = provided(() => told.promise)
    const client = await serve(give, { credentials })
    const first = read(client, 1)
    const stop = new AbortController()
    const second = client.open(name(0, 2), { offset: 0, size: 20, signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(second).rejects.toThrow('enough')
    told.resolve({ accessKeyId: 'id', secretAccessKey: 'secret' })
    expect(await first).toHaveLength(20)
    expect(senders()).toEqual(['SDK'])
  })

  test('credentials that are others each time', async () => {
    let times = 0
    const credentials = provided(async () => {
      times++
      return {
        accessKeyId: `id${times}`,
        secretAccessKey: 'secret',
        sessionToken: `token${times}`,
        expiration: new Date(Date.now() + 1000),
      }
    })
    const client = await serve(give, { credentials })
    await read(client, 1)
    await read(client, 2)
    await read(client, 3)
    expect(senders()).toEqual(['SDK', 'short', 'short'])
    const tokens = s3.requests.map(({ headers }) => String(headers['x-amz-security-token']))
    expect(new Set(tokens).size).toBe(3)
    for (const [i, { headers }] of s3.requests.entries()) {
      expect(headers.authorization).toContain(`Credential=${tokens[i]!.replace('token', 'id')}/`)
    }
  })

  test('a path that needs escapes', async () => {
    const client = await serve(give, { path: 'möbel & co/a b' })
    await read(client, 1)
    await read(client, 2)
    expect(senders()).toEqual(['SDK', 'short'])
    expect(s3.requests[1]!.url).toMatch(/^\/b\/m%C3%B6bel%20%26%20co\/a%20b\/0000\//)
  })

  test("a customer's key is sent along", async () => {
    const sseCustomerKey = Buffer.alloc(32, 7).toString('base64')
    const client = await serve(give, { sseCustomerKey })
    await read(client, 1)
    await read(client, 2)
    const header = 'x-amz-server-side-encryption-customer-key'
    expect(senders()).toEqual(['SDK', 'short'])
    expect(s3.requests[1]!.headers[header]).toBe(sseCustomerKey)
    expect(s3.requests[1]!.headers[`${header}-md5`]).toBe(s3.requests[0]!.headers[`${header}-md5`])
  })

  test('with what debugging shows, all go by the SDK', async () => {
    const client = await serve(give, { debug: ['retries'] })
    await read(client, 1)
    await read(client, 2)
    expect(senders()).toEqual(['SDK', 'SDK'])
  })
})

describe('what is no plain success is the matter of the SDK', () => {
  /** A client that has learned; `answer` gets the requests after that. */
  async function learned(answer: (request: ScriptedRequest, response: ServerResponse) => void): Promise<S3Replica> {
    const client = await serve((request, response) => {
      if (s3.requests.length === 1) give(request, response)
      else answer(request, response)
    })
    await read(client, 1)
    return client
  }

  test('no such object: one request says so', async () => {
    const client = await learned((_, response) => s3ErrorReply(response, 404, 'NoSuchKey'))
    expect(await read(client, 2)).toBeUndefined()
    expect(await read(client, 3)).toBeUndefined()
    expect(senders()).toEqual(['SDK', 'short', 'short'])
  })

  test('nothing at that place of it', async () => {
    const client = await learned((_, response) => s3ErrorReply(response, 416, 'InvalidRange'))
    expect(await read(client, 2)).toEqual(Buffer.alloc(0))
    expect(senders()).toEqual(['SDK', 'short'])
  })

  test('no such bucket', async () => {
    const client = await learned((_, response) => s3ErrorReply(response, 404, 'NoSuchBucket'))
    await expect(read(client, 2)).rejects.toMatchObject({ code: 'STORAGE_NO_BUCKET' })
    expect(senders()).toEqual(['SDK', 'short', 'SDK'])
  })

  test.each([
    ['500', (response: ServerResponse) => s3ErrorReply(response, 500, 'InternalError')],
    ['503', (response: ServerResponse) => s3ErrorReply(response, 503, 'SlowDown')],
    ['an end of the connection', (response: ServerResponse) => void response.destroy()],
  ])('%s: tried again, and the short way is taken again', async (_, fail) => {
    const client = await learned((request, response) => {
      if (s3.requests.length === 2) fail(response)
      else give(request, response)
    })
    expect(await read(client, 2)).toHaveLength(20)
    expect(await read(client, 3)).toHaveLength(20)
    expect(senders()).toEqual(['SDK', 'short', 'SDK', 'short'])
  })

  test('refused: the error is the SDK’s, and what was learned is learned again', async () => {
    let refuse = true
    const client = await learned((request, response) => {
      if (refuse) s3ErrorReply(response, 403, 'AccessDenied')
      else give(request, response)
    })
    await expect(read(client, 2)).rejects.toMatchObject({ code: 'STORAGE_ACCESS_DENIED' })
    refuse = false
    await read(client, 3)
    await read(client, 4)
    expect(senders()).toEqual(['SDK', 'short', 'SDK', 'SDK', 'short'])
  })

  test('every attempt is told to observers, with bytes and failures', async () => {
    const client = await learned((request, response) => {
      if (s3.requests.length === 3) s3ErrorReply(response, 503, 'SlowDown')
      else give(request, response)
    })
    const seen: [bytes: number, error: string | undefined][] = []
    client.observe((verb) => {
      expect(verb).toBe('get')
      return ({ bytes, error }) => seen.push([bytes, (error as { code?: string } | undefined)?.code])
    })
    await read(client, 2)
    await read(client, 3)
    await expect
      .poll(() => seen)
      .toEqual([
        [20, undefined],
        [0, 'STORAGE_THROTTLED'],
        [20, undefined],
      ])
  })

  test('an abort ends it', async () => {
    const client = await learned(() => {})
    const stop = new AbortController()
    const reading = client.open(name(0, 2), { offset: 0, size: 20, signal: stop.signal })
    await expect.poll(() => s3.requests.length).toBe(2)
    stop.abort(new Error('enough'))
    await expect(reading).rejects.toThrow('enough')
  })

  test('and so does closing', async () => {
    const client = await learned(() => {})
    const reading = client.open(name(0, 2), { offset: 0, size: 20 })
    await expect.poll(() => s3.requests.length).toBe(2)
    await client.close()
    await expect(reading).rejects.toMatchObject({ code: 'STORAGE_CLOSED' })
  })
})
