import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CacheDatabase } from '../../pagecache/disk/cache-database.ts'
import { DiskCache, DiskCacheProblem } from '../../pagecache/disk/index.ts'
import { problemCode } from '../../pagecache/disk/problem.ts'
import { seededRandom } from '../support/random.ts'
import { tempDir } from '../support/temp-dir.ts'
import { databasesIn, isPageOf, pageOf, pagesOf, range } from './pages.ts'

const MIB = 1024 * 1024
/** For scripts. */
const DISK = new URL('../../pagecache/disk/index.ts', import.meta.url).href
const PAGES_OF = new URL('pages.ts', import.meta.url).href

/** A cache, and the codes of the problems it has told of. */
async function open(path: string, maxBytes = 8 * MIB): Promise<{ cache: DiskCache; problems: string[] }> {
  const problems: string[] = []
  const cache = await DiskCache.open({ path, maxBytes, onProblem: ({ code }) => problems.push(code) })
  onTestFinished(() => cache.close())
  return { cache, problems }
}

/** Reads all, and fails on a page that is not the one that was written. How many were there. */
function readAll(cache: DiskCache, file: string, count: number): number {
  let here = 0
  cache.read(file, range(1, count)).forEach((page, i) => {
    if (page === undefined) return
    here++
    if (!isPageOf(page, file, i + 1)) throw new Error(`wrong page ${i + 1}`)
  })
  return here
}

/** A folder with a cache of `count` pages and a blob, closed. */
async function filled(count: number): Promise<string> {
  const path = tempDir()
  const { cache } = await open(path)
  cache.write('f', pagesOf('f', 1, count))
  cache.writeBlob('map', pageOf('map', 1, 20_000))
  await cache.close()
  return path
}

describe('damage', () => {
  const PAGES = 150
  const ROUNDS = 60
  type Damage = (bytes: Buffer, pick: (n: number) => number) => void
  const flip: Damage = (bytes, pick) => {
    bytes[pick(bytes.length)]! ^= 1 << pick(8)
  }
  const damages: Record<string, Damage> = {
    'one bit': flip,
    'one bit of the first page': (bytes, pick) => flip(bytes.subarray(0, 4096), pick),
    'one byte of a page’s first 16': (bytes, pick) => {
      bytes[4096 * pick(bytes.length / 4096) + pick(16)] = pick(256)
    },
    '20 bytes anywhere': (bytes, pick) => {
      for (let i = 0; i < 20; i++) bytes[pick(bytes.length)] = pick(256)
    },
    'a page of zeros': (bytes, pick) => {
      const at = 4096 * pick(bytes.length / 4096)
      bytes.fill(0, at, at + 4096)
    },
    'two pages exchanged': (bytes, pick) => {
      const [a, b] = [4096 * pick(bytes.length / 4096), 4096 * pick(bytes.length / 4096)]
      const page = Buffer.from(bytes.subarray(a, a + 4096))
      bytes.copyWithin(a, b, b + 4096)
      page.copy(bytes, b)
    },
  }

  test.each(Object.keys(damages))('%s: every read is right or a miss, and it goes on', async (name) => {
    const whole = readFileSync(databasesIn(await filled(PAGES))[0]!)
    const random = seededRandom(name.length)
    const pick = (n: number): number => Math.floor(random() * n)
    const root = tempDir()
    let missed = 0
    for (let i = 0; i < ROUNDS; i++) {
      const path = join(root, String(i))
      mkdirSync(path)
      const bytes = Buffer.from(whole)
      damages[name]!(bytes, pick)
      writeFileSync(join(path, 'pages-1-0.db'), bytes)
      const problems: DiskCacheProblem[] = []
      const cache = await DiskCache.open({ path, maxBytes: 8 * MIB, onProblem: (problem) => problems.push(problem) })
      const check = (): void => {
        missed += PAGES - readAll(cache, 'f', PAGES)
        for (const pgno of [1, PAGES]) readAll(cache, 'f', pgno)
        readAll(cache, 'g', 300)
        const blob = cache.readBlob('map')
        if (blob && !isPageOf(blob, 'map', 1, 20_000)) throw new Error('wrong blob')
      }
      check()
      cache.write('g', pagesOf('g', 1, 300))
      cache.write('f', pagesOf('f', 1, PAGES)) // OR REPLACE heals what is damaged
      await cache.flush()
      check()
      cache.write('g', pagesOf('g', 1, 300))
      await cache.flush()
      check()
      await cache.close()
      for (const { code } of problems) expect(code).toBe('DISK_CACHE_DAMAGED')
      rmSync(path, { recursive: true })
    }
    expect(missed).toBeGreaterThan(0)
  })

  test('an open cache survives damage under it, and begins anew', async () => {
    const path = await filled(1500)
    const { cache, problems } = await open(path)
    expect(readAll(cache, 'f', 10)).toBe(10)
    const file = databasesIn(path)[0]!
    const random = seededRandom(3)
    // Another process: closing a descriptor in this one would take its locks away.
    const script = `const fs = require('node:fs'), fd = fs.openSync(process.argv[1], 'r+')
      for (const at of process.argv.slice(2)) fs.writeSync(fd, Buffer.alloc(64, 0xa5), 0, 64, Number(at))`
    const places = range(1, 2000).map(() => String(Math.floor(random() * 1500 * 4096)))
    expect(spawnSync(process.execPath, ['-e', script, file, ...places]).status).toBe(0)
    for (let i = 0; i < 5; i++) {
      readAll(cache, 'f', 1500)
      cache.write('f', pagesOf('f', 1, 1500))
      await cache.flush()
    }
    expect(readAll(cache, 'f', 1500)).toBe(1500)
    expect(problems).toEqual(['DISK_CACHE_DAMAGED'])
    expect(databasesIn(path)).not.toContain(file)
  })

  test('a cache begun anew by one is taken up by all who have the old one open', async () => {
    const path = await filled(200)
    const [a, b] = [await open(path), await open(path)]
    expect(readAll(b.cache, 'f', 200)).toBe(200)
    await a.cache.close()
    const file = databasesIn(path)[0]!
    const script = `require('node:fs').writeFileSync(process.argv[1], 'x'.repeat(8192))`
    expect(spawnSync(process.execPath, ['-e', script, file]).status).toBe(0)
    const c = await open(path)
    expect(c.problems).toEqual(['DISK_CACHE_DAMAGED'])
    c.cache.write('f', pagesOf('f', 1, 200))
    await c.cache.flush()
    readAll(b.cache, 'f', 200)
    b.cache.write('f', pagesOf('f', 201, 1))
    await b.cache.flush()
    expect(readAll(b.cache, 'f', 201)).toBe(201)
    expect(readAll(c.cache, 'f', 201)).toBe(201)
    expect(databasesIn(path)).toEqual([join(path, 'pages-1-1.db')])
  })

  test.each([0, 1, 100, 4096, 5000, 200_000])('a file cut to %i bytes is right or a miss', async (size) => {
    const path = await filled(PAGES)
    truncateSync(databasesIn(path)[0]!, size)
    const { cache } = await open(path)
    readAll(cache, 'f', PAGES)
    cache.write('f', pagesOf('f', 1, PAGES))
    await cache.flush()
    cache.write('f', pagesOf('f', 1, PAGES)) // the first try may have found the damage
    await cache.flush()
    expect(readAll(cache, 'f', PAGES)).toBe(PAGES)
  })

  test('a file that is no database is begun anew', async () => {
    const path = tempDir()
    writeFileSync(join(path, 'pages-1-4.db'), 'not a database, '.repeat(1000))
    const { cache, problems } = await open(path)
    cache.write('f', pagesOf('f', 1, 5))
    await cache.flush()
    expect(readAll(cache, 'f', 5)).toBe(5)
    expect(problems).toEqual(['DISK_CACHE_DAMAGED'])
    expect(databasesIn(path)).toEqual([join(path, 'pages-1-5.db')])
  })
})

