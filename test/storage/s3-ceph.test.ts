import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { isStorageError, Lease, readAll, withCounting, withRetry } from '../../storage/index.ts'
import { S3Replica, type S3ReplicaOptions } from '../../storage/s3/index.ts'
import { type LagProxy, startLagProxy } from '../servers/lag-proxy.ts'
import { newBucket, rawClient, sharedCeph } from '../servers/shared-ceph.ts'
import { collect, listAll, ltxBytes, name, ranges, streamOf, TIMESTAMP } from './ltx-bytes.ts'

const MiB = 1024 * 1024

let raw: S3Client
let bucket: string

beforeAll(() => {
  raw = rawClient()
})
beforeEach(async () => {
  bucket = await newBucket()
})

function replica(options: Partial<S3ReplicaOptions> = {}): S3Replica {
  const { endpoint, region, accessKeyId, secretAccessKey } = sharedCeph()
  const credentials = { accessKeyId, secretAccessKey }
  return new S3Replica({ bucket, path: 'app', endpoint, region, credentials, maxAttempts: 2, ...options })
}

async function keys(): Promise<string[]> {
  const { Contents = [] } = await raw.send(new ListObjectsV2Command({ Bucket: bucket }))
  return Contents.map(({ Key }) => Key!)
}

describe('objects', () => {
  test('carry the timestamp as Litestream writes it (facts 2.2)', async () => {
    await replica().write(name(0, 1), ltxBytes({ min: 1, timestamp: TIMESTAMP - 8 }))
    const Key = 'app/0000/0000000000000001-0000000000000001.ltx'
    const { Metadata } = await raw.send(new HeadObjectCommand({ Bucket: bucket, Key }))
    expect(Metadata).toEqual({ 'litestream-timestamp': '2026-01-02T03:04:05.67Z' })
  })

  test('a catalog goes with the headers that a web server in front of the bucket passes on', async () => {
    await replica().writeSidecar('litetap/catalog.json', new TextEncoder().encode('{}'))
    const Key = 'app/litetap/catalog.json'
    const head = await raw.send(new HeadObjectCommand({ Bucket: bucket, Key }))
    expect(head).toMatchObject({ ContentType: 'application/json', CacheControl: 'no-cache', ContentLength: 2 })
    await replica().writeSidecar('litetap/pages.map', new Uint8Array(3))
    const map = await raw.send(new HeadObjectCommand({ Bucket: bucket, Key: 'app/litetap/pages.map' }))
    expect(map).toMatchObject({ ContentType: 'application/octet-stream', CacheControl: 'no-cache', ContentLength: 3 })
  })

  test('without a path the catalog has no slash in front, and goes with the rest', async () => {
    const client = replica({ path: '' })
    await client.writeSidecar('litetap/catalog.json', new Uint8Array([1]))
    await client.writeSidecar('litetap/pages.map', new Uint8Array([1]))
    expect(await keys()).toEqual(['litetap/catalog.json', 'litetap/pages.map'])
    await client.deleteAll()
    expect(await keys()).toEqual([])
  })

  test('the two empty paths differ (facts 2.1)', async () => {
    const file = '0000000000000001-0000000000000001.ltx'
    for (const [path, key] of [
      ['', `/0000/${file}`],
      ['.', `./0000/${file}`],
    ] as const) {
      const client = replica({ path })
      const bytes = ltxBytes({ min: 1 })
      await client.write(name(0, 1), bytes)
      expect(await keys()).toEqual([key])
      expect(ranges(await listAll(client, 0))).toEqual(['1-1'])
      expect(await readAll((await client.open(name(0, 1)))!)).toEqual(bytes)
      await client.deleteAll()
      expect(await keys()).toEqual([])
    }
  })

  test('without a timestamp of their own are dated by the store (facts 2.2)', async () => {
    const Key = 'app/0000/0000000000000001-0000000000000001.ltx'
    await raw.send(new PutObjectCommand({ Bucket: bucket, Key, Body: ltxBytes({ min: 1 }) }))
    const [fast] = await listAll(replica(), 0)
    const [exact] = await collect(replica().list(0, { useMetadata: true }))
    expect(exact).toEqual(fast)
  })

  test.each([true, false])('signed payload: %s', async (signPayload) => {
    const client = replica({ signPayload })
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    expect(await readAll((await client.open(name(0, 1)))!)).toEqual(ltxBytes({ min: 1 }))
    await client.delete([name(0, 1)])
    expect(await keys()).toEqual([])
  })

  test.each([true, false])('deletes with Content-MD5: %s', async (requireContentMD5) => {
    const client = replica({ requireContentMD5 })
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    await client.delete([name(0, 1)])
    expect(await keys()).toEqual([])
  })
})

