import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { describe, expect, test, vi } from 'vitest'
import { readAll, type StorageError } from '../../storage/index.ts'
import { S3Replica } from '../../storage/s3/index.ts'
import { s3ErrorReply, startScriptedHttp } from '../servers/scripted-http.ts'
import { listAll, ltxBytes, name, ranges } from './ltx-bytes.ts'
import { ScriptedS3 } from './scripted-s3.ts'

const s3 = new ScriptedS3()
const serve = s3.serve.bind(s3)

const stored = (response: ServerResponse): void => void response.writeHead(200, { etag: '"e"' }).end()
const failure = (promise: Promise<unknown>): Promise<StorageError> =>
  promise.then(
    () => expect.fail('it succeeded'),
    (error) => error,
  )

describe('conditional PUT', () => {
  test.each([
    [501, 'NotImplemented'],
    [404, 'NoSuchKey'], // MinIO of 2023
    [400, 'InvalidArgument'],
  ])('%i %s: plain PUT, and no claim of exclusiveness any more', async (status, code) => {
    const client = await serve((request, response) => {
      if (request.headers['if-none-match']) s3ErrorReply(response, status, code)
      else stored(response)
    })
    expect(client.createsExclusively).toBe(true)
    await client.write(name(0, 1), ltxBytes({ min: 1 }), { exclusive: true })
    expect(client.createsExclusively).toBe(false)
    await client.write(name(0, 2), ltxBytes({ min: 2 }), { exclusive: true })
    expect(s3.requests.map(({ headers }) => headers['if-none-match'])).toEqual(['*', undefined, undefined])
    await expect(client.lease!.put(new Uint8Array([1]), undefined)).rejects.toMatchObject({
      code: 'STORAGE_NO_CONDITIONAL_WRITES',
    })
  })

  test.each([
    [400, 'BadDigest', 'STORAGE_REFUSED', 1],
    [404, 'NoSuchBucket', 'STORAGE_NO_BUCKET', 1],
    [412, 'PreconditionFailed', 'STORAGE_PRECONDITION_FAILED', 1],
    // Fails without the condition too, so the condition is not to blame.
    [400, 'InvalidArgument', 'STORAGE_REFUSED', 2],
  ])('%i %s stays what it is', async (status, code, expected, requests) => {
    const client = await serve((_, response) => s3ErrorReply(response, status, code))
    const write = client.write(name(0, 1), ltxBytes({ min: 1 }), { exclusive: true })
    await expect(write).rejects.toMatchObject({ code: expected })
    expect(client.createsExclusively).toBe(true)
    expect(s3.requests).toHaveLength(requests)
  })
})

