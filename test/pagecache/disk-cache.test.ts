import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DiskCache, type DiskCacheOptions, type DiskCacheProblem } from '../../pagecache/disk/index.ts'
import { seededRandom } from '../support/random.ts'
import { tempDir } from '../support/temp-dir.ts'
import { pageOf } from './page-of.ts'

async function open(path: string, options: Partial<DiskCacheOptions> = {}) {
  const problems: DiskCacheProblem[] = []
  const cache = await DiskCache.open({ path, onProblem: (problem) => problems.push(problem), ...options })
  onTestFinished(() => cache.close())
  return { cache, problems }
}

function stored(file: string, first: number, count: number): [number, Uint8Array][] {
  return Array.from({ length: count }, (_, i) => [first + i, pageOf(file, first + i)])
}

/** Each page of a cache is right, or not there. @returns how many are there */
function check(cache: DiskCache, file: string, count: number): number {
  let found = 0
  const pgnos = Array.from({ length: count }, (_, i) => i + 1)
  for (const [i, page] of cache.read(file, pgnos).entries()) {
    if (page === undefined) continue
    expect(page).toEqual(pageOf(file, i + 1))
    found++
  }
  return found
}

describe('DiskCache', () => {
  test('pages and blobs survive the process that wrote them', async () => {
    const path = join(tempDir(), 'deep', 'cache')
    const first = await open(path)
    first.cache.write('a', stored('a', 1, 300))
    first.cache.writeBlob('map', new Uint8Array([1, 2, 3]))
    await first.cache.close()
    const { cache, problems } = await open(path)
    expect(check(cache, 'a', 300)).toBe(300)
    expect(check(cache, 'b', 300)).toBe(0)
    expect(cache.readBlob('map')).toEqual(new Uint8Array([1, 2, 3]))
    expect(cache.readBlob('other')).toBeUndefined()
    expect(cache.stats()).toMatchObject({ hits: 300, misses: 300 })
    expect(problems).toEqual([])
  })

  test('bounded: what was read lately stays, roughly', async () => {
    const path = tempDir()
    const { cache } = await open(path, { maxBytes: 2_000_000 })
    cache.write('hot', stored('hot', 1, 50))
    await cache.flush()
    for (let round = 0; round < 40; round++) {
      expect(check(cache, 'hot', 50), `round ${round}`).toBe(50)
      cache.write(`cold ${round}`, stored(`cold ${round}`, 1, 50))
      await cache.flush()
    }
    const bytes = readdirSync(path)
      .filter((name) => name.endsWith('.db'))
      .reduce((sum, name) => sum + statSync(join(path, name)).size, 0)
    expect(bytes).toBeLessThan(2_600_000)
    expect(check(cache, 'cold 0', 50)).toBe(0)
    expect(check(cache, 'cold 39', 50)).toBe(50)
  })

  test('flipped bytes anywhere: the right page, or none; never an exception', async () => {
    const path = tempDir()
    const first = await open(path)
    first.cache.write('a', stored('a', 1, 120))
    await first.cache.close()
    const [name] = readdirSync(path).filter((each) => each.endsWith('.db'))
    const whole = readFileSync(join(path, name!))
    const random = seededRandom(3)
    for (let round = 0; round < 60; round++) {
      const dir = tempDir()
      const damaged = Buffer.from(whole)
      const flips = 1 + Math.floor(random() * 40)
      for (let i = 0; i < flips; i++) {
        // The header, the schema and the tree's upper pages as often as all the rest.
        const end = random() < 0.5 ? 16_384 : damaged.length
        damaged[Math.floor(random() * end)]! ^= 1 + Math.floor(random() * 255)
      }
      writeFileSync(join(dir, name!), damaged)
      const { cache } = await open(dir)
      check(cache, 'a', 120)
      cache.write('b', stored('b', 1, 20))
      await cache.flush()
      check(cache, 'b', 20)
      await cache.close()
    }
  }, 60_000)

  test('what is no cache: begun anew, or left alone and told once', async () => {
    const path = tempDir()
    writeFileSync(join(path, 'pages-1-1.db'), 'this is no database')
    const { cache, problems } = await open(path)
    cache.write('a', stored('a', 1, 10))
    await cache.flush()
    expect(check(cache, 'a', 10)).toBe(10)
    expect(problems.map(({ code }) => code)).toEqual(['DISK_CACHE_DAMAGED'])

    const file = join(tempDir(), 'file')
    writeFileSync(file, '')
    const blocked = await open(file)
    blocked.cache.write('a', stored('a', 1, 10))
    await blocked.cache.flush()
    expect(check(blocked.cache, 'a', 10)).toBe(0)
    expect(blocked.problems).toMatchObject([{ code: 'DISK_CACHE_UNAVAILABLE', path: file }])
  })

  test('deleted under its user: goes on, and finds its way back', async () => {
    const path = tempDir()
    const { cache } = await open(path)
    cache.write('a', stored('a', 1, 10))
    await cache.flush()
    for (const name of readdirSync(path)) writeFileSync(join(path, name), '')
    check(cache, 'a', 10)
    for (let i = 0; i < 40; i++) {
      cache.write(`b${i}`, stored(`b${i}`, 1, 10))
      await cache.flush()
    }
    const other = await open(path)
    check(other.cache, 'b39', 10)
  })

  test('several processes at once, killed in the middle: right pages only', async () => {
    const path = tempDir()
    const children = [1, 2, 3].map((seed) => {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'disk-cache-child.ts'), path, String(seed)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      onTestFinished(() => void child.kill('SIGKILL'))
      let text = ''
      child.stdout.on('data', (chunk) => {
        text += chunk
      })
      return { child, text: () => text }
    })
    while (children.some(({ text }) => !text().includes('running'))) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await new Promise((resolve) => setTimeout(resolve, 1500))
    for (const { child, text } of children) {
      expect(text()).toBe('running\n')
      child.kill('SIGKILL')
    }
    const { cache, problems } = await open(path, { maxBytes: 4_000_000 })
    let found = 0
    for (let i = 0; i < 5; i++) found += check(cache, `file ${i}`, 300)
    expect(found).toBeGreaterThan(100)
    expect(problems).toEqual([])
  }, 60_000)

  test('a folder that cannot be written to', async () => {
    if (process.getuid?.() === 0) {
      // Root may write anywhere: /proc is where it may not.
      const { cache, problems } = await open('/proc/litetap-cache')
      expect(check(cache, 'a', 3)).toBe(0)
      expect(problems).toMatchObject([{ code: 'DISK_CACHE_UNAVAILABLE' }])
      return
    }
    const path = join(tempDir(), 'locked')
    mkdirSync(path)
    chmodSync(path, 0o500)
    const { cache, problems } = await open(path)
    expect(check(cache, 'a', 3)).toBe(0)
    expect(problems).toMatchObject([{ code: 'DISK_CACHE_UNAVAILABLE' }])
  })
})
