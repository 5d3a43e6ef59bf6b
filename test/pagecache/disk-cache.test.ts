import { rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DiskCache, type DiskCacheOptions, type DiskCacheProblem } from '../../pagecache/disk/index.ts'
import { seededRandom } from '../support/random.ts'
import { tempDir } from '../support/temp-dir.ts'
import { databasesIn, isPageOf, pageOf, pagesOf, range } from './pages.ts'

const MIB = 1024 * 1024

/** A cache that must not have any problem, closed when the test has ended. */
async function open(path: string, options: Partial<DiskCacheOptions> = {}): Promise<DiskCache> {
  const problems: DiskCacheProblem[] = []
  const cache = await DiskCache.open({ path, onProblem: (problem) => problems.push(problem), ...options })
  onTestFinished(async () => {
    await cache.close()
    expect(problems).toEqual([])
  })
  return cache
}

describe('DiskCache', () => {
  test('keeps pages and blobs over a restart', async () => {
    const path = join(tempDir(), 'made', 'on the way')
    const before = await open(path)
    before.write('s3://bucket/app 1/a.ltx', pagesOf('a', 1, 300))
    before.write('s3://bucket/app 1/b.ltx', new Map([[2 ** 32 - 1, pageOf('b', 5, 65536)]]))
    before.writeBlob('page map', pageOf('map', 1))
    before.writeBlob('page map', pageOf('map', 2, 100_000))
    await before.close()
    const cache = await open(path)
    expect(cache.read('s3://bucket/app 1/a.ltx', [300, 1, 301, 7])).toEqual([
      pageOf('a', 300),
      pageOf('a', 1),
      undefined,
      pageOf('a', 7),
    ])
    expect(cache.read('s3://bucket/app 1/b.ltx', [2 ** 32 - 1])).toEqual([pageOf('b', 5, 65536)])
    expect(cache.read('another', [1])).toEqual([undefined])
    expect(cache.read('another', [])).toEqual([])
    expect(cache.readBlob('page map')).toEqual(pageOf('map', 2, 100_000))
    expect(cache.readBlob('another')).toBeUndefined()
    expect(cache.stats()).toEqual({
      hits: 4,
      misses: 2,
      written: 0,
      dropped: 0,
      damaged: 0,
      usable: true,
      problem: undefined,
    })
  })

  test('gives every reader bytes of its own', async () => {
    const cache = await open(tempDir())
    cache.write('f', pagesOf('f', 1, 1))
    await cache.flush()
    const [page] = cache.read('f', [1])
    expect(page!.buffer.byteLength).toBe(4096)
    page!.fill(0)
    expect(cache.read('f', [1])).toEqual([pageOf('f', 1)])
  })

  test('writes by itself, soon', async () => {
    const cache = await open(tempDir())
    cache.write('f', pagesOf('f', 1, 10))
    await expect.poll(() => cache.read('f', [10])[0]).toEqual(pageOf('f', 10))
  })

  test('drops the oldest writes when too many wait', async () => {
    const cache = await open(tempDir(), { maxQueuedBytes: 10 * 4096 })
    cache.write('f', pagesOf('f', 1, 25))
    await cache.flush()
    const found = cache.read('f', range(1, 25)).map((page) => page !== undefined)
    expect(found).toEqual(range(1, 25).map((pgno) => pgno > 15))
    expect(cache.stats()).toMatchObject({ written: 10, dropped: 15 })
  })

  test.each([1, 2])('the file stays within its limit whatever is written, seed %i', async (seed) => {
    const random = seededRandom(seed)
    const pick = (n: number): number => Math.floor(random() * n)
    const path = tempDir()
    const cache = await open(path, { maxBytes: 2 * MIB })
    for (let i = 0; i < 150; i++) {
      const file = `file ${pick(10)}`
      const size = 512 << (file.charCodeAt(5) % 6)
      cache.write(file, pagesOf(file, 1 + pick(1000), 1 + pick(30), size))
      if (random() < 0.1) cache.writeBlob(`blob ${pick(9)}`, new Uint8Array(pick(0.6 * MIB)))
      await cache.flush()
      const pgno = 1 + pick(1000)
      const [page] = cache.read(file, [pgno])
      if (page && !isPageOf(page, file, pgno, size)) throw new Error('wrong page')
    }
    // Within one transaction it is larger by what that writes: SQLite gets the room before the old pages go.
    expect(statSync(databasesIn(path)[0]!).size).toBeLessThan(2 * MIB + 2 * MIB)
    await cache.close()
    const db = new DatabaseSync(databasesIn(path)[0]!, { readOnly: true })
    const free = Number(db.prepare('PRAGMA freelist_count').get()!.freelist_count)
    const pages = Number(db.prepare('PRAGMA page_count').get()!.page_count)
    expect((pages - free) * 4096).toBeLessThanOrEqual(2 * MIB)
    expect((pages - free) * 4096).toBeGreaterThan(MIB)
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
    db.close()
  })

  test('keeps what is read again and again, over restarts, and lets go of the rest', async () => {
    const path = tempDir()
    const options = { maxBytes: 4 * MIB } // room for about 900 pages
    let cache = await open(path, options)
    cache.write('hot', pagesOf('hot', 1, 100))
    for (let cold = 1; cold <= 4000; cold += 50) {
      cache.write('cold', pagesOf('cold', cold, 50))
      await cache.flush()
      cache.read('hot', range(1, 100))
      if (cold % 1000 === 1) {
        await cache.close()
        cache = await open(path, options)
      }
    }
    const here = (file: string, pgnos: number[]): number => cache.read(file, pgnos).filter(Boolean).length
    expect(here('hot', range(1, 100))).toBe(100)
    expect(here('cold', range(3501, 500))).toBe(500)
    expect(here('cold', range(1, 3000))).toBe(0)
  })

  test('blobs take a quarter at the most, those written last', async () => {
    const cache = await open(tempDir(), { maxBytes: 4 * MIB })
    for (let i = 1; i <= 5; i++) cache.writeBlob(`blob ${i}`, new Uint8Array(0.3 * MIB).fill(i))
    await cache.flush()
    expect(range(1, 5).map((i) => cache.readBlob(`blob ${i}`)?.[0])).toEqual([undefined, undefined, 3, 4, 5])
    cache.writeBlob('blob 5', new Uint8Array(1.1 * MIB))
    await cache.flush()
    expect(cache.readBlob('blob 5')).toBeUndefined() // not the old one: that has been replaced
  })

  test('two caches on one folder see each other’s pages', async () => {
    const path = tempDir()
    const [a, b] = [await open(path), await open(path)]
    a.write('f', pagesOf('f', 1, 5))
    await a.flush()
    expect(b.read('f', [5])).toEqual([pageOf('f', 5)])
  })

  test('a file of another format is begun anew', async () => {
    const path = tempDir()
    const before = await open(path)
    before.write('f', pagesOf('f', 1, 5))
    await before.close()
    const db = new DatabaseSync(databasesIn(path)[0]!)
    db.exec('PRAGMA user_version = 99')
    db.close()
    const cache = await open(path)
    expect(cache.read('f', [1])).toEqual([undefined])
    cache.write('f', pagesOf('f', 1, 5))
    await cache.flush()
    expect(cache.read('f', [1])).toEqual([pageOf('f', 1)])
    expect(databasesIn(path)).toEqual([join(path, 'pages-1-1.db')])
  })

  test('files of an earlier version are removed, those of a later one and all others are left alone', async () => {
    const path = tempDir()
    for (const name of ['pages-0-7.db', 'pages-0-7.db-wal', 'pages-2-3.db', 'notes.db'])
      writeFileSync(join(path, name), '')
    await open(path)
    expect(databasesIn(path)).toEqual(['notes.db', 'pages-1-0.db', 'pages-2-3.db'].map((name) => join(path, name)))
  })

  test('a file far above a smaller limit is begun anew, one a little above it is trimmed', async () => {
    const path = tempDir()
    const before = await open(path, { maxBytes: 5 * MIB })
    before.write('f', pagesOf('f', 1, 1000))
    await before.close()
    const trimmed = await open(path, { maxBytes: 4 * MIB })
    trimmed.write('f', pagesOf('f', 1001, 1))
    await trimmed.flush()
    const kept = trimmed.read('f', range(1, 1001)).filter(Boolean).length
    expect(kept).toBeGreaterThan(800)
    expect(kept).toBeLessThan(920)
    await trimmed.close()
    const anew = await open(path, { maxBytes: MIB })
    expect(anew.read('f', range(1, 1001)).some(Boolean)).toBe(false)
    expect(databasesIn(path)).toEqual([join(path, 'pages-1-1.db')])
  })

  test('a folder removed under an open cache is made again', async () => {
    const path = join(tempDir(), 'cache')
    const cache = await open(path)
    cache.write('f', pagesOf('f', 1, 5))
    await cache.flush()
    rmSync(path, { recursive: true })
    expect(cache.read('f', [1])).toEqual([pageOf('f', 1)]) // what is open is still there
    cache.write('f', pagesOf('f', 6, 5))
    await cache.flush()
    expect(cache.read('f', [1, 6])).toEqual([undefined, pageOf('f', 6)])
    expect(databasesIn(path)).toHaveLength(1)
  })

  test('a newer file is taken up though the old one is still there', async () => {
    const path = tempDir()
    const cache = await open(path)
    cache.write('f', pagesOf('f', 1, 5))
    await cache.flush()
    writeFileSync(join(path, 'pages-1-1.db'), '')
    cache.write('f', pagesOf('f', 6, 5))
    await cache.flush()
    expect(cache.read('f', [1, 6])).toEqual([undefined, pageOf('f', 6)])
    expect(databasesIn(path)).toEqual([join(path, 'pages-1-1.db')])
  })

  test('after close reads are misses, writes are dropped, and closing again is nothing', async () => {
    const cache = await open(tempDir())
    cache.write('f', pagesOf('f', 1, 5))
    await cache.close()
    await cache.close()
    cache.write('f', pagesOf('f', 6, 5))
    await cache.flush()
    expect(cache.read('f', [1, 6])).toEqual([undefined, undefined])
    expect(cache.readBlob('map')).toBeUndefined()
    expect(cache.stats()).toMatchObject({ written: 5, dropped: 5 })
  })

  test.each([0, 1000, 1.5, Number.NaN])('refuses a limit of %d bytes', async (maxBytes) => {
    await expect(DiskCache.open({ path: tempDir(), maxBytes })).rejects.toThrow(RangeError)
  })
})