describe('retries (facts 2.4)', () => {
  test.each([
    [409, 'ConditionalRequestConflict'],
    [408, 'Whatever'],
    [400, 'RequestCanceled'],
    [503, 'SlowDown'],
    [500, 'InternalError'],
  ])('%i %s is tried again', async (status, code) => {
    const client = await serve((_, response) => {
      if (s3.requests.length === 1) s3ErrorReply(response, status, code)
      else stored(response)
    })
    await client.write(name(0, 1), ltxBytes({ min: 1 }), { exclusive: true })
    expect(s3.requests).toHaveLength(2)
    expect(s3.requests[1]!.body).toEqual(Buffer.from(ltxBytes({ min: 1 })))
  })

  test.each(['abort', 'close'])('an %s does not wait for the next attempt', { timeout: 10_000 }, async (how) => {
    const controller = new AbortController()
    const reason = new Error('enough')
    let answered: () => void = () => {}
    const refused = new Promise<void>((resolve) => {
      answered = resolve
    })
    const client = await serve((_, response) => {
      response.on('finish', answered).setHeader('retry-after', '20')
      s3ErrorReply(response, 503, 'SlowDown')
    })
    const outcome = failure(client.open(name(0, 1), { signal: controller.signal }))
    await refused
    await new Promise((resolve) => setTimeout(resolve, 50)) // until the client has read it
    if (how === 'abort') controller.abort(reason)
    else await client.close()
    expect(await outcome).toMatchObject(how === 'abort' ? { message: 'enough' } : { code: 'STORAGE_CLOSED' })
    expect(s3.requests).toHaveLength(1)
  })

  test('but not for ever', async () => {
    const client = await serve((_, response) => s3ErrorReply(response, 503, 'SlowDown'))
    expect(await failure(client.open(name(0, 1)))).toMatchObject({ code: 'STORAGE_THROTTLED', retryable: true })
    expect(s3.requests).toHaveLength(3)
  })

  test('a completed upload whose answer was lost is found', async () => {
    const body = ltxBytes({ min: 1, size: 6 * 1024 * 1024 })
    let completed = false
    const client = await serve((request, response) => {
      if (request.url.includes('uploads')) {
        response.end('<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>')
      } else if (request.method === 'HEAD') {
        const timestamp = { 'x-amz-meta-litestream-timestamp': '2026-01-02T03:04:05.678Z' }
        response.writeHead(200, { ...timestamp, 'content-length': body.length, etag: '"e"' }).end()
      } else if (request.method === 'POST') {
        s3ErrorReply(response, completed ? 404 : 500, completed ? 'NoSuchUpload' : 'InternalError')
        completed = true
      } else stored(response)
    })
    expect(await client.write(name(0, 1), body)).toMatchObject({ size: body.length })
  })
})

describe('listings', () => {
  const page = (names: readonly string[], more: string): string =>
    `<ListBucketResult>${names
      .map((key) => `<Contents><Key>app/0000/${key}</Key><Size>1</Size></Contents>`)
      .join('')}${more}</ListBucketResult>`
  const [one, two] = ['0000000000000001-0000000000000001.ltx', '0000000000000002-0000000000000002.ltx'] as const

  test.each([
    ['no token', '<IsTruncated>true</IsTruncated>'],
    ['the same token', '<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>'],
  ])('that go on with %s are an error, not a loop', async (_, more) => {
    const client = await serve((_, response) => response.end(page([], more)))
    expect(await failure(listAll(client, 0))).toMatchObject({ code: 'STORAGE_BAD_REPLY', retryable: false })
    expect(s3.requests.length).toBeLessThanOrEqual(2)
  })

  test('out of order are an error', async () => {
    const client = await serve((_, response) => response.end(page([two, one], '')))
    expect((await failure(listAll(client, 0))).message).toContain('does not list in ascending order')
  })

  test('ask for what comes after the seek', async () => {
    const client = await serve((_, response) => response.end(page([one, two], '')))
    expect(ranges(await listAll(client, 0, 2n))).toEqual(['2-2']) // from a server that ignores start-after
    const query = new URLSearchParams(s3.requests[0]!.url.split('?')[1])
    expect(query.get('start-after')).toBe('app/0000/0000000000000002')
    await listAll(client, 0, 1n)
    expect(s3.requests[1]!.url).not.toContain('start-after')
  })
})