describe('requests', () => {
  test('a listing of 2100 files is 3 pages, with a seek only what is left; deleting takes thousands', async () => {
    const { client, counts } = withCounting(replica())
    const numbers = Array.from({ length: 2100 }, (_, index) => index + 1)
    for (let at = 0; at < numbers.length; at += 64) {
      await Promise.all(
        numbers.slice(at, at + 64).map((min) => client.write(name(0, min), ltxBytes({ min, size: 100 }))),
      )
    }
    expect(counts.snapshot()).toMatchObject({ put: 2100, total: 2100, bytesOut: 210_000 })
    counts.reset()
    expect(ranges(await listAll(client, 0))).toEqual(numbers.map((n) => `${n}-${n}`))
    expect(counts.snapshot()).toMatchObject({ list: 3, total: 3 })
    counts.reset()
    expect(await listAll(client, 0, 2000n)).toHaveLength(101)
    expect(counts.snapshot()).toMatchObject({ list: 1, total: 1 })
    counts.reset()
    await client.delete(numbers.map((n) => name(0, n)))
    expect(counts.snapshot()).toMatchObject({ delete: 3, total: 3 })
    expect(await keys()).toEqual([])
  })

  test('timestamps cost one HEAD per file, 50 at a time', async () => {
    const { client, counts } = withCounting(replica({ listPageSize: 60 }))
    for (let min = 1; min <= 70; min++) await client.write(name(0, min), ltxBytes({ min, timestamp: TIMESTAMP + min }))
    counts.reset()
    const files = await collect(client.list(0, { useMetadata: true }))
    expect(files.map(({ createdAt }) => createdAt - TIMESTAMP)).toEqual(Array.from({ length: 70 }, (_, i) => i + 1))
    expect(counts.snapshot()).toMatchObject({ list: 2, head: 70, total: 72 })
    expect(counts.maxInFlight).toBeGreaterThan(10)
    expect(counts.maxInFlight).toBeLessThanOrEqual(50)
    expect(counts.inFlight).toBe(0)
  })

  test('a small page size pages', async () => {
    const client = replica({ listPageSize: 3 })
    for (let min = 1; min <= 10; min++) await client.write(name(0, min), ltxBytes({ min }))
    expect(await listAll(client, 0)).toHaveLength(10)
    expect(ranges(await listAll(client, 0, 5n))).toEqual(['5-5', '6-6', '7-7', '8-8', '9-9', '10-10'])
    await client.deleteAll()
    expect(await keys()).toEqual([])
  })

  test('a read is one GET; a missing file too', async () => {
    const { client, counts } = withCounting(replica())
    await client.write(name(0, 1), ltxBytes({ min: 1, size: 5000 }))
    counts.reset()
    await readAll((await client.open(name(0, 1), { offset: 100, size: 50 }))!)
    expect(counts.snapshot()).toMatchObject({ get: 1, total: 1, bytesIn: 50 })
    await client.open(name(0, 2))
    expect(counts.snapshot()).toMatchObject({ get: 2, total: 2 })
    expect(counts.inFlight).toBe(0)
  })
})

