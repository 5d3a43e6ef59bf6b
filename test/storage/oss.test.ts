import { HeadObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, describe, expect, test } from 'vitest'
import { openReplica, openReplicaSettings, readAll, replicaSettings } from '../../storage/node.ts'
import { openOss } from '../../storage/oss/open.ts'
import { ossOptions } from '../../storage/oss/oss-options.ts'
import type { OssSettings } from '../../storage/replica-settings.ts'
import { S3Replica } from '../../storage/s3/index.ts'
import { makeSdkClient } from '../../storage/s3/sdk-client.ts'
import { resolveSettings } from '../../storage/s3/settings.ts'
import type { OssURL } from '../../storage/url.ts'
import { parseReplicaURL } from '../../storage/url.ts'
import { type ScriptedServer, startScriptedHttp } from '../servers/scripted-http.ts'
import { newBucket, rawClient, sharedCeph } from '../servers/shared-ceph.ts'
import { replicaClientConformance } from './conformance.ts'
import { collect, listAll, ltxBytes, name, TIMESTAMP } from './ltx-bytes.ts'

const keys = { accessKeyId: 'id', accessKeySecret: 'hunter2' }
const settings = (more: Partial<OssSettings> = {}): OssSettings => ({
  type: 'oss',
  bucket: 'b',
  path: 'app',
  ...keys,
  ...more,
})

let server: ScriptedServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

// Ceph RGW, not OSS: what is tried is the code that OSS gets, through its settings.
replicaClientConformance(
  'OSS settings on Ceph RGW',
  async () => {
    const bucket = await newBucket()
    const raw = rawClient()
    const { endpoint, region, accessKeyId, secretAccessKey: accessKeySecret } = sharedCeph()
    return {
      client: (path) => openOss({ type: 'oss', bucket, path, endpoint, region, accessKeyId, accessKeySecret }),
      putRaw: async (Key, Body) => void (await raw.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))),
      keys: async () => {
        const { Contents = [] } = await raw.send(new ListObjectsV2Command({ Bucket: bucket }))
        return Contents.map(({ Key }) => Key!).sort()
      },
    }
  },
  {
    subject: S3Replica,
    type: 'oss',
    key: (path, level, file) => `${path}/${level.toString(16).padStart(4, '0')}/${file}`,
    fastTimestamps: false,
    conditionalWrites: false,
  },
)

test('a URL, keys of the environment, one round trip (on Ceph RGW)', async () => {
  const { endpoint, region, accessKeyId, secretAccessKey } = sharedCeph()
  const bucket = await newBucket()
  const env = { OSS_ACCESS_KEY_ID: accessKeyId, OSS_ACCESS_KEY_SECRET: secretAccessKey, AWS_ACCESS_KEY_ID: 'other' }
  const fromURL = replicaSettings(parseReplicaURL(`oss://${bucket}/app`) as OssURL, { env }) as OssSettings
  const client = await openReplicaSettings({ ...fromURL, endpoint, region }, { env })
  expect(client).toMatchObject({ type: 'oss', url: expect.stringMatching(`^oss://${bucket}/app`) })
  await client.write(name(0, 1), ltxBytes({ min: 1 }))
  expect(await readAll((await client.open(name(0, 1)))!)).toEqual(ltxBytes({ min: 1 }))
  const Key = 'app/0000/0000000000000001-0000000000000001.ltx'
  const { Metadata } = await rawClient().send(new HeadObjectCommand({ Bucket: bucket, Key }))
  expect(Metadata).toEqual({ 'litestream-timestamp': '2026-01-02T03:04:05.678Z' })
  await client.close()
})