describe('reading', () => {
  const body = ltxBytes({ min: 1, size: 1000 })

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
    expect(s3.requests.map(({ headers }) => headers.range)).toEqual([
      'bytes=0-',
      'bytes=100-',
      'bytes=100-149',
      'bytes=990-1089',
    ])
  })

  test.each([
    ['another range', { 'content-range': 'bytes 5-14/1000' }, 'STORAGE_BAD_RANGE_REPLY'],
    ['no range', {}, 'STORAGE_BAD_RANGE_REPLY'],
    ['gzip', { 'content-range': 'bytes 0-9/1000', 'content-encoding': 'gzip' }, 'STORAGE_BAD_REPLY'],
  ])('206 with %s is refused', async (_, headers, code) => {
    const client = await serve((_, response) => response.writeHead(206, headers as never).end(body.subarray(0, 10)))
    expect(await failure(client.open(name(0, 1), { size: 10 }))).toMatchObject({ code })
  })

  test('a body that ends early is a short read', async () => {
    const client = await serve((_, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-999/1000', 'content-length': 1000 })
      response.write(body.subarray(0, 400), () => response.destroy())
    })
    const stream = (await client.open(name(0, 1)))!
    expect(await failure(readAll(stream))).toMatchObject({ code: 'STORAGE_SHORT_READ', at: { offset: 400 } })
  })

  test('a chunked body that ends early is a short read, one that goes on is refused', async () => {
    for (const [length, code] of [
      [400, 'STORAGE_SHORT_READ'],
      [1001, 'STORAGE_BAD_RANGE_REPLY'],
    ] as const) {
      const bytes = Buffer.concat([body, body]).subarray(0, length)
      const client = await serve((_, response) => {
        response.writeHead(206, { 'content-range': 'bytes 0-999/1000' }).end(bytes)
      })
      const stream = (await client.open(name(0, 1)))!
      expect(await failure(readAll(stream))).toMatchObject({ code })
      await s3.server.close()
    }
  })

  test('what is no S3 server is named', async () => {
    const client = await serve((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'))
    const error = await failure(listAll(client, 0))
    expect(error).toMatchObject({ code: 'STORAGE_BAD_REPLY' })
    expect(error.message).toContain(`${s3.server.endpoint} did not answer like an S3 server`)
    expect(error.message.split('\n')).toHaveLength(1)
  })
})

describe('deleting', () => {
  test('tries every batch and then names the failures', async () => {
    const client = await serve((request, response) => {
      const keys = [...request.body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key)
      const error = (key = ''): string =>
        `<Error><Key>${key}</Key><Code>InternalError</Code><Message>no</Message></Error>`
      response.end(`<DeleteResult>${error(keys[0])}${error(keys[1])}${error(keys[2])}</DeleteResult>`)
    })
    const files = Array.from({ length: 1500 }, (_, index) => name(0, index + 1))
    const error = await failure(client.delete(files))
    expect(error).toMatchObject({ code: 'STORAGE_DELETE_FAILED', retryable: true })
    expect(error.message).toContain('Failed to delete 6 of 1500 files from bucket b: app/0000/0000000000000001')
    expect(error.message).toContain('; and 1 more')
    expect(s3.requests).toHaveLength(2)
  })
})

