// Hammers one disk cache until it is killed: every page's bytes follow from its name.
import { DiskCache } from '../../pagecache/disk/index.ts'
import { seededRandom } from '../support/random.ts'
import { pageOf } from './page-of.ts'

const [path, seed] = process.argv.slice(2)
const random = seededRandom(Number(seed))
const cache = await DiskCache.open({ path: path!, maxBytes: 4_000_000 })
for (let round = 0; round < 1_000_000; round++) {
  const file = `file ${Math.floor(random() * 5)}`
  const pgnos = Array.from({ length: 1 + Math.floor(random() * 30) }, () => 1 + Math.floor(random() * 300))
  for (const [i, page] of cache.read(file, pgnos).entries()) {
    if (page && !page.every((byte, at) => byte === pageOf(file, pgnos[i]!)[at])) {
      console.log(`wrong page ${pgnos[i]} of ${file}`)
      process.exit(1)
    }
  }
  cache.write(
    file,
    pgnos.map((pgno) => [pgno, pageOf(file, pgno)]),
  )
  if (round % 5 === 0) await cache.flush()
  if (round === 3) console.log('running')
  await new Promise((resolve) => setImmediate(resolve))
}