describe('what OSS settings mean (facts 2.5)', () => {
  test.each<[string, Partial<OssSettings>, string, string]>([
    ['nothing', {}, 'https://s3.oss-cn-hangzhou.aliyuncs.com', 'cn-hangzhou'],
    ['a region', { region: 'eu-central-1' }, 'https://s3.oss-eu-central-1.aliyuncs.com', 'eu-central-1'],
    [
      'a region as the SDKs of OSS spell it',
      { region: 'oss-cn-beijing' },
      'https://s3.oss-cn-beijing.aliyuncs.com',
      'cn-beijing',
    ],
    [
      'its own endpoint',
      { endpoint: 'https://oss-cn-beijing-internal.aliyuncs.com' },
      'https://s3.oss-cn-beijing-internal.aliyuncs.com',
      'cn-hangzhou',
    ],
    ['a host', { endpoint: 'oss-accelerate.aliyuncs.com' }, 'https://s3.oss-accelerate.aliyuncs.com', 'cn-hangzhou'],
    [
      'the S3 endpoint',
      { endpoint: 'https://s3.oss-cn-beijing.aliyuncs.com' },
      'https://s3.oss-cn-beijing.aliyuncs.com',
      'cn-hangzhou',
    ],
    ['another server', { endpoint: 'https://minio.example.com' }, 'https://minio.example.com', 'cn-hangzhou'],
  ])('%s', (_, more, endpoint, region) => {
    const resolved = resolveSettings(ossOptions(settings(more)))
    expect(resolved).toMatchObject({
      endpoint,
      region,
      forcePathStyle: false,
      conditionalWrites: false,
      provider: 'oss',
    })
  })

  test.each([
    ['oss://b.oss-cn-beijing.aliyuncs.com/app', 'https://s3.oss-cn-beijing.aliyuncs.com', 'cn-beijing'],
    [
      'oss://b.oss-cn-beijing-internal.aliyuncs.com/app',
      'https://s3.oss-cn-beijing-internal.aliyuncs.com',
      'cn-beijing',
    ],
    ['oss://b/app', 'https://s3.oss-cn-hangzhou.aliyuncs.com', 'cn-hangzhou'],
  ])('%s', (url, endpoint, region) => {
    const env = { OSS_ACCESS_KEY_ID: 'id', OSS_ACCESS_KEY_SECRET: 'hunter2', OSS_SESSION_TOKEN: 'token' }
    const parsed = replicaSettings(parseReplicaURL(url) as OssURL, { env }) as OssSettings
    expect(resolveSettings(ossOptions(parsed))).toMatchObject({
      bucket: 'b',
      path: 'app',
      endpoint,
      region,
      credentials: { accessKeyId: 'id', secretAccessKey: 'hunter2', sessionToken: 'token' },
    })
  })

  test("keys of the settings go without the environment's token", async () => {
    const env = { OSS_ACCESS_KEY_ID: 'other', OSS_ACCESS_KEY_SECRET: 'other', OSS_SESSION_TOKEN: 'other' }
    server = await startScriptedHttp((_, response) => response.end('<ListBucketResult/>'))
    const client = await openReplicaSettings(settings({ endpoint: server.endpoint }), { env })
    await listAll(client, 0)
    expect(server.requests[0]!.headers.authorization).toContain('Credential=id/')
    expect(server.requests[0]!.headers).not.toHaveProperty('x-amz-security-token')
    await client.close()
  })

  test('3 parts at a time; parts below 5 MiB become 5 MiB', () => {
    const parts = (more: Partial<OssSettings>) => {
      const { concurrency, partSize } = resolveSettings(ossOptions(settings(more)))
      return [concurrency, partSize]
    }
    expect(parts({})).toEqual([3, 5242880])
    expect(parts({ concurrency: 8, partSize: 100_000 })).toEqual([8, 5242880])
    expect(parts({ partSize: 9_000_000 })).toEqual([3, 9_000_000])
  })

  test('a caller may ask for fewer attempts', () => {
    const parsed = parseReplicaURL('oss://b/app') as OssURL
    const given = replicaSettings(parsed, {
      env: { OSS_ACCESS_KEY_ID: 'id', OSS_ACCESS_KEY_SECRET: 's' },
      s3: { maxAttempts: 4 },
    })
    expect(resolveSettings(ossOptions(given as OssSettings)).maxAttempts).toBe(4)
  })

  test('without keys it says which variables to set, and asks nobody', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'hunter2' }
    const error = await openReplica('oss://b/app', { env }).catch((reason) => reason)
    expect(error).toMatchObject({ code: 'STORAGE_NO_CREDENTIALS', retryable: false })
    expect(error.message).toContain('oss://b/app: there are no credentials; set OSS_ACCESS_KEY_ID')
  })
})

