import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { readInteriorPage, readSchemaLeaf } from '../../replica/ahead/btree-page.ts'
import { Trees } from '../../replica/ahead/trees.ts'

const PAGE_SIZE = 512

/** A tree of three levels, as SQLite made it. */
function made() {
  const db = new DatabaseSync(':memory:')
  db.exec(`PRAGMA page_size = ${PAGE_SIZE}; CREATE TABLE t (id INTEGER PRIMARY KEY, k TEXT); CREATE INDEX by_k ON t (k);
    CREATE VIEW v AS SELECT 1;
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
    INSERT INTO t SELECT i, hex(zeroblob(20)) || i FROM n;`)
  const image = new Uint8Array(db.serialize())
  db.close()
  const page = (pgno: number) => image.subarray((pgno - 1) * PAGE_SIZE, pgno * PAGE_SIZE)
  const roots = new Map(readSchemaLeaf(page(1), 1).map(({ name, rootPgno }) => [name, rootPgno]))
  const table = roots.get('t')!
  const children = (pgno: number) => [...readInteriorPage(page(pgno), pgno)!.children]
  const middle = children(table)
  expect(middle.length).toBeGreaterThan(3)
  const leaves = middle.map(children)
  return { page, count: image.length / PAGE_SIZE, table, index: roots.get('by_k')!, middle, leaves }
}

const { page, table, index, middle, leaves } = made()

function learnt(...pgnos: readonly number[]): Trees {
  const trees = new Trees()
  for (const pgno of pgnos) trees.learn(pgno, page(pgno))
  return trees
}

