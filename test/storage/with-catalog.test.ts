import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { highestTXID } from '../../replica/index.ts'
import { FileReplica } from '../../storage/file/index.ts'
import {
  type CatalogOptions,
  decodeCatalog,
  MemoryReplica,
  type PageMapSource,
  type ReplicaClient,
  StorageError,
  withCatalog,
  withCounting,
} from '../../storage/node.ts'
import { Replicator } from '../../writer/index.ts'
import { altered } from '../support/altered-client.ts'
import { seededRandom } from '../support/random.ts'
import { tempDir } from '../support/temp-dir.ts'
import { collect, ltxBytes, name, ranges, TIMESTAMP } from './ltx-bytes.ts'

const KEY = 'litetap/catalog.json'
const soon = { minIntervalMs: 0, retryMs: 20 }

/** The catalog that lies in the bucket now, as lines `level/min-max`; undefined when there is none. */
function catalogOf(replica: MemoryReplica): string[] | undefined {
  const object = replica.bucket.get(KEY)
  return object && decodeCatalog(object.bytes, KEY).files.map((file) => `${file.level}/${ranges([file])[0]}`)
}

/** What is in the bucket itself, in the same words. */
function bucketOf(replica: MemoryReplica): string[] {
  const files = [...replica.bucket.keys()].flatMap((key) => {
    const [, level, min, max] = /^ltx\/(\d)\/([0-9a-f]{16})-([0-9a-f]{16})\.ltx$/.exec(key) ?? []
    return level ? [{ level: Number(level), min: BigInt(`0x${min}`), max: BigInt(`0x${max}`) }] : []
  })
  return files
    .sort((a, b) => a.level - b.level || Number(a.min - b.min) || Number(a.max - b.max))
    .map(({ level, min, max }) => `${level}/${min}-${max}`)
}

function keeping(client: ReplicaClient, options: CatalogOptions = {}): ReplicaClient {
  const kept = withCatalog(client, { ...soon, ...options })
  onTestFinished(() => kept.close())
  return kept
}

test('what was there, what comes and what goes', async () => {
  const replica = new MemoryReplica()
  await replica.write(name(9, 1, 3), ltxBytes({ min: 1, max: 3 }))
  await replica.write(name(0, 3), ltxBytes({ min: 3 }))
  const client = keeping(replica)
  await expect.poll(() => catalogOf(replica)).toEqual(['0/3-3', '9/1-3'])
  await client.write(name(0, 4), ltxBytes({ min: 4, size: 1234 }))
  await expect.poll(() => catalogOf(replica)).toEqual(['0/3-3', '0/4-4', '9/1-3'])
  await client.delete([name(0, 3), name(0, 77)])
  expect(catalogOf(replica)).toEqual(['0/4-4', '9/1-3'])
  const { files, layout } = decodeCatalog(replica.bucket.get(KEY)!.bytes, KEY)
  expect(layout).toBe('ltx')
  expect(files[0]).toEqual({ ...name(0, 4), size: 1234, createdAt: TIMESTAMP })
})

test('a file is out of the catalog before it is deleted, and in it only once it is durable', async () => {
  const replica = new MemoryReplica()
  for (let min = 1; min <= 20; min++) await replica.write(name(0, min), ltxBytes({ min }))
  const seen: string[] = []
  const watched = altered(replica, {
    write: async (file, body, options) => {
      if (catalogOf(replica)?.includes(`0/${file.minTXID}-${file.maxTXID}`)) seen.push(`early ${file.minTXID}`)
      return await replica.write(file, body, options)
    },
    delete: async (files) => {
      for (const file of files) {
        if (catalogOf(replica)!.includes(`0/${ranges([file])[0]}`)) seen.push(`late ${file.minTXID}`)
        await delay(1)
        if (catalogOf(replica)!.includes(`0/${ranges([file])[0]}`)) seen.push(`again ${file.minTXID}`)
        await replica.delete([file])
      }
    },
  })
  // Listings all the time, which find what is being deleted.
  const client = keeping(watched, { relistIntervalMs: 1 })
  await Promise.all([
    ...Array.from({ length: 20 }, (_, i) => client.delete([name(0, i + 1)])),
    ...Array.from({ length: 20 }, (_, i) => client.write(name(0, i + 21), ltxBytes({ min: i + 21 }))),
  ])
  expect(seen).toEqual([])
  await expect.poll(() => catalogOf(replica)).toEqual(bucketOf(replica))
})