describe('requests', () => {
  test('name the bucket in the host: OSS refuses it in the path', async () => {
    const client = makeSdkClient(resolveSettings(ossOptions(settings())))
    const sent: { hostname: string; path: string; headers: Record<string, string> }[] = []
    client.middlewareStack.add(
      () => async (args) => {
        sent.push(args.request as (typeof sent)[number])
        throw new Error('far enough')
      },
      { step: 'finalizeRequest', priority: 'low' },
    )
    const Body = new Uint8Array(10)
    const put = client.send(new PutObjectCommand({ Bucket: 'some-bucket', Key: 'app/x', Body, Metadata: { a: 'b' } }))
    await expect(put).rejects.toThrow('far enough')
    expect(sent[0]).toMatchObject({ hostname: 'some-bucket.s3.oss-cn-hangzhou.aliyuncs.com', path: '/app/x' })
    expect(sent[0]!.headers).toMatchObject({
      authorization: expect.stringMatching(/^AWS4-HMAC-SHA256 Credential=id\/\d{8}\/cn-hangzhou\/s3\/aws4_request/),
      'x-amz-meta-a': 'b',
    })
    // "aws-chunked encoding is not supported", says OSS.
    expect(Object.keys(sent[0]!.headers).filter((header) => /trailer|content-encoding|x-oss-/.test(header))).toEqual([])
    client.destroy()
  })

  test('have no conditions, and are not tried with them', async () => {
    server = await startScriptedHttp((_, response) => response.writeHead(200, { etag: '"e"' }).end())
    const client = openOss(settings({ endpoint: server.endpoint }))
    expect(client.createsExclusively).toBe(false)
    await client.write(name(0, 1), ltxBytes({ min: 1 }), { exclusive: true })
    expect(server.requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined])
    await client.close()
  })

  test('timestamps are read by either name of user metadata', async () => {
    const listed = [1, 2, 3].map(
      (n) => `<Contents><Key>app/0000/000000000000000${n}-000000000000000${n}.ltx</Key><Size>1</Size></Contents>`,
    )
    server = await startScriptedHttp((request, response) => {
      if (request.method !== 'HEAD') response.end(`<ListBucketResult>${listed.join('')}</ListBucketResult>`)
      else if (request.url.includes('01-'))
        response.setHeader('x-oss-meta-litestream-timestamp', '2026-01-02T03:04:05.678Z').end()
      else if (request.url.includes('02-'))
        response.setHeader('x-amz-meta-litestream-timestamp', '2026-01-02T03:04:05.679Z').end()
      else response.end()
    })
    const client = openOss(settings({ endpoint: server.endpoint }))
    const files = await collect(client.list(0, { useMetadata: true }))
    expect(files.map(({ createdAt }) => createdAt)).toEqual([TIMESTAMP, TIMESTAMP + 1, 0])
    await client.close()
  })

  test('no secret is in what a client shows', async () => {
    server = await startScriptedHttp((_, response) => response.writeHead(403).end())
    const client = openOss(settings({ endpoint: server.endpoint, sessionToken: 'hunter3' }))
    const error = await client.open(name(0, 1)).catch((reason) => reason)
    expect(error.message).toContain('Cannot read oss://b/app/0000/')
    for (const text of [client.url, error.message, JSON.stringify(error.at)]) expect(text).not.toMatch(/hunter/)
    await client.close()
  })
})
