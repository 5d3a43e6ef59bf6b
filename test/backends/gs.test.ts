import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { GsReplica } from '../../storage/gs/index.ts'
import { readAll } from '../../storage/index.ts'
import { replicaClientConformance } from '../storage/conformance.ts'
import { listAll, ltxBytes, name, ranges, streamOf, TIMESTAMP } from '../storage/ltx-bytes.ts'
import { faultSuite } from './faults.ts'
import { leaseSuite } from './lease.ts'
import { QUERIES, replicateSome, roundTrip } from './round-trip.ts'
import { type GcsEmulator, startGcsEmulator } from './servers/gcs-emulator.ts'

const TOKEN = 'ya29.a-token'
const MiB = 1024 * 1024

let server: GcsEmulator
let buckets = 0

beforeAll(async () => {
  server = await startGcsEmulator({ token: TOKEN })
})
afterAll(() => server?.stop())

const authorization = { authorization: `Bearer ${TOKEN}` }
const authorize = async (): Promise<[string, string][]> => Object.entries(authorization)

/** The objects of a bucket as the emulator itself tells them. */
async function resources(bucket: string): Promise<{ name: string; size: string; metadata?: Record<string, string> }[]> {
  const reply = await fetch(`${server.endpoint}/storage/v1/b/${bucket}/o`, { headers: authorization })
  return ((await reply.json()) as { items?: [] }).items ?? []
}

replicaClientConformance(
  'GsReplica on the storage emulator',
  async () => {
    const bucket = `bucket-${buckets++}`
    return {
      client: (path) => new GsReplica({ bucket, path, endpoint: server.endpoint, authorize }),
      putRaw: async (key, bytes) => {
        const query = new URLSearchParams({ uploadType: 'media', name: key })
        const url = `${server.endpoint}/upload/storage/v1/b/${bucket}/o?${query}`
        const init = { method: 'POST', headers: authorization, body: bytes as Uint8Array<ArrayBuffer> }
        expect((await fetch(url, init)).status).toBe(200)
      },
      keys: async () => (await resources(bucket)).map(({ name }) => name).sort(),
    }
  },
  { subject: GsReplica, type: 'gs', key: (path, level, file) => `${path}/ltx/${level}/${file}`, fastTimestamps: true },
)

describe('objects', () => {
  test('carry the timestamp as Litestream writes it (facts 2.2)', async () => {
    const client = new GsReplica({ bucket: 'metadata', path: 'app', endpoint: server.endpoint, authorize })
    await client.write(name(0, 1), ltxBytes({ min: 1, timestamp: TIMESTAMP - 8 }))
    const [object] = await resources('metadata')
    expect(object).toMatchObject({ metadata: { 'litestream-timestamp': '2026-01-02T03:04:05.67Z' } })
  })

  test('of any size go in parts, from one buffer', async () => {
    const partSize = 256 * 1024
    const client = new GsReplica({ bucket: 'parts', path: 'app', endpoint: server.endpoint, authorize, partSize })
    for (const size of [partSize - 1, partSize, partSize + 1, 2 * partSize, 3 * MiB + 7]) {
      const bytes = ltxBytes({ min: 1, size })
      for (const body of [bytes, streamOf(bytes, 100_003)]) {
        server.requests.length = 0
        expect(await client.write(name(9, 1), body)).toMatchObject({ size, createdAt: TIMESTAMP })
        const parts = server.requests.filter(({ method }) => method === 'PUT')
        expect(parts).toHaveLength(size <= partSize ? 0 : Math.ceil(size / partSize))
        expect(Buffer.from(await readAll((await client.open(name(9, 1)))!)).equals(bytes)).toBe(true)
      }
      const exclusive = client.write(name(9, 1), streamOf(bytes), { exclusive: true })
      await expect(exclusive).rejects.toMatchObject({ code: 'STORAGE_PRECONDITION_FAILED' })
    }
    expect(await listAll(client, 9)).toEqual([{ ...name(9, 1), size: 3 * MiB + 7, createdAt: TIMESTAMP }])
  })

  test('are listed page by page, from the seek on, which is no prefix (#1262, #1456, #1537)', async () => {
    const client = new GsReplica({
      bucket: 'pages',
      path: 'app',
      endpoint: server.endpoint,
      authorize,
      listPageSize: 3,
    })
    for (let min = 1; min <= 10; min++) await client.write(name(0, min), ltxBytes({ min }))
    server.requests.length = 0
    expect(ranges(await listAll(client, 0))).toHaveLength(10)
    expect(server.requests).toHaveLength(4)
    expect(ranges(await listAll(client, 0, 8n))).toEqual(['8-8', '9-9', '10-10'])
    expect(server.requests.at(-1)!.url).toContain('startOffset=app%2Fltx%2F0%2F0000000000000008')
  })
})

describe('credentials', () => {
  test('that are wrong or missing are told', async () => {
    const options = { bucket: 'b', path: 'app', endpoint: server.endpoint }
    for (const client of [
      new GsReplica(options),
      new GsReplica({ ...options, authorize: async () => [['authorization', 'Bearer no']] }),
    ]) {
      const denied = { code: 'STORAGE_BAD_CREDENTIALS', retryable: false }
      await expect(listAll(client, 0)).rejects.toMatchObject(denied)
      await expect(client.open(name(0, 1))).rejects.toMatchObject(denied)
      await expect(client.write(name(0, 1), ltxBytes({ min: 1 }))).rejects.toMatchObject(denied)
    }
  })
})

test('replicate, restore, query in place', async () => {
  await roundTrip(new GsReplica({ bucket: 'round-trip', path: 'app', endpoint: server.endpoint, authorize }))
  const names = (await resources('round-trip')).map(({ name }) => name)
  expect(names).toContain('app/ltx/0/0000000000000001-0000000000000001.ltx')
})

test('litestream-vfs 0.5.17 reads what we wrote', async () => {
  // It sends no token.
  const open = await startGcsEmulator()
  onTestFinished(() => open.stop())
  const client = new GsReplica({ bucket: 'vfs', path: 'app', endpoint: open.endpoint })
  // The VFS asks for page by page, for each of which the emulator reads a whole file.
  const { answers } = await replicateSome(client, 200_000)
  const reader = join(import.meta.dirname, '../litestream-vfs/reader.ts')
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    STORAGE_EMULATOR_HOST: open.endpoint.slice('http://'.length),
    LITESTREAM_REPLICA_URL: 'gs://vfs/app',
    LITESTREAM_LOG_FILE: '/dev/null',
  }
  const { stdout } = await promisify(execFile)(process.execPath, [reader, ...QUERIES], { env, timeout: 60_000 })
  expect(JSON.parse(stdout)).toEqual(answers)
})

leaseSuite('gs', async () => ({
  client: (path) => new GsReplica({ bucket: 'lease', path, endpoint: server.endpoint, authorize }),
  read: async (key) => {
    const url = `${server.endpoint}/storage/v1/b/lease/o/${encodeURIComponent(key)}?alt=media`
    const reply = await fetch(url, { headers: authorization })
    return { text: await reply.text(), type: reply.headers.get('content-type') ?? undefined }
  },
}))

faultSuite('gs', async () => {
  const own = await startGcsEmulator()
  return {
    port: own.port,
    settings: (port) => ({ type: 'gs', bucket: 'faults', path: 'app', endpoint: `http://127.0.0.1:${port}` }),
    stop: own.stop,
  }
})
