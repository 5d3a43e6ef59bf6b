import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test } from 'vitest'
import { withCounting } from '../../storage/index.ts'
import { openReplicaSettings } from '../../storage/node.ts'
import { S3Replica, type S3ReplicaOptions } from '../../storage/s3/index.ts'
import { openClients } from '../../storage/s3/shared-client.ts'
import type { ReplicaClient } from '../../storage/types.ts'
import { type ScriptedServer, startScriptedHttp } from '../servers/scripted-http.ts'
import { listAll, ltxBytes, name } from './ltx-bytes.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' }
const common = { bucket: 'b', endpoint: 'http://127.0.0.1:1', credentials }
const make = (options: Partial<S3ReplicaOptions> = {}): S3Replica => new S3Replica({ ...common, ...options })

let server: ScriptedServer | undefined
const open: ReplicaClient[] = []

afterEach(async () => {
  for (const client of open.splice(0)) await client.close()
  await server?.close()
  server = undefined
  expect(openClients()).toBe(0)
})

describe('replicas of one account share an SDK client', () => {
  test('1,000 of them make one, and cost less than 3 KB each', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' }
    const settings = (index: number) =>
      ({ type: 's3', bucket: 'b', path: `tenants/${index}`, endpoint: 'http://127.0.0.1:1' }) as const
    for (let index = 0; index < 100; index++) open.push(await openReplicaSettings(settings(index), { env }))
    collectGarbage()
    const before = process.memoryUsage().heapUsed
    for (let index = 100; index < 1100; index++) open.push(await openReplicaSettings(settings(index), { env }))
    collectGarbage()
    const each = (process.memoryUsage().heapUsed - before) / 1000
    expect(openClients()).toBe(1)
    expect(each).toBeLessThan(3072)
  })

  test('and its sockets: requests one after another take one connection', async () => {
    let connections = 0
    server = await startScriptedHttp((_, response) => response.end('<ListBucketResult/>'))
    server.onConnection(() => {
      connections += 1
    })
    for (let index = 0; index < 5; index++) open.push(make({ path: String(index), endpoint: server.endpoint }))
    for (const client of open) await listAll(client as S3Replica, 0)
    expect(server.requests).toHaveLength(5)
    expect(connections).toBe(1)
  })

  test('the last one closes it, however often the others are closed', async () => {
    const [one, two] = [make({ path: '1' }), make({ path: '2' })]
    await one.close()
    await one.close()
    expect(openClients()).toBe(1)
    await expect(listAll(one, 0)).rejects.toMatchObject({ code: 'STORAGE_CLOSED' })
    await two.close()
    expect(openClients()).toBe(0)
  })

  test.each<[string, Partial<S3ReplicaOptions>]>([
    ['keys', { credentials: { ...credentials, secretAccessKey: 'other' } }],
    ['endpoint', { endpoint: 'http://127.0.0.1:2' }],
    ['region', { region: 'eu-west-1' }],
    ['addressing', { forcePathStyle: false }],
    ['signing', { signPayload: false }],
    ['Content-MD5', { requireContentMD5: false }],
    ['verification', { skipVerify: true }],
    ['attempts', { maxAttempts: 2 }],
    ['patience', { idleTimeoutMs: 1 }],
    ['proxies', { proxyEnv: { https_proxy: 'http://127.0.0.1:3' } }],
  ])('but not with one of other %s', (_, options) => {
    open.push(make(), make(options))
    expect(openClients()).toBe(2)
  })

  test.each<[string, Partial<S3ReplicaOptions>]>([
    ['bucket', { bucket: 'c' }],
    ['part size', { partSize: 9 * 1024 * 1024, concurrency: 1 }],
    ['storage class', { storageClass: 'STANDARD_IA' }],
    ['customer key', { sseCustomerKey: btoa('x'.repeat(32)) }],
  ])('and with one of another %s', (_, options) => {
    open.push(make(), make(options))
    expect(openClients()).toBe(1)
  })

  test('buckets whose region must be asked for have one each', () => {
    const { endpoint: _, ...aws } = common
    open.push(new S3Replica(aws), new S3Replica({ ...aws, path: 'p' }), new S3Replica({ ...aws, bucket: 'c' }))
    expect(openClients()).toBe(2)
  })

  test('requests are counted for the replica that makes them', async () => {
    server = await startScriptedHttp((request, response) =>
      request.method === 'PUT' ? response.writeHead(200, { etag: '"e"' }).end() : response.end('<ListBucketResult/>'),
    )
    const [one, two] = [1, 2].map((path) => make({ path: String(path), endpoint: server!.endpoint }))
    open.push(one!, two!)
    const [first, second] = [withCounting(one!), withCounting(two!)]
    await listAll(first.client, 0)
    await second.client.write(name(0, 1), ltxBytes({ min: 1 }))
    expect(first.counts.snapshot()).toMatchObject({ list: 1, total: 1 })
    expect(second.counts.snapshot()).toMatchObject({ put: 1, total: 1 })
  })

  test('closing one ends its request and not those of the others', async () => {
    const waiting: (() => void)[] = []
    let both: () => void = () => {}
    const arrived = new Promise<void>((resolve) => {
      both = resolve
    })
    server = await startScriptedHttp((_, response) => {
      waiting.push(() => response.end('<ListBucketResult/>'))
      if (waiting.length === 2) both()
    })
    const [one, two] = [1, 2].map((path) => make({ path: String(path), endpoint: server!.endpoint }))
    open.push(one!, two!)
    const [ended, kept] = [listAll(one!, 0), listAll(two!, 0)]
    const outcome = ended.catch((error) => error)
    await arrived
    await one!.close()
    expect(await outcome).toMatchObject({ code: 'STORAGE_CLOSED', retryable: false })
    for (const answer of waiting) answer()
    expect(await kept).toEqual([])
  })
})