describe('multipart', () => {
  const size = 13 * MiB + 17
  const bytes = ltxBytes({ min: 1, max: 9, size })

  async function uploads(): Promise<unknown[]> {
    return (await raw.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? []
  }

  test.each([
    ['bytes', () => bytes],
    ['a stream', () => streamOf(bytes, 100_003)],
  ])('%s in parts of 5 MiB', async (_, body) => {
    const { client, counts } = withCounting(replica())
    const info = await client.write(name(9, 1, 9), body())
    expect(info).toMatchObject({ size, createdAt: TIMESTAMP })
    expect(counts.snapshot()).toMatchObject({ put: 3, other: 2, total: 5 })
    const { Metadata } = await raw.send(
      new HeadObjectCommand({ Bucket: bucket, Key: 'app/0009/0000000000000001-0000000000000009.ltx' }),
    )
    expect(Metadata).toEqual({ 'litestream-timestamp': '2026-01-02T03:04:05.678Z' })
    expect(Buffer.compare(await readAll((await client.open(name(9, 1, 9)))!), bytes)).toBe(0)
  })

  test.each([
    [5 * MiB - 1, 1],
    [5 * MiB, 3],
    [5 * MiB + 1, 4],
  ])('%i bytes take %i requests', async (length, requests) => {
    for (const body of [bytes.subarray(0, length), streamOf(bytes.subarray(0, length), 70_001)]) {
      const { client, counts } = withCounting(replica())
      expect(await client.write(name(9, 1, 9), body)).toMatchObject({ size: length })
      expect(counts.total).toBe(requests)
      expect(Buffer.compare(await readAll((await client.open(name(9, 1, 9)))!), bytes.subarray(0, length))).toBe(0)
    }
  })

  test('exclusive is one PUT up to 8 MiB, as RGW 16 ignores the condition on completing', async () => {
    const { client, counts } = withCounting(replica())
    const body = bytes.subarray(0, 8 * MiB)
    await client.write(name(9, 1, 9), streamOf(body, 100_003), { exclusive: true })
    expect(counts.snapshot()).toMatchObject({ put: 1, total: 1 })
    await expect(client.write(name(9, 1, 9), body, { exclusive: true })).rejects.toMatchObject({
      code: 'STORAGE_PRECONDITION_FAILED',
    })
  })

  test('exclusive above that looks first', async () => {
    const big = bytes.subarray(0, 9 * MiB)
    const client = replica()
    await client.write(name(9, 1, 9), big, { exclusive: true })
    await expect(client.write(name(9, 1, 9), big, { exclusive: true })).rejects.toMatchObject({
      code: 'STORAGE_PRECONDITION_FAILED',
    })
    expect(await uploads()).toEqual([])
  })

  test('a failing source leaves no object and no upload', async () => {
    async function* failing() {
      yield bytes.subarray(0, 12 * MiB)
      throw new Error('source failed')
    }
    await expect(replica().write(name(9, 1, 9), failing())).rejects.toThrow('source failed')
    expect(await keys()).toEqual([])
    expect(await uploads()).toEqual([])
  })

  test('an abort leaves no object and no upload', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    async function* slow() {
      yield bytes.subarray(0, 11 * MiB)
      controller.abort(reason)
      yield bytes.subarray(11 * MiB)
    }
    await expect(replica().write(name(9, 1, 9), slow(), { signal: controller.signal })).rejects.toBe(reason)
    expect(await keys()).toEqual([])
    expect(await uploads()).toEqual([])
  })
})

