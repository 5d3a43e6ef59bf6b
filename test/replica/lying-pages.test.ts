import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { PageCache } from '../../pagecache/index.ts'
import {
  readIndexRowids,
  readInteriorPage,
  readSchemaLeaf,
  readSmallestRecord,
} from '../../replica/ahead/btree-page.ts'
import { PagePredictor } from '../../replica/ahead/page-predictor.ts'
import { placeholder } from '../../replica/ahead/placeholder-page.ts'
import { type AheadPages, ReadAhead } from '../../replica/ahead/read-ahead.ts'
import { Trees } from '../../replica/ahead/trees.ts'
import { LazyIndex } from '../../replica/state/lazy-index.ts'
import { PageLayer } from '../../replica/state/page-layer.ts'
import { SavedRowReader } from '../../replica/state/saved-row-reader.ts'
import { SavedRowWriter } from '../../replica/state/saved-row-writer.ts'
import { SourceFile } from '../../replica/state/source-file.ts'
import { seededRandom } from '../support/random.ts'

/** `LITETAP_SEEDS=5000 npx vitest run test/replica/lying-pages.test.ts`; one seed: `LITETAP_SEED=17`. */
const SEEDS = Number(process.env.LITETAP_SEEDS ?? 150)
const ONE = process.env.LITETAP_SEED

/** The processor's time in milliseconds: what others do on the machine does not count. */
function cpuMs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** Pages of a database with tables, indexes, overflow chains and trees of three levels. */
function honestPages(pageSize: number): Uint8Array[] {
  const db = new DatabaseSync(':memory:')
  db.exec(`PRAGMA page_size = ${pageSize};
    CREATE TABLE t (id INTEGER PRIMARY KEY, k INTEGER, v TEXT); CREATE INDEX by_k ON t (k, v);
    CREATE TABLE w (a TEXT PRIMARY KEY, b) WITHOUT ROWID; CREATE TABLE big (b BLOB);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
    INSERT INTO t SELECT i * 3, i % 100, hex(randomblob(40)) FROM n;
    INSERT INTO w SELECT v, k FROM t LIMIT 500; INSERT INTO big VALUES (randomblob(50000))`)
  for (let i = 0; i < 60; i++) db.exec(`CREATE TABLE extra_${i} (some_column_${i} TEXT, other TEXT)`)
  const image = new Uint8Array(db.serialize())
  db.close()
  return Array.from({ length: image.length / pageSize }, (_, i) => image.slice(i * pageSize, (i + 1) * pageSize))
}

const KINDS = [2, 5, 10, 13]
const headerAt = (pgno: number): number => (pgno === 1 ? 100 : 0)

/** A page that says something else than it did. */
function lying(page: Uint8Array, pgno: number, count: number, random: () => number): Uint8Array {
  const bytes = page.slice()
  const view = new DataView(bytes.buffer)
  const at = headerAt(pgno)
  const some = (n: number): number => Math.floor(random() * n)
  const numbers = [0, 1, pgno, 1 + some(count), count + 1, 2 ** 32 - 1]
  for (let changes = 1 + some(4); changes > 0; changes--) {
    const choice = some(7)
    if (choice === 0) for (let i = at; i < bytes.length; i++) bytes[i] = some(256)
    else if (choice === 1) bytes[at] = KINDS[some(4)]!
    else if (choice === 2) view.setUint16(at + 3, [some(65536), 65535, bytes.length / 6 - 20, 0][some(4)]!)
    else if (choice === 3) view.setUint32(at + 8, numbers[some(6)]!)
    else if (choice === 4) view.setUint32(some(bytes.length - 4), numbers[some(6)]!)
    else if (choice === 5) bytes.fill([0, 255, 128, some(256)][some(4)]!, at + 8 + some(100))
    else for (let i = 0; i < 8; i++) bytes[at + some(bytes.length - at)] = some(256)
    if (random() < 0.6) bytes[at] = KINDS[some(4)]!
  }
  return bytes
}

/** Runs over pages as a reader and its runs ahead do. @returns pages that were asked for */
async function walk(pages: readonly Uint8Array[], random: () => number): Promise<number> {
  const commit = pages.length
  const pageSize = pages[0]!.length
  const trees = new Trees()
  let asked = 0
  let most = 0
  const ahead: AheadPages = {
    commit,
    room: 1000,
    ahead: async (pgnos) => {
      asked += pgnos.length
      most = Math.max(most, pgnos.length)
    },
    peek: (pgno) => (random() < 0.7 ? pages[pgno - 1] : undefined),
  }
  const reading = new ReadAhead(ahead, trees)
  const predictor = new PagePredictor(ahead, trees, pageSize)
  for (let step = 0, pgno = 1; step < 300; step++) {
    const page = pages[pgno - 1]!
    predictor.read(pgno)
    reading.touch(pgno, page)
    predictor.begin()
    for (let run = 0; run < 6; run++) {
      const next = 1 + Math.floor(random() * commit)
      const seen = predictor.at(next) ?? predictor.placeholder(next)
      if (seen && seen.length !== pageSize) throw new Error(`A page of ${seen.length} bytes`)
      trees.neighbour(next, random() < 0.5 ? 1 : -1)
    }
    predictor.fetch(random() < 0.2)
    const child = trees.node(pgno)?.children.find((number) => number >= 1 && number <= commit && random() < 0.5)
    pgno = child ?? (random() < 0.5 ? (pgno % commit) + 1 : 1 + Math.floor(random() * commit))
  }
  await new Promise((resolve) => setImmediate(resolve)) // whatever rejects unhandled has done so
  expect(most).toBeLessThanOrEqual(11_000)
  return asked
}