describe('Trees', () => {
  test('an interior page is news once, until it changes; a leaf is none', () => {
    const trees = new Trees()
    const root = page(table)
    expect(trees.learn(table, root)).toMatchObject({ pgno: table, tree: 'table', page: root })
    expect(trees.learn(table, root)).toBeUndefined()
    expect(trees.learn(table, root.slice())).toMatchObject({ pgno: table })
    expect(trees.learn(leaves[0]![0]!, page(leaves[0]![0]!))).toBeUndefined()
    expect(trees.node(table)?.children).toEqual(Uint32Array.from(middle))
    expect(trees.node(middle[0]!)).toBeUndefined()
  })

  test('a page’s place is what its parent says', () => {
    const trees = learnt(table)
    for (const [i, pgno] of middle.entries()) {
      expect(trees.place(pgno)).toMatchObject({ parent: { pgno: table }, index: i })
    }
    expect(trees.place(table)).toBeUndefined()
    expect(trees.place(leaves[0]![0]!)).toBeUndefined()
  })

  test('neighbours, across the parents too; none at the edge, or where the parent beside is not known', () => {
    const trees = learnt(table, ...middle.slice(0, 2), ...middle.slice(-1))
    const [first, second] = [leaves[0]!, leaves[1]!]
    expect(trees.neighbour(middle[1]!, 1)).toBe(middle[2])
    expect(trees.neighbour(middle[1]!, -1)).toBe(middle[0])
    expect(trees.neighbour(first[0]!, 1)).toBe(first[1])
    expect(trees.neighbour(first.at(-1)!, 1)).toBe(second[0])
    expect(trees.neighbour(second[0]!, -1)).toBe(first.at(-1))
    expect(trees.neighbour(first[0]!, -1)).toBeUndefined()
    expect(trees.neighbour(leaves.at(-1)!.at(-1)!, 1)).toBeUndefined()
    expect(trees.neighbour(second.at(-1)!, 1)).toBeUndefined()
    expect(trees.neighbour(table, 1)).toBeUndefined()
  })

  test('the root, as far up as is known', () => {
    const leaf = leaves[1]![2]!
    expect(learnt(table, ...middle).root(leaf)).toBe(table)
    expect(learnt(...middle).root(leaf)).toBe(middle[1])
    expect(learnt().root(leaf)).toBe(leaf)
  })

  test('the last leaf of each tree', () => {
    const trees = learnt(table, ...middle)
    expect(trees.lastLeaf(table)).toBeUndefined()
    trees.learnLeaf(leaves[0]![0]!)
    trees.learnLeaf(leaves[2]![1]!)
    expect(trees.lastLeaf(table)).toBe(leaves[2]![1])
    expect(trees.lastLeaf(index)).toBeUndefined()
  })

  test('what the schema names: roots, and the table of an index', () => {
    const before = learnt(table)
    expect(before.isRoot(1)).toBe(true)
    expect(before.isRoot(table)).toBe(false)
    expect(before.tableRoot(index)).toBeUndefined()
    const trees = learnt(1)
    expect([1, table, index].map((pgno) => trees.isRoot(pgno))).toEqual([true, true, true])
    expect(trees.isRoot(middle[0]!)).toBe(false)
    expect(trees.tableRoot(index)).toBe(table)
    expect(trees.tableRoot(table)).toBeUndefined()
    // A page that is no part of the schema says nothing about it.
    expect(learnt(2, 3).tableRoot(index)).toBeUndefined()
  })

  test('a schema of several pages: what each of them says', () => {
    const db = new DatabaseSync(':memory:')
    db.exec(`PRAGMA page_size = ${PAGE_SIZE}`)
    for (let i = 0; i < 40; i++) db.exec(`CREATE TABLE t${i} (a, b); CREATE INDEX i${i} ON t${i} (a)`)
    const named = db.prepare("SELECT name, rootpage AS root FROM sqlite_schema WHERE name LIKE '_7'").all()
    const roots = new Map(named.map(({ name, root }) => [name, Number(root)]))
    const image = new Uint8Array(db.serialize())
    db.close()
    const trees = new Trees()
    for (let pgno = 1; pgno <= image.length / PAGE_SIZE; pgno++) {
      trees.learn(pgno, image.subarray((pgno - 1) * PAGE_SIZE, pgno * PAGE_SIZE))
    }
    expect(trees.tableRoot(roots.get('i7')!)).toBe(roots.get('t7'))
    expect([...roots.values()].every((root) => trees.isRoot(root))).toBe(true)
  })

  test('a page that has other children now: the old ones have no place any more', () => {
    const trees = learnt(table)
    trees.learn(table, page(middle[0]!))
    expect(trees.place(middle[0]!)).toBeUndefined()
    expect(trees.place(leaves[0]![1]!)).toMatchObject({ parent: { pgno: table }, index: 1 })
    trees.learn(table, page(leaves[0]![0]!)) // a leaf now: nothing is learnt, nothing forgotten
    expect(trees.place(leaves[0]![1]!)).toBeDefined()
  })

  test('a child that moved to another parent stays there when the old one is learnt anew', () => {
    const trees = learnt(middle[0]!)
    const adopted = leaves[0]![0]!
    trees.learn(9000, page(middle[0]!)) // another page says that it has them
    expect(trees.place(adopted)).toMatchObject({ parent: { pgno: 9000 } })
    trees.learn(middle[0]!, page(middle[1]!))
    expect(trees.place(adopted)).toMatchObject({ parent: { pgno: 9000 }, index: 0 })
    expect(trees.place(leaves[1]![0]!)).toMatchObject({ parent: { pgno: middle[0] } })
  })

  test('1,024 interior pages are kept: the one that was learnt first goes', () => {
    const trees = new Trees()
    const some = page(middle[0]!)
    for (let pgno = 10_000; pgno < 11_024; pgno++) trees.learn(pgno, some.slice())
    expect(trees.node(10_000)).toBeDefined()
    trees.learn(11_024, some.slice())
    expect(trees.node(10_000)).toBeUndefined()
    expect(trees.node(10_001)).toBeDefined()
    expect(trees.node(11_024)).toBeDefined()
  })
})
