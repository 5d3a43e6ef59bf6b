import { expect, test } from 'vitest'
import { PAGE_CACHED, PAGE_CHANGED, Replica } from '../../replica/index.ts'
import { numbers } from '../support/numbers.ts'
import { source } from '../vfs/scene.ts'

test('which pages are in memory, and which were changed since a TXID', async () => {
  const made = await source(`CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
    ${numbers(2000)} INSERT INTO t SELECT i, randomblob(400) FROM n;`)
  made.native.exec("UPDATE t SET v = 'new' WHERE id = 1500")
  await made.upload()
  const db = await made.open('asyncify')
  const replica = await Replica.open(made.client)
  const { state } = replica
  const before = replica.pageMap(state)
  expect(before).toHaveLength(state.commit)
  await replica.pin(state).fetch(20)
  const after = replica.pageMap(state)
  expect(before[19]).toBe(0)
  expect(after[19]).toBe(PAGE_CACHED)
  const changed = [...replica.pageMap(state, 1n)].filter((flags) => flags & PAGE_CHANGED)
  expect(changed.length).toBeGreaterThanOrEqual(2) // the header's page and the row's
  expect(changed.length).toBeLessThan(5)
  expect([...replica.pageMap(state, 2n)].some((flags) => flags & PAGE_CHANGED)).toBe(false)
  await db.all('SELECT * FROM t')
  const scanned = [...db.pageMap()].filter((flags) => flags & PAGE_CACHED).length
  expect(scanned).toBe(state.commit)
  expect(db.pageSize).toBe(state.pageSize)
})
