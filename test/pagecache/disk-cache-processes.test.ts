import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { DiskCache } from '../../pagecache/disk/index.ts'
import { seededRandom } from '../support/random.ts'
import { tempDir } from '../support/temp-dir.ts'
import { databasesIn, isPageOf, range } from './pages.ts'

const HAMMER = fileURLToPath(new URL('hammer.ts', import.meta.url))
const MAX_BYTES = 16 * 1024 * 1024

interface Run {
  readonly child: ChildProcess
  /** From the start: it may be over before anybody asks. */
  readonly closed: Promise<unknown>
  readonly output: () => string
}

function hammer(path: string, seed: number, ms: number): Run {
  const args = ['--disable-warning=ExperimentalWarning', HAMMER, path, String(seed), String(ms), String(MAX_BYTES)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout!.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  return { child, closed: once(child, 'close'), output: () => text }
}

async function result(run: Run): Promise<Record<string, unknown>> {
  await run.closed
  return JSON.parse(run.output().trim().split('\n').at(-1)!)
}

/** Every page that can be there, proved. How many are. */
async function proveAll(path: string): Promise<number> {
  const problems: unknown[] = []
  const cache = await DiskCache.open({ path, maxBytes: MAX_BYTES, onProblem: (problem) => problems.push(problem) })
  let here = 0
  for (let n = 0; n < 20; n++) {
    const file = `file ${n}`
    cache.read(file, range(1, 520)).forEach((page, i) => {
      if (page === undefined) return
      here++
      if (!isPageOf(page, file, i + 1)) throw new Error(`wrong page ${i + 1} of ${file}`)
    })
  }
  const blob = cache.readBlob('map')
  if (blob && !isPageOf(blob, 'map', blob[0]!)) throw new Error('wrong blob')
  await cache.close()
  expect(problems).toEqual([])
  return here
}

describe('several processes on one folder', () => {
  test('each finds right pages or none, and what the others wrote', async () => {
    const path = join(tempDir(), 'cache')
    const runs = [1, 2, 3, 4].map((seed) => hammer(path, seed, 3000)) // all create it at once
    for (const stats of await Promise.all(runs.map(result))) {
      expect(stats).toMatchObject({ wrong: 0, damaged: 0 })
      expect(stats.hits).toBeGreaterThan(100)
      // On a busy machine the lock may be out of reach for a while; nothing worse may happen.
      for (const problem of stats.problems as string[]) expect(problem).toMatch(/^DISK_CACHE_BUSY/)
    }
    expect(await proveAll(path)).toBeGreaterThan(1000)
    expect(databasesIn(path)).toHaveLength(1)
  })

  test('killed in the middle of anything, they leave right pages or none', async () => {
    const path = join(tempDir(), 'cache')
    const random = seededRandom(9)
    const survivor = hammer(path, 100, 6000)
    for (let round = 0; round < 8; round++) {
      const victims = [0, 1].map((i) => hammer(path, round * 2 + i, 60_000))
      await Promise.all(victims.map(({ child }) => once(child.stdout!, 'data')))
      await new Promise((resolve) => setTimeout(resolve, random() * 250))
      for (const { child } of victims) child.kill('SIGKILL')
      await Promise.all(victims.map(({ closed }) => closed))
    }
    expect(await result(survivor)).toMatchObject({ wrong: 0, damaged: 0 })
    expect(await proveAll(path)).toBeGreaterThan(1000)
  })
})
