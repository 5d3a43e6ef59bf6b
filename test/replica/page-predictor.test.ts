import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { readInteriorPage, readSchemaLeaf } from '../../replica/ahead/btree-page.ts'
import { PagePredictor } from '../../replica/ahead/page-predictor.ts'
import { Trees } from '../../replica/ahead/trees.ts'

/** Predictor over pages of which none is at hand. */
function blind(room = 1000) {
  const asked: number[][] = []
  const pages = {
    commit: 100_000,
    room,
    ahead: async (pgnos: readonly number[]) => void asked.push([...pgnos]),
    peek: () => undefined,
  }
  return { predictor: new PagePredictor(pages, new Trees(), 512), asked }
}

/** A run that meets these pages, none of them at hand. @returns those for which it got a placeholder page */
function run(predictor: PagePredictor, pgnos: readonly number[], complete = false): number[] {
  predictor.begin()
  const stood = pgnos.filter((pgno) => predictor.at(pgno) === undefined && predictor.placeholder(pgno) !== undefined)
  predictor.fetch(complete)
  return stood
}

function upTo(count: number, from = 2): number[] {
  return Array.from({ length: count }, (_, i) => from + i)
}

describe('PagePredictor', () => {
  test('what a run found is fetched once, in its order', () => {
    const { predictor, asked } = blind()
    expect(predictor.begin()).toBe(true)
    expect(predictor.fetch(false)).toBe(0)
    expect(asked).toEqual([])
    run(predictor, [9, 5, 9, 7])
    expect(asked).toEqual([[9, 5, 7]])
    expect([5, 6, 7, 9].map((pgno) => predictor.has(pgno))).toEqual([true, false, true, true])
    run(predictor, [9, 5, 7, 8])
    expect(asked).toEqual([[9, 5, 7], [8]])
  })

  test('64 at first; each that was read makes room for itself and eight more', () => {
    const { predictor, asked } = blind()
    expect(run(predictor, upTo(70))).toHaveLength(64)
    expect(asked[0]).toHaveLength(64)
    expect(predictor.begin()).toBe(false)
    predictor.read(2)
    predictor.read(2)
    predictor.read(999)
    expect(predictor.useful).toBe(1)
    expect(predictor.begin()).toBe(true)
    run(predictor, upTo(100))
    expect(asked[1]).toHaveLength(9)
  })

  test('no more than there is room for', () => {
    const { predictor, asked } = blind(10)
    expect(run(predictor, upTo(70))).toHaveLength(10)
    expect(asked[0]).toHaveLength(10)
    expect(blind(0).predictor.begin()).toBe(false)
  })

  test('low: when less than half of what is allowed is on its way', () => {
    const { predictor } = blind()
    expect(predictor.low).toBe(true)
    run(predictor, upTo(31))
    expect(predictor.low).toBe(true)
    run(predictor, upTo(32))
    expect(predictor.low).toBe(false)
  })

  test('a whole run that goes without a page gives it up, and less is allowed', () => {
    const { predictor, asked } = blind()
    run(predictor, upTo(4))
    run(predictor, [2, 3], false)
    expect(upTo(4).filter((pgno) => predictor.has(pgno))).toEqual(upTo(4))
    run(predictor, [2, 3], true)
    expect(upTo(4).filter((pgno) => predictor.has(pgno))).toEqual([2, 3])
    predictor.read(4)
    expect(predictor.useful).toBe(0)
    expect(run(predictor, upTo(100, 200))).toHaveLength(64 - 2 * 8 - 2)
    expect(asked.at(-1)).toHaveLength(46)
  })

  test('a row that an index names stands in its table, once its page is known', () => {
    const db = new DatabaseSync(':memory:')
    db.exec(`PRAGMA page_size = 512; CREATE TABLE t (id INTEGER PRIMARY KEY, k INTEGER, v TEXT);
      CREATE INDEX by_k ON t (k);
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
      INSERT INTO t SELECT i * 1000000, i, hex(zeroblob(40)) FROM n;`)
    const image = new Uint8Array(db.serialize())
    db.close()
    const page = (pgno: number) => image.slice((pgno - 1) * 512, pgno * 512)
    const roots = new Map(readSchemaLeaf(page(1), 1).map(({ name, rootPgno }) => [name, rootPgno]))
    const table = readInteriorPage(page(roots.get('t')!), roots.get('t')!)!
    const index = readInteriorPage(page(roots.get('by_k')!), roots.get('by_k')!)!
    const hand = new Map([1, roots.get('t')!, roots.get('by_k')!, ...index.children].map((pgno) => [pgno, page(pgno)]))
    const pages = {
      commit: image.length / 512,
      room: 100,
      ahead: async () => {},
      peek: (pgno: number) => hand.get(pgno),
    }
    const predictor = new PagePredictor(pages, new Trees(), 512)
    // The table's second part, whose rowids are too far apart for all of them to stand there.
    const part = table.children[1]!
    const rowids = () => {
      const cells = new DataView(predictor.placeholder(part)!.buffer)
      return cells.getUint16(3)
    }
    predictor.begin()
    for (const pgno of [1, roots.get('t')!]) expect(predictor.at(pgno)).toBeDefined()
    expect(rowids()).toBe(1)
    for (const pgno of [roots.get('by_k')!, ...index.children]) predictor.at(pgno)
    expect(rowids()).toBeGreaterThan(1)
    predictor.begin()
    expect(rowids()).toBe(1)
  })
})