test('one write at a time; the newest state wins', async () => {
  const replica = new MemoryReplica()
  let [inFlight, most, writes] = [0, 0, 0]
  const slow = altered(replica, {
    writeSidecar: async (name, body) => {
      writes += 1
      inFlight += 1
      most = Math.max(most, inFlight)
      await delay(5)
      await replica.writeSidecar(name, body)
      inFlight -= 1
    },
  })
  const client = keeping(slow)
  for (let min = 1; min <= 200; min++) {
    await client.write(name(0, min), ltxBytes({ min }))
    if (min % 2 === 0) await delay(1)
    if (min % 50 === 0) await client.delete([name(0, 1000)]) // which wants it written at once
  }
  await expect.poll(() => catalogOf(replica)).toHaveLength(200)
  expect(most).toBe(1)
  expect(writes).toBeLessThan(100)
})

test('no more than one small PUT per commit, and nothing else, after the first listing', async () => {
  const replica = new MemoryReplica()
  const { client: counted, counts } = withCounting(replica)
  const client = keeping(counted)
  await expect.poll(() => catalogOf(replica)).toEqual([])
  counts.reset()
  const commits = 60
  for (let min = 1; min <= commits; min++) {
    await client.write(name(0, min), ltxBytes({ min }))
    await expect.poll(() => catalogOf(replica), { interval: 1 }).toHaveLength(min) // a commit now and then: none is coalesced
  }
  expect(counts.snapshot()).toMatchObject({ put: 2 * commits, total: 2 * commits })
  expect(replica.bucket.get(KEY)!.bytes.length).toBeLessThan(60 * commits)
})

test('of a burst, one write at once and one for the rest', async () => {
  const replica = new MemoryReplica()
  const { client: counted, counts } = withCounting(replica)
  const client = keeping(counted, { minIntervalMs: 200 })
  await expect.poll(() => catalogOf(replica)).toEqual([])
  await delay(250)
  counts.reset()
  for (let min = 1; min <= 50; min++) {
    await client.write(name(0, min), ltxBytes({ min }))
    if (min === 1) await expect.poll(() => catalogOf(replica), { interval: 1 }).toHaveLength(1)
  }
  await expect.poll(() => catalogOf(replica)).toHaveLength(50)
  expect(counts.requests.put).toBe(50 + 2)
})

test('a catalog that cannot be written holds nothing up, is told, and is tried again', async () => {
  const replica = new MemoryReplica()
  let broken = true
  const errors: unknown[] = []
  const down = new StorageError('STORAGE_ACCESS_DENIED', 'no')
  const client = keeping(
    altered(replica, {
      writeSidecar: async (name, body) => {
        if (broken) throw down
        await replica.writeSidecar(name, body)
      },
    }),
    { onError: (error) => errors.push(error) },
  )
  await client.write(name(0, 1), ltxBytes({ min: 1 }))
  await client.write(name(0, 2), ltxBytes({ min: 2 }))
  await client.delete([name(0, 1)])
  expect(bucketOf(replica)).toEqual(['0/2-2'])
  expect(catalogOf(replica)).toBeUndefined()
  expect(errors.length).toBeGreaterThan(0)
  expect(new Set(errors)).toEqual(new Set([down]))
  broken = false // nothing else happens: only the pause ends
  await expect.poll(() => catalogOf(replica)).toEqual(['0/2-2'])
})

