import fc from 'fast-check'
import { caches, Response } from 'undici'
import { beforeAll, expect, test, vi } from 'vitest'
import { decodeChunk, encodeChunk } from '../../pagecache/web/chunk.ts'
import { WebCache, type WebCacheOptions } from '../../pagecache/web/index.ts'
import { isPageOf, pageOf, pagesOf, range } from './pages.ts'

// undici's Cache API, which the browsers' own is not: those are in test/everywhere. It takes only Responses of its own.
beforeAll(() => {
  vi.stubGlobal('Response', Response)
})

let names = 0

/** Opens one cache again and again, as tabs of one origin do. */
function origin(options: WebCacheOptions = {}): () => Promise<WebCache> {
  const name = `test ${++names}`
  const storage = options.caches ?? (caches as unknown as CacheStorage)
  return async () => await WebCache.open({ name, ...options, caches: storage })
}

async function expectPages(cache: WebCache, file: string, pgnos: readonly number[]): Promise<void> {
  const found = await cache.read(file, pgnos)
  expect(found.map((page, i) => page !== undefined && isPageOf(page, file, pgnos[i]!))).toEqual(pgnos.map(() => true))
}

async function countPages(cache: WebCache, file: string, pgnos: readonly number[]): Promise<number> {
  return (await cache.read(file, pgnos)).filter((page) => page !== undefined).length
}

test('what was written is there the next time, and in another tab', async () => {
  const open = origin()
  const first = await open()
  first.write('a', pagesOf('a', 1, 200))
  first.write('b', new Map(pagesOf('b', 70, 3)))
  first.writeBlob('state', new Uint8Array([1, 2, 3]))
  await first.close()
  const second = await open()
  await expectPages(second, 'a', range(1, 200))
  await expectPages(second, 'b', [72, 70])
  expect(await second.readBlob('state')).toEqual(new Uint8Array([1, 2, 3]))
  expect(await countPages(second, 'b', [69, 73])).toBe(0)
})

test('a page that cannot be there costs no look', async () => {
  const cache = await origin()()
  expect(cache.read('a', [1, 2])).toEqual([undefined, undefined]) // not a promise
  expect(await cache.readBlob('state')).toBeUndefined()
})

test('pages of one chunk that are written one after the other are all kept', async () => {
  const open = origin()
  const cache = await open()
  for (const pgno of range(1, 20)) {
    cache.write('a', [[pgno, pageOf('a', pgno)]])
    await cache.flush()
  }
  await expectPages(cache, 'a', range(1, 20))
  await expectPages(await open(), 'a', range(1, 20))
})

test('a page that is read is the reader’s own', async () => {
  const cache = await origin()()
  cache.write('a', pagesOf('a', 1, 2))
  await cache.flush()
  const [page] = await cache.read('a', [1])
  page!.fill(0)
  await expectPages(cache, 'a', [1, 2])
})

test('two tabs add to what there is', async () => {
  const open = origin()
  const [one, other] = [await open(), await open()]
  one.write('a', pagesOf('a', 1, 10))
  await one.flush()
  other.write('b', pagesOf('b', 1, 10))
  await other.flush()
  await expectPages(other, 'a', range(1, 10))
  await expectPages(await open(), 'b', range(1, 10))
})

test('it holds no more than it may, and what was read last stays', async () => {
  const open = origin({ maxBytes: 4 * 64 * 4200 })
  const cache = await open()
  for (const file of ['a', 'b', 'c']) {
    cache.write(file, pagesOf(file, 64, 64))
    await cache.flush()
  }
  await expectPages(cache, 'a', [64])
  for (const file of ['d', 'e']) {
    cache.write(file, pagesOf(file, 64, 64))
    await cache.flush()
  }
  const again = await open()
  const counts = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((file) => countPages(again, file, range(64, 64))))
  expect(counts).toEqual([64, 0, 64, 64, 64])
})

test('where there is no room half goes, and then nothing is kept; no read fails', async () => {
  const storage = caches as unknown as CacheStorage
  let room = true
  const full = withPut(storage, async (put) => {
    if (!room) throw new DOMException('no room', 'QuotaExceededError')
    await put()
  })
  const cache = await origin({ caches: full })()
  for (const file of ['a', 'b']) {
    cache.write(file, pagesOf(file, 64, 64))
    await cache.flush()
  }
  expect(cache.stats()).toMatchObject({ written: 128, dropped: 0, usable: true, problem: undefined })
  room = false
  cache.write('c', pagesOf('c', 64, 64))
  await cache.flush()
  expect(cache.stats()).toMatchObject({ dropped: 64, usable: false, problem: { code: 'WEB_CACHE_UNAVAILABLE' } })
  expect(await countPages(cache, 'c', range(64, 64))).toBe(0)
  expect(await countPages(cache, 'a', range(64, 64))).toBe(0)
  await expectPages(cache, 'b', range(64, 64))
  room = true
  cache.write('d', pagesOf('d', 64, 64))
  await cache.flush()
  expect(await countPages(cache, 'd', range(64, 64))).toBe(0)
})

test('where the runtime has none, nothing is kept, and it says so', async () => {
  const refusing = { open: () => Promise.reject(new DOMException('The operation is insecure.', 'SecurityError')) }
  for (const options of [{ caches: refusing as unknown as CacheStorage }, {}]) {
    const problems: string[] = []
    const cache = await WebCache.open({ ...options, onProblem: ({ code }) => problems.push(code) })
    cache.write('a', pagesOf('a', 1, 5))
    cache.writeBlob('state', new Uint8Array(3))
    await cache.close()
    expect(await countPages(cache, 'a', [1, 2])).toBe(0)
    expect(await cache.readBlob('state')).toBeUndefined()
    expect(cache.stats()).toMatchObject({ usable: false, misses: 2, written: 0, dropped: 6 })
    expect(cache.stats().problem?.message).toMatch(/Cannot use the page cache litetap: ./)
    expect(problems).toEqual(['WEB_CACHE_UNAVAILABLE'])
  }
})

test('entries that another tab or the browser has let go are misses', async () => {
  const open = origin()
  const cache = await open()
  cache.write('a', pagesOf('a', 1, 100))
  await cache.close()
  const again = await open()
  const name = `test ${names}`
  const inside = await caches.open(name)
  for (const { url } of await inside.keys()) if (url.includes('/pages/')) await inside.delete(url)
  expect(await countPages(again, 'a', range(1, 100))).toBe(0)
})

test('chunks: what is encoded is decoded, and what was cut short is nothing', () => {
  const pages = fc.uniqueArray(fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 50 })), { selector: ([pgno]) => pgno })
  fc.assert(
    fc.property(pages, fc.nat(), (pages, cut) => {
      const bytes = encodeChunk(new Map(pages))
      expect(decodeChunk(bytes)).toEqual(pages)
      expect(decodeChunk(bytes.subarray(0, cut % bytes.length))).toEqual([])
    }),
    { seed: 11 },
  )
})

/** Caches whose `put` goes through a function. */
function withPut(storage: CacheStorage, through: (put: () => Promise<void>) => Promise<void>): CacheStorage {
  return {
    open: async (name: string) => {
      const cache = await storage.open(name)
      return {
        match: (url: string) => cache.match(url),
        delete: (url: string) => cache.delete(url),
        put: (url: string, reply: globalThis.Response) => through(() => cache.put(url, reply)),
      }
    },
  } as unknown as CacheStorage
}