describe('pages that say anything', () => {
  const seeds = ONE === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [Number(ONE)]
  test(`nothing throws, and all comes to an end: ${seeds.length} seeds`, async () => {
    const kinds = [512, 1024, 4096].map(honestPages)
    let asked = 0
    for (const seed of seeds) {
      const random = seededRandom(seed)
      const honest = kinds[seed % kinds.length]!
      const share = random()
      const pages = honest.map((page, i) => (random() < share ? lying(page, i + 1, honest.length, random) : page))
      try {
        const before = process.cpuUsage()
        asked += await walk(pages, random)
        const { user, system } = process.cpuUsage(before)
        expect((user + system) / 1000).toBeLessThan(3000)
      } catch (error) {
        throw new Error(`Seed ${seed}: ${error}`, { cause: error })
      }
    }
    expect(asked).toBeGreaterThan(seeds.length * 100)
  }, 600_000)

  test('b-tree pages that are their own or each other’s children', () => {
    const interior = (children: readonly number[]): Uint8Array => {
      const page = new Uint8Array(512)
      const view = new DataView(page.buffer)
      page[0] = 5
      view.setUint16(3, children.length - 1)
      for (const [i, child] of children.entries()) {
        if (i === children.length - 1) view.setUint32(8, child)
        else {
          view.setUint16(12 + 2 * i, 400 + 8 * i)
          view.setUint32(400 + 8 * i, child)
          page[404 + 8 * i] = 10 + i
        }
      }
      return page
    }
    for (const loop of [
      [[2, [9, 2]]],
      [
        [2, [9, 3]],
        [3, [2]],
      ],
      [
        [2, [3]],
        [3, [4]],
        [4, [2, 7]],
      ],
    ] as const) {
      const trees = new Trees()
      for (const [pgno, children] of loop) trees.learn(pgno, interior(children))
      const context = { pageSize: 512, trees, peek: () => undefined, wantedRows: () => [] }
      for (const [pgno, children] of loop) {
        for (const each of [pgno, ...children]) {
          for (const direction of [1, -1] as const) expect(trees.neighbour(each, direction)).not.toBe(0)
          expect(placeholder(each, context)?.length ?? 512).toBe(512)
        }
      }
    }
  })

  test('a table below an index, rowids that descend, and rows far below zero', () => {
    const table = new Uint8Array(512)
    const view = new DataView(table.buffer)
    table[0] = 5
    view.setUint16(3, 3)
    view.setUint32(8, 23)
    for (const [i, rowid] of [[100], [5], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80]].entries()) {
      view.setUint16(12 + 2 * i, 400 + 20 * i)
      view.setUint32(400 + 20 * i, 20 + i)
      table.set(rowid, 404 + 20 * i)
    }
    const index = table.slice()
    index[0] = 2
    new DataView(index.buffer).setUint32(8, 2)
    const trees = new Trees()
    trees.learn(3, index)
    trees.learn(2, table)
    const context = { pageSize: 512, trees, peek: () => undefined, wantedRows: () => [7, 200] }
    for (const pgno of [2, 20, 21, 22, 23]) {
      const page = placeholder(pgno, context)
      if (page) expect(new DataView(page.buffer).getUint16(3)).toBeGreaterThan(0)
    }
  })

  /** All pointers of a page lead to one cell, which takes up the whole page. */
  function crowded(kind: number, cell: readonly number[], rest: number): Uint8Array {
    const page = new Uint8Array(65536).fill(rest)
    const view = new DataView(page.buffer)
    page[0] = kind
    const [count, headerSize] = [10_900, kind < 10 ? 12 : 8]
    view.setUint16(3, count)
    const at = headerSize + 2 * count
    for (let i = 0; i < count; i++) view.setUint16(headerSize + 2 * i, at)
    page.set(cell, at)
    return page
  }

  test('cells that lie on top of each other are looked at about once', () => {
    // A record of 40,000 bytes whose header takes 39,000.
    const long = [0x82, 0xb8, 0x40, 0x82, 0xb0, 0x58]
    const index = crowded(10, long, 1)
    expect(cpuMs(() => expect(readIndexRowids(index, 2).length).toBeLessThan(65536))).toBeLessThan(500)
    // Four columns: two short texts, one of 40,000 bytes, an integer.
    const schema = crowded(13, [0x82, 0xb8, 0x40, 1, 7, 15, 15, 0x84, 0xf1, 0x0d, 1], 65)
    let entries = 0
    expect(
      cpuMs(() => {
        entries = readSchemaLeaf(schema, 2).length
      }),
    ).toBeLessThan(500)
    expect(entries).toBeGreaterThan(0)
    expect(entries).toBeLessThan(10)
    expect(cpuMs(() => readSmallestRecord(schema, 2))).toBeLessThan(500)
  })

  test('a page with more cells than it has room for is none', () => {
    const page = crowded(5, [0, 0, 0, 9, 1], 0)
    expect(readInteriorPage(page, 2)?.children.length).toBe(10_901)
    new DataView(page.buffer).setUint16(3, 30_000)
    expect(readInteriorPage(page, 2)).toBeUndefined()
  })

  test('what is remembered of trees is limited, however many children their pages have', () => {
    const trees = new Trees()
    const before = process.memoryUsage().heapUsed
    for (let pgno = 2; pgno < 300; pgno++) {
      const page = crowded(5, [0, 0, pgno >> 8, pgno & 255, 1], 0)
      const view = new DataView(page.buffer)
      // Each child another page.
      for (let i = 0; i < 5000; i++) {
        view.setUint16(12 + 2 * i, 22_000 + 5 * i)
        view.setUint32(22_000 + 5 * i, pgno * 5000 + i)
      }
      view.setUint16(3, 5000)
      trees.learn(pgno, page.slice())
    }
    const places = Array.from({ length: 300 }, (_, pgno) => trees.node(pgno)?.children.length ?? 0)
    expect(places.reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(512 * 1024)
    expect(trees.node(299)).toBeDefined()
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(300e6)
  }, 120_000)
})

