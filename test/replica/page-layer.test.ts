import { describe, expect, test } from 'vitest'
import { PageCache } from '../../pagecache/index.ts'
import { layerOfEntries, mergeLayers } from '../../replica/state/build-layer.ts'
import { SourceFile } from '../../replica/state/source-file.ts'
import { seededRandom } from '../support/random.ts'

const cache = new PageCache()

function file(txid: number): SourceFile {
  const info = { level: 0, minTXID: BigInt(txid), maxTXID: BigInt(txid), size: 2 ** 40, createdAt: 0 }
  return new SourceFile(info, BigInt(txid), cache)
}

/** Some pages at offsets up to 100 TB with frames up to the largest. */
function entries(random: () => number, pages: number) {
  const pgnos = new Set(Array.from({ length: pages }, () => 1 + Math.floor(random() * 400)))
  return [...pgnos]
    .sort((a, b) => a - b)
    .map((pgno) => ({ pgno, offset: Math.floor(random() * 1e14), size: 11 + Math.floor(random() * 65_000) }))
}

describe('PageLayer', () => {
  test('merging is a map in which newer files win, seeds 1 to 50', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = seededRandom(seed)
      const model = new Map<number, { file: SourceFile; offset: number; size: number }>()
      let layer = layerOfEntries([], file(0))
      for (let txid = 1; txid <= 12; txid++) {
        const source = file(txid)
        const fresh = entries(random, Math.floor(random() * 60))
        const commit = 150 + Math.floor(random() * 250)
        layer = mergeLayers(layer, commit, layerOfEntries(fresh, source))
        for (const pgno of model.keys()) if (pgno > commit) model.delete(pgno)
        for (const { pgno, offset, size } of fresh) model.set(pgno, { file: source, offset, size })
      }
      expect(layer.length).toBe(model.size)
      for (let pgno = 1; pgno <= 400; pgno++) {
        const at = layer.find(pgno)
        expect(at < 0 ? undefined : layer.location(at), `seed ${seed}, page ${pgno}`).toEqual(model.get(pgno))
      }
      expect(new Set(layer.files)).toEqual(new Set([...model.values()].map((location) => location.file)))
      expect(layer.byteLength).toBeLessThanOrEqual(16 * layer.length)
    }
  })

  test('files that no page is left of are forgotten', () => {
    let layer = layerOfEntries([{ pgno: 1, offset: 100, size: 20 }], file(1))
    for (let txid = 2; txid < 70_000; txid++) {
      layer = mergeLayers(layer, 9, layerOfEntries([{ pgno: 1, offset: 100, size: 20 }], file(txid)))
    }
    expect(layer.files.map(({ info }) => info.minTXID)).toEqual([69_999n])
  })
})
