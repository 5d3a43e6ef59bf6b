import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'
import { open } from '../../entry/open.ts'
import { DiskCache } from '../../pagecache/disk/index.ts'
import { openReplica, parseReplicaURL, type ReplicaClient } from '../../storage/node.ts'
import { ConnectionPool, type Database } from '../../vfs/index.ts'
import { altered } from '../support/altered-client.ts'
import { tempDir } from '../support/temp-dir.ts'
import { source } from '../vfs/scene.ts'

type LooseOpen = (source?: unknown, options?: unknown) => Promise<Database>
const looseOpen = open as LooseOpen

const TABLE = 'CREATE TABLE t (v); INSERT INTO t VALUES (1)'

/** A replica in a folder. @returns its URL */
async function folder(): Promise<URL> {
  const made = await source(TABLE)
  const url = pathToFileURL(join(tempDir(), 'replica'))
  const client = await openReplica(url)
  for await (const file of made.client.list(0)) await client.write(file, (await made.client.open(file))!)
  await client.close()
  return url
}

test('open refuses what is no source and no option, with what was expected', async () => {
  const { client } = await source(TABLE)
  for (const [args, says] of [
    [[], /URL of a replica, or its client, but it is undefined/],
    [[null], /but it is null/],
    [[42], /but it is 42/],
    [[{}], /but it is an object \(Object\)/],
    [[['s3://bucket']], /but it is an array/],
    [[client, null], /options must be an object, but is null/],
    [[client, 5], /options must be an object, but is 5/],
    [[client, { singal: 5 }], /has no "singal": did you mean signal\?/],
    [[client, { signal: 5 }], /signal must be an AbortSignal/],
    [[client, { poolSize: 0 }], /poolSize must be a whole number from 1 on, but is 0/],
    [[client, { poolSize: '4' }], /poolSize must be a whole number/],
    [[client, { bridge: 'jspy' }], /bridge must be 'jspi' or/],
    [[client, { checkIntervalMs: 'x' }], /checkIntervalMs must be a number from 0 on, but is text/],
    [[client, { checkIntervalMs: Number.NaN }], /checkIntervalMs must be a number from 0 on, but is NaN/],
    [[client, { checkIntervalMs: 2 ** 31, follow: true }], /checkIntervalMs must be at most/],
    [[client, { listIntervalMs: -1 }], /listIntervalMs must be a number from 0 on/],
    [[client, { follow: 'yes' }], /follow must be true or false/],
    [[client, { maxInFlight: 0 }], /maxInFlight must be a whole number from 1 on/],
    [[client, { onProblem: 1 }], /onProblem must be a function/],
    [[client, { cache: 5 }], /cache must be an object, but is 5/],
    [[client, { cache: { memoryByte: 5 } }], /cache has no "memoryByte": did you mean memoryBytes\?/],
    [
      [client, { cache: { memoryBytes: Number.NaN } }],
      /cache.memoryBytes must be a whole number from 1 on, but is NaN/,
    ],
    [[client, { cache: { path: '' } }], /cache.path must be text that is not empty/],
    [
      [client, { cache: { path: '/x', maxBytes: Number.NaN } }],
      /cache.maxBytes must be a whole number from 1048576 on/,
    ],
    [[client, { headers: new Headers() }], /headers must be an object of texts by name/],
    [[client, { headers: { authorization: 5 } }], /headers must be an object of texts by name/],
    [[client, { s3: { regoin: 'x' } }], /s3 has no "regoin": did you mean region\?/],
  ] as const) {
    await expect(looseOpen(...args), String(says)).rejects.toMatchObject({
      name: 'VfsError',
      code: 'VFS_USAGE',
      message: expect.stringMatching(says),
    })
  }
})

test('a URL is taken as an object, too', async () => {
  const url = await folder()
  for (const given of [url, url.href]) {
    await using db = await open(given, { file: {}, env: {}, cache: { memoryBytes: 1_000_000 } })
    expect(await db.get('SELECT v FROM t')).toEqual({ v: 1 })
    expect(await (await openReplica(given)).close()).toBeUndefined()
    expect(parseReplicaURL(given)).toEqual(parseReplicaURL(url.href))
  }
})

test('openReplica and parseReplicaURL refuse what is none', async () => {
  for (const given of [undefined, null, 5, {}, ['file:///x']]) {
    const bad = {
      name: 'StorageError',
      code: 'STORAGE_BAD_URL',
      message: expect.stringMatching(/must be text or a URL/),
    }
    await expect(openReplica(given as never)).rejects.toMatchObject(bad)
    expect(() => parseReplicaURL(given as never)).toThrow(expect.objectContaining({ code: 'STORAGE_BAD_URL' }))
  }
  for (const [options, says] of [
    [null, /options must be an object, but is null/],
    [{ envs: {} }, /has no "envs": did you mean env\?/],
    [{ s3: { endPoint: 5 } }, /s3 has no "endPoint": did you mean endpoint\?/],
    [{ s3: { endpoint: 5 } }, /s3.endpoint must be text, but is 5/],
    [{ file: { mode: '600' } }, /file.mode must be a number, but is text/],
    [{ idleTimeoutMs: Number.NaN }, /idleTimeoutMs must be a number from 0 on/],
  ] as const) {
    await expect(openReplica('file:///x', options as never), String(says)).rejects.toMatchObject({
      code: 'STORAGE_BAD_OPTION',
      message: expect.stringMatching(says),
    })
  }
})