describe('the lease on Ceph RGW', () => {
  test('RGW 16 wants If-Match without quotes: what the store works around', async () => {
    const Key = 'etag'
    const { ETag } = await raw.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'one' }))
    expect(ETag).toMatch(/^".*"$/)
    const quoted = raw.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'two', IfMatch: ETag! }))
    await expect(quoted).rejects.toMatchObject({ name: 'PreconditionFailed' })
    const bare = ETag!.replaceAll('"', '')
    await raw.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'two', IfMatch: bare }))
    // ... and ignores it on DELETE.
    await raw.send(new DeleteObjectCommand({ Bucket: bucket, Key, IfMatch: 'stale' }))
  })

  test('lock.json is Litestream’s (facts 8.1)', async () => {
    const now = (): number => TIMESTAMP
    const lease = new Lease(replica().lease!, { owner: 'host:1', now })
    await lease.acquire()
    await lease.renew()
    const reply = await raw.send(new GetObjectCommand({ Bucket: bucket, Key: 'app/lock.json' }))
    expect(reply.ContentType).toBe('application/json')
    expect(await reply.Body!.transformToString()).toBe(
      '{"generation":1,"expires_at":"2026-01-02T03:04:35.678Z","owner":"host:1"}',
    )
    const other = new Lease(replica().lease!, { owner: 'host:2', now })
    await expect(other.acquire()).rejects.toMatchObject({ code: 'STORAGE_LEASE_EXISTS', at: { owner: 'host:1' } })
    await lease.release()
    expect(await keys()).toEqual([])
    await new Lease(replica({ path: '' }).lease!, { now }).acquire()
    expect(await keys()).toEqual(['lock.json'])
  })
})

describe('messages for people', () => {
  async function failure(
    options: Partial<S3ReplicaOptions>,
  ): Promise<{ code: string; message: string; retryable: boolean }> {
    const client = replica(options)
    const error = await listAll(client, 0).then(
      () => undefined,
      (reason) => reason,
    )
    expect(isStorageError(error)).toBe(true)
    expect(error.cause).toBeDefined()
    await expect(client.write(name(0, 1), ltxBytes({ min: 1 }))).rejects.toMatchObject({ code: error.code })
    await expect(client.open(name(0, 1))).rejects.toMatchObject({ code: error.code })
    const { code, message, retryable } = error
    return { code, message, retryable }
  }

  test('wrong secret', async () => {
    const credentials = { accessKeyId: sharedCeph().accessKeyId, secretAccessKey: 'wrong' }
    expect(await failure({ credentials })).toEqual({
      code: 'STORAGE_BAD_CREDENTIALS',
      message: `Cannot list s3://${bucket}/app/0000/: the secret access key is wrong for this access key ID`,
      retryable: false,
    })
  })

  test('unknown key', async () => {
    const credentials = { accessKeyId: 'nobody', secretAccessKey: 'wrong' }
    expect(await failure({ credentials })).toEqual({
      code: 'STORAGE_BAD_CREDENTIALS',
      message: `Cannot list s3://${bucket}/app/0000/: ${sharedCeph().endpoint} does not know this access key ID`,
      retryable: false,
    })
  })

  test('missing bucket', async () => {
    expect(await failure({ bucket: 'no-such-bucket' })).toEqual({
      code: 'STORAGE_NO_BUCKET',
      message:
        'Cannot list s3://no-such-bucket/app/0000/: there is no bucket no-such-bucket at ' +
        `${sharedCeph().endpoint}; create it or correct its name`,
      retryable: false,
    })
  })

  test('nothing listens', async () => {
    expect(await failure({ endpoint: 'http://127.0.0.1:1' })).toEqual({
      code: 'STORAGE_UNREACHABLE',
      message:
        `Cannot list s3://${bucket}/app/0000/: nothing listens at http://127.0.0.1:1; ` +
        'is the server running, is the port right?',
      retryable: true,
    })
  })

  test('unknown host', async () => {
    expect(await failure({ endpoint: 'http://no-such-host.invalid' })).toMatchObject({
      code: 'STORAGE_UNREACHABLE',
      message: expect.stringMatching(/the host of http:\/\/no-such-host\.invalid (is not known|cannot be looked up)/),
    })
  })

  test('https to a plain http port', async () => {
    const endpoint = sharedCeph().endpoint.replace('http:', 'https:')
    expect(await failure({ endpoint })).toMatchObject({
      code: 'STORAGE_TLS',
      message: expect.stringContaining('does not speak TLS'),
    })
  })
})