test('a catalog that hangs holds up a deletion and the end for as long as it is told to, and commits not at all', async () => {
  const replica = new MemoryReplica()
  const over = new AbortController()
  const hanging = () =>
    altered(new MemoryReplica({ bucket: replica.bucket }), {
      writeSidecar: (_name, _body, signal) =>
        new Promise((_, reject) => {
          const either = AbortSignal.any([signal!, over.signal])
          either.addEventListener('abort', () => reject(either.reason))
          if (either.aborted) reject(either.reason)
        }),
    })
  const client = withCatalog(hanging(), { ...soon, patienceMs: 30 })
  for (let min = 1; min <= 5; min++) await client.write(name(0, min), ltxBytes({ min }))
  await client.delete([name(0, 1)])
  await client.close()
  expect(bucketOf(replica)).toHaveLength(4)

  const reason = new Error('stop')
  const patient = withCatalog(hanging(), { ...soon, patienceMs: 300_000 })
  const stop = new AbortController()
  const deleting = patient.delete([name(0, 2)], stop.signal)
  setTimeout(() => stop.abort(reason), 20)
  await expect(deleting).rejects.toBe(reason)
  expect(bucketOf(replica)).toHaveLength(4)
  over.abort()
  await patient.close()
})

test('a write that failed may have arrived: the bucket is asked', async () => {
  const replica = new MemoryReplica()
  const client = keeping(
    altered(replica, {
      write: async (file, body, options) => {
        await replica.write(file, body, options)
        throw new StorageError('STORAGE_TIMEOUT', 'the answer was lost')
      },
    }),
  )
  await expect.poll(() => catalogOf(replica)).toEqual([])
  await expect(client.write(name(0, 1), ltxBytes({ min: 1 }))).rejects.toMatchObject({ code: 'STORAGE_TIMEOUT' })
  await expect.poll(() => catalogOf(replica)).toEqual(['0/1-1'])
})

test('what others do to the bucket is found, and their times are read once', async () => {
  const replica = new MemoryReplica()
  // As S3 lists: the store's own times, unless asked.
  const asked: string[] = []
  const storeTimes = altered(replica, {
    list: async function* (level, options = {}) {
      for await (const file of replica.list(level, options)) {
        if (options.useMetadata) asked.push(`head ${file.minTXID}`)
        yield options.useMetadata ? file : { ...file, createdAt: 1 }
      }
    },
    open: async (file, options) => {
      asked.push(`get ${file.minTXID}`)
      return await replica.open(file, options)
    },
  })
  await replica.write(name(0, 1), ltxBytes({ min: 1, timestamp: TIMESTAMP + 1 }))
  const client = keeping(storeTimes, { relistIntervalMs: 20 })
  await expect.poll(() => catalogOf(replica)).toEqual(['0/1-1'])
  await client.write(name(0, 2), ltxBytes({ min: 2, timestamp: TIMESTAMP + 2 }))
  await replica.write(name(0, 3), ltxBytes({ min: 3, timestamp: TIMESTAMP + 3 }))
  await expect.poll(() => catalogOf(replica)).toEqual(['0/1-1', '0/2-2', '0/3-3'])
  await replica.delete([name(0, 1)])
  await expect.poll(() => catalogOf(replica)).toEqual(['0/2-2', '0/3-3'])
  const times = decodeCatalog(replica.bucket.get(KEY)!.bytes, KEY).files.map(({ createdAt }) => createdAt - TIMESTAMP)
  expect(times).toEqual([2, 3])
  expect(asked).toEqual(['head 1', 'get 3'])
})

test('closing writes the last state', async () => {
  const replica = new MemoryReplica()
  const client = withCatalog(new MemoryReplica({ bucket: replica.bucket }), { minIntervalMs: 60_000 })
  await expect.poll(() => catalogOf(replica)).toEqual([])
  for (let min = 1; min <= 3; min++) await client.write(name(0, min), ltxBytes({ min }))
  await client.close()
  expect(catalogOf(replica)).toEqual(['0/1-1', '0/2-2', '0/3-3'])
  await expect(client.write(name(0, 4), ltxBytes({ min: 4 }))).rejects.toMatchObject({ code: 'STORAGE_CLOSED' })
})

