import { describe, expect, test } from 'vitest'
import { type CachedFile, PageCache } from '../../pagecache/index.ts'
import { seededRandom } from '../support/random.ts'
import { isPageOf, pageOf } from './pages.ts'

describe('PageCache, at its edges', () => {
  test('tells page numbers apart up to the last, in neighbouring files', () => {
    const cache = new PageCache()
    const files = ['a', 'b', 'c'].map((key) => cache.file(key))
    const pgnos = [1, 2, 2 ** 31, 2 ** 32 - 1]
    for (const file of files) for (const pgno of pgnos) cache.set(file, pgno, pageOf(file.key, pgno, 512))
    for (const file of files) {
      for (const pgno of pgnos) expect(cache.get(file, pgno)).toEqual(pageOf(file.key, pgno, 512))
    }
  })

  test.each([1, 2, 3])('old and new handles, pages of all sizes: bounded, and never another page, seed %i', (seed) => {
    const random = seededRandom(seed)
    const pick = (n: number): number => Math.floor(random() * n)
    const maxBytes = 64 * 1024
    const cache = new PageCache({ maxBytes })
    const handles: CachedFile[] = []
    let gets = 0
    for (let i = 0; i < 20_000; i++) {
      const at = pick(200)
      if (random() < 0.02) delete handles[at]
      handles[at] ??= cache.file(`file ${pick(40)}`)
      const handle = handles[at]
      const pgno = 1 + pick(20)
      const size = 512 << (pgno % 5)
      if (random() < 0.5) {
        cache.set(handle, pgno, pageOf(handle.key, pgno, size), { ahead: random() < 0.5 })
      } else {
        gets++
        const page = cache.get(handle, pgno)
        if (page && !isPageOf(page, handle.key, pgno, size)) throw new Error(`wrong page ${pgno} of ${handle.key}`)
      }
      const { bytes, pages, files } = cache.stats()
      if (bytes > maxBytes || files > pages || pages * 512 > maxBytes) throw new Error(`over the limit at ${i}`)
    }
    const { hits, misses } = cache.stats()
    expect(hits + misses).toBe(gets)
    expect(hits).toBeGreaterThan(100)
    cache.clear()
    expect(cache.stats()).toMatchObject({ bytes: 0, pages: 0, files: 0 })
  })

  test('peek and has leave no trace', () => {
    const cache = new PageCache({ maxBytes: 2 * 512 })
    const file = cache.file('f')
    cache.set(file, 1, pageOf('f', 1, 512), { ahead: true })
    cache.set(file, 2, pageOf('f', 2, 512))
    expect(cache.peek(file, 1)).toEqual(pageOf('f', 1, 512))
    expect(cache.peek(file, 9)).toBeUndefined()
    expect(cache.has(file, 1)).toBe(true)
    expect(cache.stats()).toMatchObject({ hits: 0, misses: 0, aheadUseful: 0 })
    cache.set(file, 3, pageOf('f', 3, 512))
    expect(cache.has(file, 1)).toBe(false)
  })

  test('a page that is here stays as it is', () => {
    const cache = new PageCache()
    const file = cache.file('f')
    const first = cache.set(file, 1, pageOf('f', 1))
    expect(cache.set(file, 1, pageOf('f', 1), { ahead: true })).toBe(first)
    expect(cache.get(file, 1)).toBe(first)
    expect(cache.stats()).toMatchObject({ pages: 1, bytes: 4096, aheadUseful: 0 })
  })

  test('a Buffer over a larger buffer is copied, though its own slice would be a view', () => {
    const cache = new PageCache()
    const download = new Uint8Array(1 << 20).fill(5)
    const cached = cache.set(cache.file('f'), 1, Buffer.from(download.buffer, 0, 4096))
    expect(cached.buffer.byteLength).toBe(4096)
    download.fill(6)
    expect(cached.every((byte) => byte === 5)).toBe(true)
  })

  test('two handles of a file find each other’s pages, whichever came first', () => {
    const cache = new PageCache({ maxBytes: 4 * 512 })
    const [early, late] = [cache.file('f'), cache.file('f')]
    cache.set(late, 1, pageOf('f', 1, 512))
    cache.set(early, 2, pageOf('f', 2, 512))
    for (const file of [early, late]) expect([cache.has(file, 1), cache.has(file, 2)]).toEqual([true, true])
    expect(cache.stats().files).toBe(1)
  })

  test('of 100,000 handles kept, none reaches the page of a file that has its id now', () => {
    const cache = new PageCache({ maxBytes: 10 * 512 })
    const handles: CachedFile[] = []
    for (let i = 0; i < 100_000; i++) {
      const file = cache.file(`file ${i}`)
      cache.set(file, 1, new Uint8Array(512))
      handles.push(file)
    }
    const found = handles.filter((file) => cache.has(file, 1)).map(({ key }) => key)
    expect(found).toEqual(Array.from({ length: 10 }, (_, i) => `file ${99_990 + i}`))
  })

  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a limit of %d bytes', (maxBytes) => {
    expect(() => new PageCache({ maxBytes })).toThrow(RangeError)
  })
})