describe('a bad line', () => {
  let proxy: LagProxy
  beforeAll(async () => {
    proxy = await startLagProxy(sharedCeph().endpoint)
  })
  afterAll(() => proxy.close())

  const big = ltxBytes({ min: 1, size: 4 * MiB })

  test('a reset in mid-body is a short read, and a resumed one under withRetry', async () => {
    await replica().write(name(0, 1), big)
    const client = replica({ endpoint: proxy.endpoint })
    const resetIn = (bytes: number): void => proxy.set({ resetAfter: proxy.stats.down + bytes })
    for (const range of [{}, { offset: 5, size: 3 * MiB }]) {
      resetIn(MiB)
      const stream = (await client.open(name(0, 1), range))!
      const outcome = await readAll(stream).then(
        () => 'read it all',
        (error) => error,
      )
      expect(outcome).toMatchObject({ code: 'STORAGE_SHORT_READ', retryable: true })
    }
    const errors: string[] = []
    const onRetry = (error: Error & { code: string }): void => {
      errors.push(error.code)
      if (errors.length < 3) resetIn(600_000)
    }
    const { client: counted, counts } = withCounting(withRetry(client, { baseMs: 1, onRetry }))
    for (const [offset, size] of [
      [0, 0],
      [1_234_567, 0],
      [5, 3 * MiB],
    ] as const) {
      counts.reset()
      errors.length = 0
      resetIn(600_000)
      const read = await readAll((await counted.open(name(0, 1), { offset, size }))!)
      const wanted = big.subarray(offset, size > 0 ? offset + size : undefined)
      expect(Buffer.compare(read, wanted)).toBe(0)
      expect(errors).toEqual(['STORAGE_SHORT_READ', 'STORAGE_SHORT_READ', 'STORAGE_SHORT_READ'])
      expect(counts.snapshot()).toMatchObject({ get: 4, total: 4, bytesIn: wanted.length })
      expect(counts.inFlight).toBe(0)
    }
  })

  test('a silent server is a timeout, for requests and for bodies', async () => {
    await replica().write(name(0, 1), big)
    const client = replica({ endpoint: proxy.endpoint, idleTimeoutMs: 300, maxAttempts: 1 })
    proxy.set({ mbit: 100 })
    const stream = (await client.open(name(0, 1)))!
    proxy.set({ blackhole: true, mbit: 0 })
    const outcome = await readAll(stream).then(
      () => 'read it all',
      (error) => error,
    )
    expect(outcome).toMatchObject({ code: 'STORAGE_TIMEOUT', retryable: true })
    await expect(listAll(client, 0)).rejects.toMatchObject({ code: 'STORAGE_TIMEOUT', retryable: true })
    proxy.set({ blackhole: false })
    proxy.resetAll()
    expect(await listAll(client, 0)).toHaveLength(1)
  })

  test('refused connections end when the server is back', async () => {
    await replica().write(name(0, 1), big)
    proxy.set({ refuse: true })
    const client = replica({ endpoint: proxy.endpoint, maxAttempts: 1 })
    await expect(listAll(client, 0)).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE', retryable: true })
    const patient = withRetry(client, { baseMs: 1, onRetry: (_, attempt) => proxy.set({ refuse: attempt < 2 }) })
    expect(await listAll(patient, 0)).toHaveLength(1)
  })

  test('an abort cuts a hanging request and a hanging body', async () => {
    await replica().write(name(0, 1), big)
    const client = replica({ endpoint: proxy.endpoint })
    const reason = new Error('enough')
    const controller = new AbortController()
    proxy.set({ mbit: 100 })
    const stream = (await client.open(name(0, 1), { signal: controller.signal }))!
    proxy.set({ blackhole: true, mbit: 0 })
    setTimeout(() => controller.abort(reason), 50)
    const listing = collect(client.list(0, { signal: controller.signal }))
    await Promise.all([
      expect(readAll(stream).then(() => 'read it all')).rejects.toBe(reason),
      expect(listing).rejects.toBe(reason),
      expect(client.write(name(0, 2), ltxBytes({ min: 2 }), { signal: controller.signal })).rejects.toBe(reason),
    ])
    proxy.set({ blackhole: false })
  })
})
