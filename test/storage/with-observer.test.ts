import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { FileReplica } from '../../storage/file/index.ts'
import { memoryReplica, type ReplicaClient, type ReplicaRequest, readAll, withObserver } from '../../storage/node.ts'
import { S3Replica, type S3ReplicaOptions } from '../../storage/s3/index.ts'
import { type ScriptedServer, s3ErrorReply, startScriptedHttp } from '../servers/scripted-http.ts'
import { newBucket, sharedCeph } from '../servers/shared-ceph.ts'
import { listAll, ltxBytes, name, streamOf } from './ltx-bytes.ts'

const dirs: string[] = []
let server: ScriptedServer | undefined

afterEach(async () => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true })
  await server?.close()
  server = undefined
})

function observed(client: ReplicaClient): { client: ReplicaClient; seen: string[]; requests: ReplicaRequest[] } {
  const requests: ReplicaRequest[] = []
  const seen: string[] = []
  const onRequest = (request: ReplicaRequest): void => {
    requests.push(request)
    seen.push([request.operation, request.bytes, ...(request.error ? [request.error] : [])].join(' '))
  }
  return { client: withObserver(client, onRequest), seen, requests }
}

async function ceph(options: Partial<S3ReplicaOptions> = {}): Promise<S3Replica> {
  const { endpoint, region, accessKeyId, secretAccessKey } = sharedCeph()
  const credentials = { accessKeyId, secretAccessKey }
  return new S3Replica({ bucket: await newBucket(), path: 'app', endpoint, region, credentials, ...options })
}

async function scripted(answer: Parameters<typeof startScriptedHttp>[0]): Promise<S3Replica> {
  server = await startScriptedHttp(answer)
  const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' }
  return new S3Replica({ bucket: 'b', path: 'app', endpoint: server.endpoint, credentials, maxAttempts: 3 })
}

const BACKENDS: [string, () => Promise<ReplicaClient>][] = [
  ['s3', () => ceph()],
  ['memory', async () => memoryReplica()],
  [
    'file',
    async () => {
      dirs.push(mkdtempSync(join(tmpdir(), 'litetap-observer-')))
      return new FileReplica({ path: dirs.at(-1)! })
    },
  ],
]

describe.each(BACKENDS)('requests to %s (facts 8.4)', (_, make) => {
  test('are told with their bytes and their time', async () => {
    const { client, seen, requests } = observed(await make())
    await client.write(name(0, 1), ltxBytes({ min: 1, size: 5000 }))
    await client.write(name(0, 2), streamOf(ltxBytes({ min: 2, size: 3000 }), 700))
    await readAll((await client.open(name(0, 1), { offset: 100, size: 50 }))!)
    expect(await client.open(name(0, 9))).toBeUndefined()
    await listAll(client, 0)
    await client.delete([name(0, 1), name(0, 2)])
    expect(seen).toEqual(['PUT 5000', 'PUT 3000', 'GET 50', 'GET 0', 'LIST 0', 'DELETE 0'])
    for (const { ms } of requests) expect(ms).toBeGreaterThanOrEqual(0)
    await client.close()
  })
})

test('every backend works as before behind it', async () => {
  const { client } = observed(memoryReplica())
  const bytes = ltxBytes({ min: 1 })
  await client.write(name(0, 1), bytes)
  expect(await readAll((await client.open(name(0, 1)))!)).toEqual(bytes)
  expect(client).toMatchObject({ type: 'memory', createsExclusively: true, readsOnly: false })
})

test('a failure of a backend without requests of its own has its code', async () => {
  const { client, seen } = observed(memoryReplica())
  await client.write(name(0, 1), ltxBytes({ min: 1 }), { exclusive: true })
  const again = client.write(name(0, 1), ltxBytes({ min: 1 }), { exclusive: true })
  await expect(again).rejects.toMatchObject({ code: 'STORAGE_PRECONDITION_FAILED' })
  expect(seen).toEqual(['PUT 1000', 'PUT 0 STORAGE_PRECONDITION_FAILED'])
})

describe('s3', () => {
  test('parts and retries are requests of their own', async () => {
    const { client, seen } = observed(await ceph())
    const size = 12 * 1024 * 1024
    await client.write(name(9, 1, 9), ltxBytes({ min: 1, max: 9, size }))
    const MiB = 1024 * 1024
    expect(seen.toSorted()).toEqual(['PUT 0', 'PUT 0', ...[2, 5, 5].map((mib) => `PUT ${mib * MiB}`)])
    await client.close()
  })

  test('each failed attempt has its code', async () => {
    let attempts = 0
    const { client, seen } = observed(
      await scripted((_, response) => {
        attempts += 1
        if (attempts === 1) s3ErrorReply(response, 503, 'SlowDown')
        else if (attempts === 2) response.destroy()
        else response.writeHead(200, { etag: '"e"' }).end()
      }),
    )
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    expect(seen).toEqual(['PUT 0 STORAGE_THROTTLED', 'PUT 0 STORAGE_UNREACHABLE', 'PUT 1000'])
    await client.close()
  })

  test.each([
    [403, 'AccessDenied', 'DELETE 0 STORAGE_ACCESS_DENIED'],
    [403, 'SignatureDoesNotMatch', 'DELETE 0 STORAGE_BAD_CREDENTIALS'],
    [404, 'NoSuchBucket', 'DELETE 0 STORAGE_NO_BUCKET'],
  ])('%i %s of a DELETE: %s', async (status, code, line) => {
    const { client, seen } = observed(await scripted((_, response) => s3ErrorReply(response, status, code)))
    await expect(client.delete([name(0, 1)])).rejects.toThrow()
    expect(seen).toEqual([line])
    await client.close()
  })

  test.each([
    ['its caller', new Error('enough')],
    ['closing', undefined],
  ])('a request that is ended by %s is no fault of the server', async (_, reason) => {
    const controller = new AbortController()
    let arrived: () => void = () => {}
    const waiting = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const { client, seen } = observed(await scripted(() => arrived()))
    const outcome = client.open(name(0, 1), { signal: controller.signal }).catch((error) => error)
    await waiting
    if (reason) controller.abort(reason)
    else await client.close()
    expect(await outcome).toMatchObject(reason ?? { code: 'STORAGE_CLOSED' })
    expect(seen).toEqual(['GET 0 ABORTED'])
    await client.close()
  })

  test('a body that breaks off is a failed GET', async () => {
    const body = ltxBytes({ min: 1, size: 1000 })
    const { client, seen } = observed(
      await scripted((_, response) => {
        response.writeHead(206, { 'content-range': 'bytes 0-999/1000', 'content-length': 1000 })
        response.write(body.subarray(0, 400), () => response.destroy())
      }),
    )
    await expect(readAll((await client.open(name(0, 1)))!)).rejects.toMatchObject({ code: 'STORAGE_SHORT_READ' })
    expect(seen).toEqual(['GET 1000 STORAGE_UNREACHABLE'])
    await client.close()
  })
})
