import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { readInteriorPage, readSchemaLeaf } from '../../replica/btree-page.ts'
import { PageForesight } from '../../replica/page-foresight.ts'
import { Trees } from '../../replica/trees.ts'

/** Foresight over pages of which none is at hand. */
function blind(room = 1000) {
  const asked: number[][] = []
  const pages = {
    commit: 100_000,
    room,
    ahead: async (pgnos: readonly number[]) => void asked.push([...pgnos]),
    peek: () => undefined,
  }
  return { foresight: new PageForesight(pages, new Trees(), 512), asked }
}

/** A run that meets these pages, none of them at hand. @returns those for which it got a stand-in */
function run(foresight: PageForesight, pgnos: readonly number[], complete = false): number[] {
  foresight.begin()
  const stood = pgnos.filter((pgno) => foresight.at(pgno) === undefined && foresight.standIn(pgno) !== undefined)
  foresight.fetch(complete)
  return stood
}

function upTo(count: number, from = 2): number[] {
  return Array.from({ length: count }, (_, i) => from + i)
}

describe('PageForesight', () => {
  test('what a run found is fetched once, in its order', () => {
    const { foresight, asked } = blind()
    expect(foresight.begin()).toBe(true)
    expect(foresight.fetch(false)).toBe(0)
    expect(asked).toEqual([])
    run(foresight, [9, 5, 9, 7])
    expect(asked).toEqual([[9, 5, 7]])
    expect([5, 6, 7, 9].map((pgno) => foresight.has(pgno))).toEqual([true, false, true, true])
    run(foresight, [9, 5, 7, 8])
    expect(asked).toEqual([[9, 5, 7], [8]])
  })

  test('64 at first; each that was read makes room for itself and eight more', () => {
    const { foresight, asked } = blind()
    expect(run(foresight, upTo(70))).toHaveLength(64)
    expect(asked[0]).toHaveLength(64)
    expect(foresight.begin()).toBe(false)
    foresight.read(2)
    foresight.read(2)
    foresight.read(999)
    expect(foresight.useful).toBe(1)
    expect(foresight.begin()).toBe(true)
    run(foresight, upTo(100))
    expect(asked[1]).toHaveLength(9)
  })

  test('no more than there is room for', () => {
    const { foresight, asked } = blind(10)
    expect(run(foresight, upTo(70))).toHaveLength(10)
    expect(asked[0]).toHaveLength(10)
    expect(blind(0).foresight.begin()).toBe(false)
  })

  test('low: when less than half of what is allowed is on its way', () => {
    const { foresight } = blind()
    expect(foresight.low).toBe(true)
    run(foresight, upTo(31))
    expect(foresight.low).toBe(true)
    run(foresight, upTo(32))
    expect(foresight.low).toBe(false)
  })

  test('a whole run that goes without a page gives it up, and less is allowed', () => {
    const { foresight, asked } = blind()
    run(foresight, upTo(4))
    run(foresight, [2, 3], false)
    expect(upTo(4).filter((pgno) => foresight.has(pgno))).toEqual(upTo(4))
    run(foresight, [2, 3], true)
    expect(upTo(4).filter((pgno) => foresight.has(pgno))).toEqual([2, 3])
    foresight.read(4)
    expect(foresight.useful).toBe(0)
    expect(run(foresight, upTo(100, 200))).toHaveLength(64 - 2 * 8 - 2)
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
    const foresight = new PageForesight(pages, new Trees(), 512)
    // The table's second part, whose rowids are too far apart for all of them to stand there.
    const part = table.children[1]!
    const rowids = () => {
      const cells = new DataView(foresight.standIn(part)!.buffer)
      return cells.getUint16(3)
    }
    foresight.begin()
    for (const pgno of [1, roots.get('t')!]) expect(foresight.at(pgno)).toBeDefined()
    expect(rowids()).toBe(1)
    for (const pgno of [roots.get('by_k')!, ...index.children]) foresight.at(pgno)
    expect(rowids()).toBeGreaterThan(1)
    foresight.begin()
    expect(rowids()).toBe(1)
  })
})
