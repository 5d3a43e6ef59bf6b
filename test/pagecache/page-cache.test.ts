import { describe, expect, test } from 'vitest'
import { PageCache } from '../../pagecache/index.ts'
import { seededRandom } from '../support/random.ts'

function page(value: number, size = 512): Uint8Array {
  return new Uint8Array(size).fill(value)
}

describe('PageCache', () => {
  test('pages by file and number, whichever handle', () => {
    const cache = new PageCache()
    const [a, again, b] = [cache.file('a'), cache.file('a'), cache.file('b')]
    cache.set(a, 1, page(1))
    cache.set(b, 1, page(2))
    expect(cache.get(again, 1)?.[0]).toBe(1)
    expect(cache.get(b, 1)?.[0]).toBe(2)
    expect(cache.get(a, 2)).toBeUndefined()
    expect(cache.stats()).toMatchObject({ hits: 2, misses: 1, pages: 2, files: 2, bytes: 1024 })
  })

  test('bounded in bytes, least recently used first out: as a model, seeds 1 to 20', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed)
      const cache = new PageCache({ maxBytes: 512 * 20 })
      const files = ['a', 'b', 'c'].map((key) => cache.file(key))
      const model = new Map<string, number>()
      for (let step = 0; step < 3000; step++) {
        const f = Math.floor(random() * 3)
        const pgno = 1 + Math.floor(random() * 15)
        const name = `${f} ${pgno}`
        const value = (f * 50 + pgno) % 256
        if (random() < 0.5) {
          const known = model.get(name)
          expect(cache.get(files[f]!, pgno)?.[0]).toBe(known)
          if (known !== undefined) {
            model.delete(name)
            model.set(name, known)
          }
        } else if (!model.has(name)) {
          cache.set(files[f]!, pgno, page(value))
          model.set(name, value)
          if (model.size > 20) model.delete(model.keys().next().value!)
        }
        expect(cache.stats().bytes).toBeLessThanOrEqual(cache.maxBytes)
      }
    }
  })

  test('a view is copied: no page keeps a download alive', () => {
    const cache = new PageCache()
    const download = new Uint8Array(1_000_000)
    const kept = cache.set(cache.file('a'), 1, download.subarray(512, 1024))
    expect(kept.buffer.byteLength).toBe(512)
    const own = page(3)
    expect(cache.set(cache.file('a'), 2, own)).toBe(own)
  })

  test('files that come and go, 100,000 of them, leave nothing behind', () => {
    const cache = new PageCache({ maxBytes: 512 * 10 })
    const first = cache.file('file 0')
    for (let i = 0; i < 100_000; i++) cache.set(cache.file(`file ${i}`), 1, page(i % 256))
    expect(cache.stats()).toMatchObject({ files: 10, pages: 10 })
    expect(cache.get(first, 1)).toBeUndefined()
    cache.set(first, 1, page(7))
    expect(cache.get(cache.file('file 0'), 1)?.[0]).toBe(7)
    // A handle that outlived its pages never gives another file's.
    const other = cache.file('other')
    for (let i = 0; i < 10; i++) cache.set(other, 100 + i, page(9))
    expect(cache.get(first, 1)).toBeUndefined()
    expect(cache.get(first, 100)).toBeUndefined()
  })

  test('what was fetched ahead: useful when read, wasted when evicted unread', () => {
    const cache = new PageCache({ maxBytes: 512 * 4 })
    const file = cache.file('a')
    for (let pgno = 1; pgno <= 4; pgno++) cache.set(file, pgno, page(pgno), { ahead: true })
    cache.get(file, 1)
    cache.get(file, 1)
    expect(cache.stats()).toMatchObject({ aheadUseful: 1, aheadWasted: 0 })
    for (let pgno = 5; pgno <= 9; pgno++) cache.set(file, pgno, page(pgno))
    expect(cache.stats()).toMatchObject({ aheadUseful: 1, aheadWasted: 3 })
  })

  test('misuse', () => {
    expect(() => new PageCache({ maxBytes: 0 })).toThrow(RangeError)
    const cache = new PageCache({ maxBytes: 1000 })
    expect(() => cache.get(new PageCache().file('a'), 1)).toThrow(TypeError)
    expect(cache.set(cache.file('a'), 1, page(1, 2000)).length).toBe(2000) // too large to keep: given back
    expect(cache.has(cache.file('a'), 1)).toBe(false)
  })
})