describe('headers', () => {
  const key = btoa('0123456789abcdef0123456789abcdef')

  test('of a PUT', async () => {
    const client = await serve((_, response) => stored(response), { storageClass: 'STANDARD_IA', sseKmsKeyId: 'kms' })
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    const { headers } = s3.requests[0]!
    expect(headers).toMatchObject({
      'content-length': '1000',
      'x-amz-meta-litestream-timestamp': '2026-01-02T03:04:05.678Z',
      'x-amz-storage-class': 'STANDARD_IA',
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'kms',
      'user-agent': expect.stringMatching(/^litetap /),
      'x-amz-content-sha256': expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    // Not understood by every server (facts 2.4).
    for (const absent of ['x-amz-trailer', 'expect', 'transfer-encoding', 'x-amz-sdk-checksum-algorithm']) {
      expect(headers).not.toHaveProperty(absent)
    }
  })

  test('with a customer key: on PUT, GET and HEAD', async () => {
    const client = await serve(
      (request, response) => {
        if (request.method === 'GET') s3ErrorReply(response, 404, 'NoSuchKey')
        else stored(response)
      },
      { sseCustomerKey: key },
    )
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    await client.open(name(0, 1))
    for (const { headers } of s3.requests) {
      expect(headers).toMatchObject({
        'x-amz-server-side-encryption-customer-algorithm': 'AES256',
        'x-amz-server-side-encryption-customer-key': key,
        'x-amz-server-side-encryption-customer-key-md5': createHash('md5').update(atob(key)).digest('base64'),
      })
    }
  })

  test('unsigned payload, Content-MD5 instead of CRC32', async () => {
    const client = await serve((_, response) => response.end('<DeleteResult/>'), { signPayload: false })
    await client.delete([name(0, 1)])
    const { headers } = s3.requests[0]!
    expect(headers['x-amz-content-sha256']).toBe('UNSIGNED-PAYLOAD')
    expect(headers['content-md5']).toMatch(/^[\w+/]{22}==$/)
    expect(headers).not.toHaveProperty('x-amz-checksum-crc32')
    await s3.server.close()
    const plain = await serve((_, response) => response.end('<DeleteResult/>'), { requireContentMD5: false })
    await plain.delete([name(0, 1)])
    expect(s3.requests[0]!.headers).not.toHaveProperty('content-md5')
  })

  test('an answer without ETag is an error', async () => {
    const client = await serve((_, response) => response.end())
    expect(await failure(client.write(name(0, 1), ltxBytes({ min: 1 })))).toMatchObject({ code: 'STORAGE_BAD_REPLY' })
  })
})

test('the lease works where If-Match must be quoted (RFC 9110)', async () => {
  let version = 1
  const client = await serve((request, response) => {
    const condition = request.headers['if-match']
    const etag = (): string => `"v${version}"`
    if (request.method === 'PUT' && condition !== undefined && condition !== etag()) {
      s3ErrorReply(response, 412, 'PreconditionFailed')
    } else {
      if (request.method === 'PUT') version += 1
      response.writeHead(200, { etag: etag() }).end()
    }
  })
  const body = new Uint8Array([1])
  expect(await client.lease!.put(body, 'v1')).toBe('v2')
  expect(await client.lease!.put(body, 'v2')).toBe('v3')
  expect(s3.requests.map(({ method }) => method)).toEqual(['PUT', 'HEAD', 'PUT', 'PUT'])
  await expect(client.lease!.put(body, 'v2')).rejects.toMatchObject({ code: 'STORAGE_PRECONDITION_FAILED' })
})

describe('options', () => {
  const secret = btoa('x'.repeat(32))
  test.each([
    [{ bucket: '' }, 'the bucket name is missing'],
    [{ partSize: 5 * 1024 * 1024 - 1 }, 'part size must be at least 5242880 bytes'],
    [{ concurrency: 0 }, 'concurrency must be at least 1'],
    [{ sseCustomerKey: secret, sseKmsKeyId: 'k' }, 'exclude each other'],
    [{ sseCustomerKey: secret, sseCustomerAlgorithm: 'DES' }, 'must be AES256'],
    [{ sseCustomerKey: '***' }, 'is not base64'],
    [{ sseCustomerKey: btoa('short') }, 'must be 32 bytes in base64, it has 5'],
    [{ sseCustomerKey: secret, endpoint: 'http://s3.example.com' }, 'needs an https endpoint'],
  ])('%j', (options, message) => {
    const make = (): S3Replica => new S3Replica({ bucket: 'b', ...options })
    expect(make).toThrow(message)
    expect(make).toThrow(expect.objectContaining({ code: 'STORAGE_BAD_OPTION' }))
    expect(make).not.toThrow(secret)
  })

  test.each(['http://localhost:9000', 'http://10.1.2.3', 'https://s3.example.com'])(
    'a customer key to %s',
    (endpoint) => {
      new S3Replica({ bucket: 'b', sseCustomerKey: secret, endpoint })
    },
  )
})

test('no credentials: says which variables to set', async () => {
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  for (const variable of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(variable, undefined)
  for (const variable of ['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE']) vi.stubEnv(variable, '/nonexistent')
  const server = await startScriptedHttp((_, response) => response.end())
  try {
    const client = new S3Replica({ bucket: 'b', endpoint: server.endpoint })
    const error = await failure(listAll(client, 0))
    expect(error).toMatchObject({ code: 'STORAGE_NO_CREDENTIALS', retryable: false })
    expect(error.message).toContain('set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
    expect(server.requests).toEqual([])
  } finally {
    vi.unstubAllEnvs()
    await server.close()
  }
})
