import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { patchPageOne, schemaCookie } from '../../vfs/page-one.ts'
import { seededRandom } from '../support/random.ts'
import { tempDir } from '../support/temp-dir.ts'

test('page 1 says: a rollback journal, a counter of its own for each state, as many pages as there are', () => {
  const random = seededRandom(1)
  const page = Uint8Array.from({ length: 512 }, () => Math.floor(random() * 256))
  const before = page.slice()
  const state = { txid: 0x1_2345_6789n, commit: 0x0102_0304, pageSize: 512, timestamp: 0 }
  const patched = patchPageOne(page, state)
  expect(page).toEqual(before)
  const expected = before.slice()
  expected.set([1, 1], 18)
  expected.set([0x23, 0x45, 0x67, 0x89, 0x01, 0x02, 0x03, 0x04], 24)
  expected.set([0x23, 0x45, 0x67, 0x89], 92)
  expect(patched).toEqual(expected)
})

test('the schema cookie is SQLite’s own, wherever the page lies', () => {
  const path = join(tempDir(), 'app.db')
  const db = new DatabaseSync(path)
  db.exec('CREATE TABLE t (a); CREATE TABLE u (a); DROP TABLE u; PRAGMA schema_version = 70000;')
  const { schema_version } = db.prepare('PRAGMA schema_version').get()!
  db.close()
  const shifted = new Uint8Array(4096 + 7)
  shifted.set(readFileSync(path).subarray(0, 4096), 7)
  expect(schemaCookie(shifted.subarray(7))).toBe(schema_version)
})
