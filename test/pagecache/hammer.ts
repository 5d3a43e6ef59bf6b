// Reads and writes one DiskCache until it is told how long, or killed. Prints "started", then its counts as JSON.
// Usage: node hammer.ts <folder> <seed> <milliseconds> <maxBytes>
import { DiskCache } from '../../pagecache/disk/index.ts'
import { seededRandom } from '../support/random.ts'
import { isPageOf, pagesOf, range } from './pages.ts'

const [folder, seed, ms, maxBytes] = process.argv.slice(2)
const random = seededRandom(Number(seed))
const pick = (n: number): number => Math.floor(random() * n)
const problems: string[] = []
const cache = await DiskCache.open({
  path: folder!,
  maxBytes: Number(maxBytes),
  onProblem: ({ code, message }) => problems.push(`${code} ${message}`),
})
console.log('started')
let wrong = 0
for (const end = performance.now() + Number(ms); performance.now() < end; ) {
  const file = `file ${pick(20)}`
  const first = 1 + pick(500)
  const pages = cache.read(file, range(first, 16))
  pages.forEach((page, i) => {
    if (page && !isPageOf(page, file, first + i)) wrong++
  })
  if (pages.includes(undefined)) cache.write(file, pagesOf(file, first, 16))
  const blob = cache.readBlob('map')
  if (blob && !isPageOf(blob, 'map', blob[0]!)) wrong++
  if (random() < 0.1) cache.writeBlob('map', pagesOf('map', 1 + pick(200), 1)[0]![1])
  if (random() < 0.3) await cache.flush()
  else await new Promise((resolve) => setImmediate(resolve))
}
await cache.close()
console.log(JSON.stringify({ ...cache.stats(), wrong, problems }))
