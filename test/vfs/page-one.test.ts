import { expect, test } from 'vitest'
import { patchPageOne, sameSchemaPage } from '../../vfs/engine/page-one.ts'
import { seededRandom } from '../support/random.ts'

test('page 1 says: a rollback journal, a counter of its own for each state, as many pages as there are', () => {
  const random = seededRandom(1)
  const page = Uint8Array.from({ length: 512 }, () => Math.floor(random() * 256))
  const before = page.slice()
  const state = { txid: 0x1_2345_6789n, commit: 0x0102_0304, pageSize: 512, timestamp: 0, identity: '' }
  const patched = patchPageOne(page, state, 0x2345_6789)
  expect(page).toEqual(before)
  const expected = before.slice()
  expected.set([1, 1], 18)
  expected.set([0x23, 0x45, 0x67, 0x89, 0x01, 0x02, 0x03, 0x04], 24)
  expected.set([0x23, 0x45, 0x67, 0x89], 92)
  expect(patched).toEqual(expected)
})

test('a page of the schema says the same when only what is volatile differs, and only on page 1', () => {
  const page = Uint8Array.from({ length: 512 }, (_, i) => i % 256)
  for (let at = 0; at < page.length; at++) {
    const other = page.slice()
    other[at]! ^= 1
    const volatile = (at >= 18 && at < 20) || (at >= 24 && at < 40) || (at >= 92 && at < 100)
    expect(sameSchemaPage(1, page, other), `byte ${at}`).toBe(volatile)
    expect(sameSchemaPage(2, page, other), `byte ${at}`).toBe(false)
  }
  expect(sameSchemaPage(2, page, page)).toBe(true)
  expect(sameSchemaPage(2, page, page.slice(0, 500))).toBe(false)
})
