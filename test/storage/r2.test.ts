import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { decodeHeader, formatFilename } from '../../ltx/index.ts'
import { formatTimestamp, type LtxFileName, memoryReplica, type ReplicaClient } from '../../storage/index.ts'
import { R2Replica, r2Replica } from '../../storage/r2/index.ts'
import type { WorkerCall } from '../servers/r2-worker.ts'
import { startWorkerd, type Workerd } from '../servers/workerd.ts'
import { altered } from '../support/altered-client.ts'
import { replicaReaderConformance } from './conformance.ts'
import { startCatalogStore } from './http-catalog-store.ts'
import { ltxBytes, name, TIMESTAMP } from './ltx-bytes.ts'

/** Of a Worker that was never brought up to date: fetch knows no `cache` option there. */
const OLD = '2023-01-01'
let workerd: Workerd
beforeAll(async () => {
  workerd = await startWorkerd('r2-worker.ts', OLD)
})
afterAll(() => workerd.stop())

async function keys(): Promise<string[]> {
  const { objects } = await workerd.bucket.list({ prefix: '' })
  return objects.map(({ key }) => key).sort()
}

function keyOf(path: string, level: number, file: string): string {
  return `${path}/${level.toString(16).padStart(4, '0')}/${file}`
}

async function put(path: string, file: LtxFileName, bytes: Uint8Array, timestamp: number): Promise<void> {
  const key = keyOf(path, file.level, formatFilename(file.minTXID, file.maxTXID))
  await workerd.bucket.put(key, bytes, { customMetadata: { 'litestream-timestamp': formatTimestamp(timestamp)! } })
}

async function clear(): Promise<void> {
  // A page at a time.
  for (let some = await keys(); some.length > 0; some = await keys()) {
    await Promise.all(some.map((key) => workerd.bucket.delete(key)))
  }
}

/** Writes as a client of R2's S3 endpoint would: with the timestamp as metadata. */
function writer(path: string): ReplicaClient {
  return altered(memoryReplica(), {
    write: async (file, body) => {
      const bytes = body as Uint8Array
      const createdAt = decodeHeader(bytes).timestamp
      await put(path, file, bytes, createdAt)
      return { ...file, size: bytes.length, createdAt }
    },
    delete: async (files) => {
      for (const { level, minTXID, maxTXID } of files) {
        await workerd.bucket.delete(keyOf(path, level, formatFilename(minTXID, maxTXID)))
      }
    },
  })
}

replicaReaderConformance(
  "R2Replica on miniflare's bucket, from outside",
  async () => {
    await clear()
    return {
      client: (path) => r2Replica(workerd.bucket, path),
      writer,
      putRaw: async (key, bytes) => void (await workerd.bucket.put(key, bytes)),
      keys,
    }
  },
  { subject: R2Replica, type: 'r2', key: keyOf, fastTimestamps: false },
)

describe('R2Replica in workerd', () => {
  beforeEach(clear)

  async function list(call: Partial<WorkerCall>): Promise<{ minTXID: string; createdAt: number; size: number }[]> {
    const { status, bytes } = await workerd.post({ path: 'app', call: 'list', level: 0, ...call })
    expect(status).toBe(200)
    return JSON.parse(new TextDecoder().decode(bytes))
  }

  const open = (call: Partial<WorkerCall>) =>
    workerd.post({ path: 'app', call: 'open', level: 0, minTXID: '1', maxTXID: '1', ...call })

  test('reads the whole, a range, past the end; a missing file is none', async () => {
    const bytes = ltxBytes({ min: 1, size: 1_000_000 })
    await put('app', name(0, 1), bytes, TIMESTAMP)
    expect((await open({})).bytes).toEqual(bytes)
    expect((await open({ offset: 10, size: 500_000 })).bytes).toEqual(bytes.subarray(10, 500_010))
    expect((await open({ offset: 999_990, size: 100 })).bytes).toEqual(bytes.subarray(999_990))
    expect(await open({ offset: 1_000_000, size: 10 })).toEqual({ status: 200, bytes: new Uint8Array(0) })
    expect((await open({ minTXID: '2', maxTXID: '2' })).status).toBe(404)
  })

  test('a long level is listed whole, with metadata too, and by seek', async () => {
    const numbers = Array.from({ length: 1_100 }, (_, index) => index + 1)
    for (let at = 0; at < numbers.length; at += 50) {
      const some = numbers.slice(at, at + 50)
      await Promise.all(some.map((min) => put('app', name(0, min), ltxBytes({ min, size: 100 }), TIMESTAMP + min)))
    }
    const all = numbers.map(String)
    expect((await list({})).map(({ minTXID }) => minTXID)).toEqual(all)
    const exact = await list({ useMetadata: true })
    expect(exact.map(({ minTXID }) => minTXID)).toEqual(all)
    expect(exact.map(({ createdAt }) => createdAt - TIMESTAMP)).toEqual(numbers)
    expect((await list({ seek: '1099' })).map(({ minTXID }) => minTXID)).toEqual(['1099', '1100'])
  })

  test('a web server is read from a Worker too', async () => {
    const store = await startCatalogStore()
    try {
      const bytes = ltxBytes({ min: 1, size: 5_000 })
      await store.writer('web').write(name(0, 1), bytes)
      const url = store.url('web')
      expect(await list({ url })).toMatchObject([{ minTXID: '1', size: 5_000, createdAt: TIMESTAMP }])
      expect((await open({ url, offset: 10, size: 20 })).bytes).toEqual(bytes.subarray(10, 30))
    } finally {
      await store.close()
    }
  })
})
