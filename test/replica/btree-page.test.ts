import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import {
  isIndexLeaf,
  isTableLeaf,
  readIndexRowids,
  readInteriorPage,
  readSchemaLeaf,
  readSmallestRecord,
} from '../../replica/ahead/btree-page.ts'
import { seededRandom } from '../support/random.ts'
import { tempDir } from '../support/temp-dir.ts'

/** A database with trees of all kinds, and a function that gives its pages. */
function makeDatabase(pageSize: number) {
  const path = join(tempDir(), 'trees.db')
  const db = new DatabaseSync(path)
  db.exec(`
    PRAGMA page_size = ${pageSize};
    CREATE TABLE t (id INTEGER PRIMARY KEY, k TEXT, v BLOB);
    CREATE INDEX by_k ON t (k);
    CREATE TABLE w (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
    INSERT INTO t SELECT i * 37 - 20000, 'key ' || ((i * 7919) % 3000), randomblob(i % 90) FROM n;
    INSERT INTO w SELECT k, v FROM t;
  `)
  const image = readFileSync(path)
  const roots = db.prepare('SELECT type, name, tbl_name AS "table", rootpage AS rootPgno FROM sqlite_schema').all()
  const ordered = db.prepare('SELECT id FROM t ORDER BY k, id').all() as { id: number }[]
  const rowids = db.prepare('SELECT id FROM t ORDER BY id').all() as { id: number }[]
  db.close()
  return { page: (pgno: number) => image.subarray((pgno - 1) * pageSize, pgno * pageSize), roots, ordered, rowids }
}

type PageOf = (pgno: number) => Uint8Array

function leavesOf(page: PageOf, pgno: number): number[] {
  const node = readInteriorPage(page(pgno), pgno)
  return node ? [...node.children].flatMap((child) => leavesOf(page, child)) : [pgno]
}

describe('b-tree pages, beside what SQLite says', () => {
  test.each([512, 4096, 65536])('the schema, and every rowid in an index’s order: pages of %i bytes', (pageSize) => {
    const { page, roots, ordered } = makeDatabase(pageSize)
    const schema = leavesOf(page, 1).flatMap((pgno) => readSchemaLeaf(page(pgno), pgno))
    expect(schema).toEqual(roots.map((row) => ({ ...row })))
    const index = schema.find(({ name }) => name === 'by_k')!
    const leaves = leavesOf(page, index.rootPgno)
    expect(leaves.every((pgno) => isIndexLeaf(page(pgno), pgno))).toBe(true)
    const read = leaves.flatMap((pgno) => readIndexRowids(page(pgno), pgno))
    // Entries of interior pages are in no leaf.
    const inLeaves = new Set(read)
    expect(read).toEqual(ordered.map(({ id }) => id).filter((id) => inLeaves.has(id)))
    expect(read.length).toBeGreaterThan(0.8 * ordered.length)
  })

  test('views, triggers and virtual tables have no root', () => {
    const db = new DatabaseSync(':memory:')
    db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE VIEW v AS SELECT 1;
      CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END; CREATE VIRTUAL TABLE f USING fts5 (x)`)
    const page = new Uint8Array(db.serialize()).subarray(0, 4096)
    const names = db.prepare('SELECT name FROM sqlite_schema WHERE rootpage > 0').all()
    db.close()
    expect(readSchemaLeaf(page, 1).map(({ name }) => ({ name }))).toEqual(names.map((row) => ({ ...row })))
  })

  test('rowids that part a table’s children', () => {
    const { page, roots, rowids } = makeDatabase(512)
    const root = roots.find(({ name }) => name === 't')!.rootPgno as number
    const check = (pgno: number, above: number, upTo: number): number => {
      const node = readInteriorPage(page(pgno), pgno)
      if (!node) {
        expect(isTableLeaf(page(pgno), pgno)).toBe(true)
        return 1
      }
      expect(node.tree).toBe('table')
      const bounds = [above, ...node.rowids!, upTo]
      expect(bounds).toEqual([...bounds].sort((a, b) => a - b))
      return [...node.children].reduce((sum, child, i) => sum + check(child, bounds[i]!, bounds[i + 1]!), 0)
    }
    expect(check(root, -Infinity, rowids.at(-1)!.id)).toBeGreaterThan(100)
  })

  test('an index of a WITHOUT ROWID table has no rowids', () => {
    const { page, roots } = makeDatabase(4096)
    const root = roots.find(({ name }) => name === 'w')!.rootPgno as number
    expect(readInteriorPage(page(root), root)?.tree).toBe('index')
  })

  test('a record that would reach past the page is none', () => {
    const leaf = (payload: number) => {
      const page = new Uint8Array(512)
      page.set([0x0d, 0, 0, 0, 1, 0, 0, 0, 400 >> 8, 400 & 0xff])
      page.set([payload, 1], 400)
      return page
    }
    expect(readSmallestRecord(leaf(110), 2)).toHaveLength(110)
    expect(readSmallestRecord(leaf(111), 2)).toBeUndefined()
  })

  test('any bytes: no exception, and no more than a page can hold', () => {
    const random = seededRandom(5)
    for (let round = 0; round < 3000; round++) {
      const page = Uint8Array.from({ length: 512 }, () => Math.floor(random() * 256))
      page[0] = [2, 5, 10, 13][round % 4]!
      if (round % 2) page[3] = 0
      expect(readInteriorPage(page, 2)?.children.length ?? 0).toBeLessThanOrEqual(256)
      expect(readIndexRowids(page, 2).length).toBeLessThanOrEqual(256)
      expect(readSchemaLeaf(page, 2).length).toBeLessThanOrEqual(256)
    }
  })
})
