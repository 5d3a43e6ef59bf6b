import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { placeholder } from '../../replica/ahead/placeholder-page.ts'
import { Trees } from '../../replica/ahead/trees.ts'
import { tempDir } from '../support/temp-dir.ts'

const PAGE_SIZE = 1024

/** A database with its leaves replaced by placeholder pages, as SQLite itself reads it. */
function standing(setup: string, replaced: (name: string) => boolean) {
  const path = join(tempDir(), 'app.db')
  const db = new DatabaseSync(path)
  db.exec(`PRAGMA page_size = ${PAGE_SIZE}; ${setup}`)
  const leaves = db.prepare("SELECT name, pageno FROM dbstat WHERE pagetype = 'leaf'")
  const pages = leaves.all() as { name: string; pageno: number }[]
  const image = new Uint8Array(db.serialize())
  db.close()
  const page = (pgno: number) => image.subarray((pgno - 1) * PAGE_SIZE, pgno * PAGE_SIZE)
  const trees = new Trees()
  const count = image.length / PAGE_SIZE
  for (let round = 0; round < 3; round++) for (let pgno = 1; pgno <= count; pgno++) trees.learn(pgno, page(pgno))
  const examples = new Map(pages.map(({ name, pageno }) => [name, pageno]))
  for (const pgno of examples.values()) trees.learnLeaf(pgno)
  const kept = new Set(examples.values())
  const peek = (pgno: number) => (kept.has(pgno) ? page(pgno).slice() : undefined)
  for (const { name, pageno } of pages) {
    if (!replaced(name) || kept.has(pageno)) continue
    page(pageno).set(placeholder(pageno, { pageSize: PAGE_SIZE, trees, peek, wantedRows: () => [] })!)
  }
  const standInPath = join(tempDir(), 'placeholder page.db')
  writeFileSync(standInPath, image)
  return new DatabaseSync(standInPath, { readOnly: true })
}

const TABLE = `CREATE TABLE t (id INTEGER PRIMARY KEY, k INTEGER, v TEXT); CREATE INDEX by_k ON t (k);
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
  INSERT INTO t SELECT i, (i * 7) % 1999, 'value ' || i FROM n;`

test('a table’s leaf has every row that it could have, like a row that was seen', () => {
  const db = standing(TABLE, (name) => name === 't')
  const { n, v, low } = db.prepare('SELECT count(*) AS n, count(v) AS v, min(id) AS low FROM t').get()!
  expect([n, low]).toEqual([2000, 1])
  expect(v).toBeGreaterThan(1900) // the first leaf had shorter rows; here they are empty
  expect(db.prepare('SELECT count(*) AS n FROM t WHERE id BETWEEN 300 AND 400').get()).toEqual({ n: 101 })
  expect(db.prepare('SELECT t.id FROM t INDEXED BY by_k WHERE k = 70').all()).toEqual([{ id: 10 }])
  db.close()
})

test('in an index’s leaf a search finds nothing, and a scan goes on to the next', () => {
  const db = standing(TABLE, (name) => name === 'by_k')
  const found = db.prepare('SELECT id FROM t INDEXED BY by_k WHERE k = ?')
  const searched = Array.from({ length: 400 }, (_, i) => found.all(500 + i)).filter((rows) => rows.length > 0)
  expect(searched.length).toBeLessThan(100) // entries of interior pages, and those of the leaf that is kept
  expect(db.prepare('SELECT count(*) AS n FROM (SELECT k FROM t INDEXED BY by_k ORDER BY k)').get()!.n).toBeGreaterThan(
    900,
  )
  db.close()
})

test('an overflow chain goes on with the next page; a root, nobody can guess', () => {
  const trees = new Trees()
  const context = { pageSize: PAGE_SIZE, trees, peek: () => undefined, wantedRows: () => [] }
  const page = placeholder(77, context)!
  expect(new DataView(page.buffer).getUint32(0)).toBe(78)
  expect(placeholder(1, context)).toBeUndefined()
})

test('too many rowids for a page: those that are wanted', () => {
  const path = join(tempDir(), 'sparse.db')
  const db = new DatabaseSync(path)
  db.exec(`PRAGMA page_size = ${PAGE_SIZE}; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
    INSERT INTO t SELECT i * 1000000, hex(randomblob(40)) FROM n;`)
  const root = Number(db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 't'").get()!.rootpage)
  const leaf = Number(
    db.prepare("SELECT pageno FROM dbstat WHERE pagetype = 'leaf' AND name = 't' LIMIT 1 OFFSET 9").get()!.pageno,
  )
  const image = new Uint8Array(db.serialize())
  const trees = new Trees()
  trees.learn(1, image.subarray(0, PAGE_SIZE))
  trees.learn(root, image.slice((root - 1) * PAGE_SIZE, root * PAGE_SIZE))
  const { parent, index } = trees.place(leaf)!
  const [low, high] = [parent.rowids![index - 1]!, parent.rowids![index]!]
  const wanted = [high - 5, low - 1, high + 1, low + 1, high - 5]
  const context = { pageSize: PAGE_SIZE, trees, peek: () => undefined, wantedRows: () => wanted }
  image.set(placeholder(leaf, context)!, (leaf - 1) * PAGE_SIZE)
  db.close()
  writeFileSync(path, image)
  const reader = new DatabaseSync(path, { readOnly: true })
  const rows = reader.prepare('SELECT id FROM t WHERE id > ? AND id <= ?').all(low, high)
  expect(rows.map(({ id }) => id)).toEqual([low + 1, high - 5])
  reader.close()
})
