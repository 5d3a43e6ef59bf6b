import { beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../vfs/index.ts'
import { suiteDir } from '../support/temp-dir.ts'
import { type Source, source } from './scene.ts'

const dir = suiteDir()
let made: Source

beforeAll(async () => {
  made = await source('CREATE TABLE t (a)', dir)
})

async function open(): Promise<Database> {
  return await made.open('jspi')
}

describe('what a parameter is in SQLite', () => {
  test.each([
    [2 ** 31 - 1, 'integer', '2147483647'],
    [2 ** 31, 'integer', '2147483648'],
    [-(2 ** 31), 'integer', '-2147483648'],
    [-(2 ** 31) - 1, 'integer', '-2147483649'],
    [Number.MAX_SAFE_INTEGER, 'integer', '9007199254740991'],
    [2 ** 53, 'real', '9007199254740992.0'],
    [0.5, 'real', '0.5'],
    [2n ** 63n - 1n, 'integer', '9223372036854775807'],
    [-(2n ** 63n), 'integer', '-9223372036854775808'],
    [true, 'integer', '1'],
    [false, 'integer', '0'],
    [null, 'null', 'NULL'],
    ["it's", 'text', "'it''s'"],
    ['', 'text', "''"],
    [new Uint8Array(), 'blob', "X''"],
    [Uint8Array.of(9, 1, 2, 9).subarray(1, 3), 'blob', "X'0102'"],
    [Uint8Array.of(3, 4).buffer, 'blob', "X'0304'"],
    [new DataView(Uint8Array.of(5, 6, 7).buffer, 1, 2), 'blob', "X'0607'"],
  ])('%s', async (value, type, literal) => {
    const db = await open()
    expect(await db.get('SELECT typeof(?1) AS type, quote(?1) AS literal', [value])).toEqual({ type, literal })
  })
})

describe('what is refused, and what to do about it', () => {
  test.each<[sql: string, parameters: unknown, message: string]>([
    ['SELECT ?', [new Date()], 'toISOString'],
    ['SELECT ?', [{}], 'JSON.stringify'],
    ['SELECT ?', [undefined], 'parameter 1 is undefined'],
    ['SELECT ?, :b', [1, undefined], 'parameter :b is undefined'],
    ['SELECT ?', [Symbol('s')], 'parameter 1 is symbol'],
    ['SELECT ?', [2n ** 63n], 'does not fit in 64 bits'],
    ['SELECT ?', [-(2n ** 63n) - 1n], 'does not fit in 64 bits'],
    ['SELECT ?, ?', [1], 'has 2 parameters, but 1 values'],
    ['SELECT ?', { a: 1 }, 'parameter 1 has no name'],
    ['SELECT :a', {}, 'no value was given for :a'],
    ['SELECT :toString', {}, 'no value was given for :toString'],
    ['SELECT :a', { a: 1, b: 2 }, "no parameter named 'b'"],
    ['SELECT :a', { a: 1, ':a': 2 }, "no parameter named 'a'"],
  ])('%s of %o', async (sql, parameters, message) => {
    const db = await open()
    await expect(db.get(sql, parameters as never)).rejects.toMatchObject({
      code: 'VFS_PARAMETER',
      message: expect.stringContaining(message),
    })
    expect(await db.get('SELECT 1 AS n')).toEqual({ n: 1 })
  })
})

test('a statement that is used again keeps nothing of its last parameters', async () => {
  const db = await open()
  await db.transaction(async (tx) => {
    expect(await tx.get('SELECT ?1 AS a, ?2 AS b', ['x', 'y'])).toEqual({ a: 'x', b: 'y' })
    await expect(tx.get('SELECT ?1 AS a, ?2 AS b', ['z', {} as never])).rejects.toMatchObject({ code: 'VFS_PARAMETER' })
    expect(await tx.get('SELECT ?1 AS a, ?2 AS b', [null, 2])).toEqual({ a: null, b: 2 })
  })
})