/** What is made and let go of while a database is opened. */
function watched(client: ReplicaClient) {
  const counts = { watches: 0, closed: 0, timers: 0 }
  const counted = altered(client, {
    watch: () => {
      counts.watches++
      return { live: false, close: () => void counts.watches-- }
    },
    close: async () => {
      counts.closed++
      await client.close()
    },
  })
  return { client: counted, counts }
}

test('closing a database lets go of its cache on disk, too', async () => {
  const url = await folder()
  const close = vi.spyOn(DiskCache.prototype, 'close')
  onTestFinished(() => close.mockRestore())
  const db = await open(url, { cache: { path: tempDir() } })
  await db.close()
  expect(close).toHaveBeenCalledTimes(1)
})

test('an open that is aborted ends at once and leaves nothing behind, whenever that is', async () => {
  const started = vi.spyOn(ConnectionPool, 'start')
  const closed = vi.spyOn(ConnectionPool.prototype, 'close')
  const stores = vi.spyOn(DiskCache, 'open')
  const storesClosed = vi.spyOn(DiskCache.prototype, 'close')
  onTestFinished(() => void vi.restoreAllMocks())
  const made = await source(TABLE)
  const inner = made.client
  let aborted = 0
  for (let after = 0; after < 12; after++) {
    const aborting = new AbortController()
    let steps = 0
    const step = (): void => {
      if (++steps > after) aborting.abort(new Error(`after ${after}`))
    }
    const { client, counts } = watched(
      altered(inner, {
        list: async function* (level, options) {
          step()
          await delay(1)
          yield* inner.list(level, options)
        },
        open: async (file, range) => {
          step()
          await delay(1)
          return await inner.open(file, range)
        },
      }),
    )
    const path = tempDir()
    const opened = open(client, { signal: aborting.signal, cache: { path }, follow: true })
    const result = await opened.catch((error) => error)
    if (result instanceof Error) {
      aborted++
      expect(result.message).toBe(`after ${after}`)
      expect(counts.closed).toBe(0) // it is the caller's again
    } else await result.close()
    await vi.waitFor(() => expect(counts.watches).toBe(0))
  }
  expect(aborted).toBeGreaterThan(5)
  await vi.waitFor(async () => {
    const pools = await Promise.all(started.mock.results.map(({ value }) => value))
    expect(closed.mock.contexts.length).toBe(pools.length)
    const caches = await Promise.all(stores.mock.results.map(({ value }) => value))
    expect(new Set(storesClosed.mock.contexts).size).toBe(caches.length)
  })
})

test('an open that fails closes the client that it made of a URL, once', async () => {
  const url = pathToFileURL(join(tempDir(), 'nothing'))
  await expect(open(url)).rejects.toMatchObject({ code: 'REPLICA_EMPTY' })
  await expect(open(url, { signal: AbortSignal.abort(new Error('no more')) })).rejects.toThrow('no more')
})

test('an abort ends waiting for a store that never answers', async () => {
  const { client } = await source(TABLE)
  const aborting = new AbortController()
  const silent = altered(client, {
    list: async function* () {
      await new Promise(() => {})
    },
  })
  const opening = open(silent, { signal: aborting.signal })
  opening.catch(() => {})
  await delay(20)
  aborting.abort(new Error('no more'))
  await expect(opening).rejects.toThrow('no more')
})

test('a cache on disk that cannot be used is told of', async () => {
  const path = join(tempDir(), 'file')
  mkdirSync(join(path, '..'), { recursive: true })
  const { writeFileSync } = await import('node:fs')
  writeFileSync(path, 'no folder')
  const problems: unknown[] = []
  await using db = await open(await folder(), { cache: { path }, onProblem: (problem) => problems.push(problem) })
  expect(await db.get('SELECT v FROM t')).toEqual({ v: 1 })
  await vi.waitFor(() => expect(problems).toEqual([expect.objectContaining({ code: 'DISK_CACHE_UNAVAILABLE' })]))
})

test('a query that nobody would ever serve is refused at once', async () => {
  await using db = await open(await folder(), { poolSize: 1 })
  await db.transaction(async () => {
    await expect(db.get('SELECT 1')).rejects.toMatchObject({ code: 'VFS_DEADLOCK' })
  })
})