test('deleteAll leaves nothing, closing afterwards neither', async () => {
  const replica = new MemoryReplica()
  const client = withCatalog(new MemoryReplica({ bucket: replica.bucket }), soon)
  await client.write(name(0, 1), ltxBytes({ min: 1 }))
  await client.deleteAll()
  await client.close()
  expect([...replica.bucket.keys()]).toEqual([])
})

test('a store that cannot hold a catalog is refused', () => {
  const reading = altered(new MemoryReplica(), { writeSidecar: undefined as never })
  const without = new Proxy(reading, { get: (t, p) => (p === 'writeSidecar' ? undefined : Reflect.get(t, p)) })
  expect(() => withCatalog(without)).toThrow(expect.objectContaining({ code: 'STORAGE_BAD_OPTION' }))
})

test.each([1, 2, 3])(
  'whatever happens in whatever order, the catalog ends as the bucket is (seed %i)',
  async (seed) => {
    const random = seededRandom(seed)
    const replica = new FileReplica({ path: tempDir() })
    const flaky = altered(replica, {
      write: async (...args) => {
        const info = await replica.write(...args)
        if (random() < 0.2) throw new StorageError('STORAGE_TIMEOUT', 'the answer was lost')
        return info
      },
      writeSidecar: async (name, body) => {
        if (random() < 0.3) throw new StorageError('STORAGE_TIMEOUT', 'no')
        await replica.writeSidecar(name, body)
      },
      delete: async (files) => {
        if (random() < 0.2) throw new StorageError('STORAGE_TIMEOUT', 'no')
        await replica.delete(files)
      },
    })
    const client = keeping(flaky, { relistIntervalMs: 50, retryMs: 5 })
    await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        await delay(random() * 50)
        const file = name(Math.floor(random() * 3), 1 + Math.floor(random() * 20))
        if (i % 3 === 0) await client.delete([file]).catch(() => {})
        else await client.write(file, ltxBytes({ min: Number(file.minTXID) })).catch(() => {})
      }),
    )
    const listed = async () =>
      (await Promise.all([0, 1, 2].map((level) => collect(replica.list(level)))))
        .flat()
        .map((f) => `${f.level}/${f.minTXID}`)
    const written = async () => {
      const bytes = await readFile(new URL(`${replica.url}/${KEY}`))
      return decodeCatalog(bytes, KEY).files.map((f) => `${f.level}/${f.minTXID}`)
    }
    await expect.poll(written, { timeout: 10_000 }).toEqual(await listed())
  },
)

test('beside a live replicator with compaction and retention: a write for each change at most, and the last is right', async () => {
  const dir = tempDir()
  const replica = new FileReplica({ path: join(dir, 'replica') })
  let [changes, catalogs] = [0, 0]
  const watched = altered(replica, {
    write: async (...args) => {
      changes += 1
      return await replica.write(...args)
    },
    delete: async (files, signal) => {
      if (files.length > 0) changes += 1
      await replica.delete(files, signal)
    },
    writeSidecar: async (name, body) => {
      catalogs += 1
      await replica.writeSidecar(name, body)
    },
  })
  const app = new DatabaseSync(join(dir, 'app.db'))
  onTestFinished(() => app.close())
  app.exec('PRAGMA journal_mode = wal; CREATE TABLE t (x)')
  const client = withCatalog(watched, { minIntervalMs: 0 })
  const replicator = new Replicator({
    dbPath: join(dir, 'app.db'),
    client,
    settings: {
      minSyncIntervalMs: 0,
      levels: [{ level: 1, intervalMs: 200 }],
      l0RetentionMs: 1,
      l0RetentionCheckIntervalMs: 100,
    },
  })
  await replicator.start()
  for (let i = 0; i < 60; i++) {
    app.exec(`INSERT INTO t VALUES (${i})`)
    await replicator.flush()
    await delay(40)
  }
  await replicator.close()
  await client.close()
  const again = new FileReplica({ path: join(dir, 'replica') })
  const levels = Array.from({ length: 10 }, (_, level) => collect(again.list(level)))
  const there = (await Promise.all(levels)).flat()
  const { files } = decodeCatalog(await readFile(join(dir, 'replica', KEY)), KEY)
  expect(files).toEqual(there)
  expect(there.filter(({ level }) => level === 1).length).toBeGreaterThan(1)
  expect(changes).toBeGreaterThan(62) // commits, the snapshot, compactions, deletions
  expect(catalogs).toBeLessThanOrEqual(changes + 1) // and one at the start
})

