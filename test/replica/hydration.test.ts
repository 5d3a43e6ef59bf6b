import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DiskCache } from '../../pagecache/disk/index.ts'
import { PageCache, type PageStore } from '../../pagecache/index.ts'
import { WebCache } from '../../pagecache/web/index.ts'
import { Replica } from '../../replica/index.ts'
import { memoryReplica, withCounting } from '../../storage/index.ts'
import { tempDir } from '../support/temp-dir.ts'
import { Bucket } from '../writer/restore-bucket.ts'
import { readState } from './read-state.ts'

async function open(store: PageStore, rows = 8000) {
  const written = memoryReplica()
  const bucket = new Bucket({ client: written, pageSize: 4096 })
  bucket.insert(rows)
  await bucket.upload(9, 1, 1)
  const { client, counts } = withCounting(memoryReplica({ bucket: written.bucket }))
  const replica = await Replica.open(client, { store, cache: new PageCache({ maxBytes: 40_960 }) })
  onTestFinished(() => replica.close())
  return { replica, counts, image: bucket.images[1]! }
}

/** A store that changes what another one does. */
function changed(store: PageStore, changes: Partial<PageStore>): PageStore {
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(changes, name) ?? Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

describe('hydration resolves when the store has all pages, and only then', () => {
  test('a folder that is none: it says so before anything is fetched', async () => {
    const path = join(tempDir(), 'file')
    writeFileSync(path, 'no folder')
    const store = await DiskCache.open({ path })
    expect(store.stats()).toMatchObject({ usable: false, problem: { code: 'DISK_CACHE_UNAVAILABLE' } })
    const { replica, counts, image } = await open(store)
    const before = counts.total
    await expect(replica.hydrate()).rejects.toMatchObject({
      code: 'REPLICA_STORE',
      message: expect.stringContaining(path),
      cause: { code: 'DISK_CACHE_UNAVAILABLE' },
    })
    expect(counts.total).toBe(before)
    expect((await readState(replica)).equals(image)).toBe(true)
  })

  test('a runtime without a cache', async () => {
    const { replica } = await open(await WebCache.open({ name: 'none' }))
    await expect(replica.hydrate()).rejects.toMatchObject({
      code: 'REPLICA_STORE',
      message: expect.stringContaining('none'),
    })
  })

  test('pages come faster than they are written: it waits for the store', async () => {
    const store = await DiskCache.open({ path: tempDir(), maxQueuedBytes: 64 * 1024 })
    const { replica, counts, image } = await open(store)
    await replica.hydrate()
    expect(store.stats().dropped).toBeGreaterThan(0)
    counts.reset()
    expect((await readState(replica)).equals(image)).toBe(true)
    expect(counts.total).toBe(0)
  })

  test('with a queue of the usual size nothing is dropped', async () => {
    const store = await DiskCache.open({ path: tempDir(), maxQueuedBytes: 8 * 1024 * 1024 })
    const { replica } = await open(store, 50_000)
    expect(replica.state.commit * 4096).toBeGreaterThan(2 * 8 * 1024 * 1024)
    await replica.hydrate()
    expect(store.stats()).toMatchObject({ dropped: 0, usable: true, problem: undefined })
  })

  test('a store that is smaller than the database', async () => {
    const { replica } = await open(await DiskCache.open({ path: tempDir(), maxBytes: 1024 * 1024 }))
    await expect(replica.hydrate()).rejects.toMatchObject({
      code: 'REPLICA_STORE',
      hint: expect.stringContaining('larger'),
    })
  })

  test('a store that is given up while it is filled', async () => {
    const store = await DiskCache.open({ path: tempDir() })
    let writes = 0
    const failing = changed(store, {
      write: (file, pages) => {
        if (++writes === 2) void store.close()
        store.write(file, pages)
      },
    })
    const { replica } = await open(failing)
    await expect(replica.hydrate()).rejects.toMatchObject({ code: 'REPLICA_STORE' })
  })

  test('a store that keeps nothing and says nothing', async () => {
    const { replica } = await open({
      read: (_file, pgnos) => pgnos.map(() => undefined),
      write() {},
      readBlob: () => undefined,
      writeBlob() {},
      flush: async () => {},
      close: async () => {},
    })
    await expect(replica.hydrate()).rejects.toMatchObject({
      code: 'REPLICA_STORE',
      message: expect.stringContaining('not there'),
    })
  })
})