describe('a saved map that says anything', () => {
  const info = { level: 9, minTXID: 1n, maxTXID: 1n, size: 5000, createdAt: 0 }
  const file = new SourceFile(info, 1n, new PageCache())

  function rows(values: readonly number[], files = [file]): SavedRowReader {
    const writer = new SavedRowWriter()
    for (const value of values) writer.put(value)
    return new SavedRowReader(writer.bytes, files)
  }

  test('numbers of pages are held against the bytes there are, before room is made for them', () => {
    for (const pages of [2 ** 31, 2 ** 53, 3, -1, 1.5, Number.NaN, '2' as unknown as number]) {
      expect(() => PageLayer.load({ files: [0], pages }, rows([1, 50, 100, 1, 50, 0])), `${pages}`).toThrow(/room/)
    }
    expect(PageLayer.load({ files: [0], pages: 2 }, rows([1, 50, 100, 1, 50, 0])).location(1)).toMatchObject({
      offset: 150,
      size: 50,
    })
  })

  test.each([
    ['pages that do not ascend', [1, 50, 100, 0, 50, 0]],
    ['a page beyond any', [2 ** 32, 50, 100, 1, 50, 0]],
    ['a frame longer than any', [1, 2 ** 17, 100, 1, 50, 0]],
    ['a frame beyond the file', [1, 50, 100, 1, 50, 5000]],
    ['a frame that reaches beyond the file', [1, 50, 100, 1, 50, 4801]],
  ])('%s', (_, values) => {
    expect(() => PageLayer.load({ files: [0], pages: 2 }, rows(values))).toThrow(/cannot be/)
  })

  test('a file that is not there', () => {
    const two = [file, file]
    expect(() => PageLayer.load({ files: [0, 1], pages: 1 }, rows([1, 7, 50, 100], two))).toThrow(/cannot be/)
    expect(() => PageLayer.load({ files: [4], pages: 1 }, rows([1, 50, 100]))).toThrow(/no saved file/)
  })

  test('runs of an index that overlap, or reach beyond it', () => {
    const about = { pageSize: 4096, commit: 9, indexOffset: 4000, indexSize: 900 }
    const layer = { files: [0], pages: 1 }
    const load = (...runs: readonly (readonly [number, number, number])[]): LazyIndex =>
      LazyIndex.load(
        { ...about, file: 0, runs: runs.map(([start, lastStart, end]) => ({ start, lastStart, end, layer })) },
        rows(runs.flatMap((_, i) => [1 + i, 50, 100])),
      )
    expect(load([0, 5, 10], [10, 12, 20]).runs).toHaveLength(2)
    for (const run of [
      [0, 5, 900],
      [-1, 5, 10],
      [6, 5, 10],
      [0, 11, 10],
      [Number.NaN, 5, 10],
    ] as const) {
      expect(() => load(run), `${run}`).toThrow(/runs/)
    }
    expect(() => load([0, 5, 10], [9, 12, 20])).toThrow(/runs/)
  })
})