/** A source of page maps that lead to all files there are. */
function mapping(): PageMapSource & { made: number; failure: Error | undefined } {
  return {
    made: 0,
    failure: undefined,
    async make(files) {
      this.made += 1
      if (this.failure) throw this.failure
      return { txid: highestTXID(files), body: new TextEncoder().encode(`map of ${files.length}`), files }
    },
    close: () => {},
  }
}

describe('with page maps', () => {
  const read = (replica: MemoryReplica) => decodeCatalog(replica.bucket.get(KEY)!.bytes, KEY)
  const map = (replica: MemoryReplica) => new TextDecoder().decode(replica.bucket.get('litetap/pages.map')!.bytes)

  test('the catalog names one once it is there, and a newer one after a while', async () => {
    const replica = new MemoryReplica()
    await replica.write(name(0, 1), ltxBytes({ min: 1 }))
    const pageMaps = mapping()
    const client = keeping(replica, { pageMaps, pageMapIntervalMs: 50 })
    await expect.poll(() => read(replica).pageMap).toEqual({ txid: 1n, size: 8 })
    expect(map(replica)).toBe('map of 1')
    for (let min = 2; min <= 6; min++) await client.write(name(0, min), ltxBytes({ min }))
    await expect.poll(() => read(replica)).toMatchObject({ pageMap: { txid: 6n }, files: { length: 6 } })
    expect(map(replica)).toBe('map of 6')
    const { made } = pageMaps
    await delay(200)
    expect(pageMaps.made).toBe(made) // nothing has changed
  })

  test('one that leads to a file that is deleted is named no more before that is deleted', async () => {
    const replica = new MemoryReplica()
    for (const min of [1, 2]) await replica.write(name(0, min), ltxBytes({ min }))
    const pageMaps = mapping()
    const named: unknown[] = []
    const client = keeping(
      altered(replica, {
        delete: async (files) => {
          named.push(read(replica).pageMap)
          await replica.delete(files)
        },
      }),
      { pageMaps, pageMapIntervalMs: 50 },
    )
    await expect.poll(() => read(replica).pageMap?.txid).toBe(2n)
    await client.delete([name(0, 1)])
    expect(named).toEqual([undefined])
    await expect.poll(() => read(replica)).toMatchObject({ pageMap: { txid: 2n }, files: { length: 1 } })
    expect(map(replica)).toBe('map of 1')
  })

  test('where none can be made, the catalog is kept all the same', async () => {
    const replica = new MemoryReplica()
    const errors: unknown[] = []
    const pageMaps = mapping()
    pageMaps.failure = new Error('no')
    const client = keeping(replica, { pageMaps, pageMapIntervalMs: 0, onError: (error) => errors.push(error) })
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    await expect.poll(() => errors).toContain(pageMaps.failure)
    expect(read(replica)).toMatchObject({ pageMap: undefined, files: { length: 1 } })
    pageMaps.failure = undefined
    await client.write(name(0, 2), ltxBytes({ min: 2 }))
    await expect.poll(() => read(replica).pageMap?.txid).toBe(2n)
  })
})