describe('surroundings', () => {
  /** Uses a cache that has to be unavailable, and the cause it gave. */
  async function useless(path: string): Promise<string> {
    const problems: DiskCacheProblem[] = []
    const cache = await DiskCache.open({ path, onProblem: (problem) => problems.push(problem) })
    cache.write('f', pagesOf('f', 1, 5))
    cache.writeBlob('map', pageOf('map', 1))
    await cache.flush()
    expect(cache.read('f', [1, 2])).toEqual([undefined, undefined])
    expect(cache.readBlob('map')).toBeUndefined()
    expect(cache.stats()).toMatchObject({ misses: 2, written: 0, dropped: 6 })
    await cache.close()
    expect(problems.map(({ code }) => code)).toEqual(['DISK_CACHE_UNAVAILABLE'])
    expect(problems[0]).toBeInstanceOf(DiskCacheProblem)
    return problems[0]!.message
  }

  test('a path that is a file', async () => {
    const path = join(tempDir(), 'file')
    writeFileSync(path, 'mine')
    expect(await useless(path)).toMatch(/^Cannot use the page cache .*file: E/)
    expect(readFileSync(path, 'utf8')).toBe('mine')
  })

  test('a directory in the database’s place', async () => {
    const path = tempDir()
    mkdirSync(join(path, 'pages-1-0.db'))
    expect(await useless(path)).toContain('unable to open database file')
  })

  test('a folder that may not be made', async () => {
    expect(await useless('/proc/self/litetap')).toContain('/proc/self/litetap')
  })

  test.skipIf(process.platform === 'win32').each(['empty', 'filled'])('a read-only folder, %s', async (kind) => {
    // Not under tempDir(): its owner alone may enter that, and root, whom nothing is read-only for, becomes nobody.
    const path = mkdtempSync(join(tmpdir(), 'litetap-test-'))
    onTestFinished(() => rmSync(path, { recursive: true }))
    if (kind === 'filled') {
      const { cache } = await open(path)
      cache.write('f', pagesOf('f', 1, 5))
      await cache.close()
    }
    chmodSync(path, 0o555)
    const script = `
      const { DiskCache } = await import(${JSON.stringify(DISK)})
      const codes = []
      const cache = await DiskCache.open({ path: process.argv[1], onProblem: ({ code }) => codes.push(code) })
      cache.write('f', [[1, new Uint8Array(4096)]])
      await cache.flush()
      console.log(JSON.stringify([codes, cache.read('f', [1]).length, cache.stats().dropped]))`
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, path], {
      ...(process.getuid?.() === 0 && { uid: 65534, gid: 65534 }),
      cwd: '/',
      encoding: 'utf8',
    })
    expect(stdout, stderr).toBe('[["DISK_CACHE_UNAVAILABLE"],1,1]\n')
  })

  test.skipIf(process.platform === 'win32')(
    'a disk that takes no more: what is there is read, the rest dropped',
    () => {
      const path = tempDir()
      const script = `
      const { DiskCache } = await import(${JSON.stringify(DISK)})
      const { isPageOf, pagesOf, range } = await import(${JSON.stringify(PAGES_OF)})
      const codes = []
      const cache = await DiskCache.open({ path: process.argv[1], onProblem: ({ code }) => codes.push(code) })
      for (let first = 1; first <= 2000; first += 100) {
        cache.write('f', pagesOf('f', first, 100))
        await cache.flush()
      }
      const pages = cache.read('f', range(1, 2000))
      const right = pages.filter((page, i) => page && isPageOf(page, 'f', i + 1)).length
      const all = right === pages.filter(Boolean).length
      console.log(JSON.stringify([codes, all, right >= 100, cache.stats().dropped >= 100]))
      await cache.close()`
      const node = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script, path]
      // No file may grow beyond 2 MiB (of 1 KiB or 512 bytes a unit, as the shell has it).
      const limited = ['-c', 'ulimit -f 2048; exec "$0" "$@"', process.execPath, ...node]
      const { stdout, stderr } = spawnSync('sh', limited, { encoding: 'utf8' })
      expect(stdout, stderr).toBe('[["DISK_CACHE_IO"],true,true,true]\n')
    },
  )

  test('a database that may not grow: the write fails as "full" and leaves what was there', () => {
    const db = new DatabaseSync(join(tempDir(), 'full.db'))
    const database = new CacheDatabase(db, 8 * MIB, () => {})
    const write = (first: number): void =>
      database.write(pagesOf('f', first, 100).map(([pgno, bytes]) => ({ kind: 'page', file: 'f', pgno, bytes })))
    write(1)
    db.exec('PRAGMA max_page_count = 150')
    let code: string | undefined
    try {
      write(101)
    } catch (error) {
      code = problemCode(error)
    }
    expect(code).toBe('DISK_CACHE_FULL')
    expect(database.read('f', [100, 101])).toEqual([pageOf('f', 100), undefined])
    db.exec('PRAGMA max_page_count = 1500')
    write(101)
    expect(database.read('f', [200])).toEqual([pageOf('f', 200)])
    database.close()
  })

  test('a database that others keep locked: reads go on, writes are dropped after a while', async () => {
    const path = await filled(20)
    const { cache, problems } = await open(path)
    const other = new DatabaseSync(databasesIn(path)[0]!)
    other.exec('BEGIN IMMEDIATE')
    cache.write('f', pagesOf('f', 21, 5))
    await cache.flush()
    expect(readAll(cache, 'f', 25)).toBe(20)
    expect(problems).toEqual(['DISK_CACHE_BUSY'])
    expect(cache.stats()).toMatchObject({ written: 0, dropped: 5 })
    other.exec('COMMIT')
    other.close()
    cache.write('f', pagesOf('f', 21, 5))
    await cache.flush()
    expect(readAll(cache, 'f', 25)).toBe(25)
  })

  test('a lock of a moment is waited for', async () => {
    const path = await filled(20)
    const { cache, problems } = await open(path)
    const other = new DatabaseSync(databasesIn(path)[0]!)
    other.exec('BEGIN IMMEDIATE')
    cache.write('f', pagesOf('f', 21, 5))
    setTimeout(() => other.exec('COMMIT'), 30)
    await cache.flush()
    other.close()
    expect(readAll(cache, 'f', 25)).toBe(25)
    expect(problems).toEqual([])
  })

  test('what onProblem throws is not the reader’s', async () => {
    const uncaught: unknown[] = []
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => uncaught.push(error))
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException')
      for (const listener of listeners) process.on('uncaughtException', listener)
    })
    const onProblem = (): void => {
      throw new Error('mine')
    }
    const cache = await DiskCache.open({ path: '/proc/self/litetap', onProblem })
    expect(cache.read('f', [1])).toEqual([undefined])
    await new Promise((resolve) => setImmediate(resolve))
    expect(uncaught).toEqual([new Error('mine')])
  })
})
