import { describe, expect, test } from 'vitest'
import { type Database, isVfsError, type Queries } from '../../vfs/index.ts'
import { source } from './scene.ts'

/** What untyped code passes: it compiles as anything. */
type Loose = Record<string, (...args: unknown[]) => unknown>

/** A buffer that was given to somebody else. */
function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(8)
  structuredClone(buffer, { transfer: [buffer] })
  return buffer
}

/** The error of a call, wherever it comes: thrown, rejected, or at the first row. */
async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    const result = await call()
    if (typeof result === 'object' && result !== null && Symbol.asyncIterator in result) {
      for await (const _ of result as AsyncIterable<unknown>) break
    }
    return undefined
  } catch (error) {
    return error
  }
}

const SQL = 'SELECT v FROM t WHERE id = ?'

/** By method: arguments that are none, and what the message has to say of them. */
const REFUSED: readonly [method: string, args: readonly unknown[], says: RegExp, code?: string][] = [
  ...['get', 'all', 'each'].flatMap((method): [string, unknown[], RegExp, string?][] => [
    [method, [], /SQL must be text, but is undefined/],
    [method, [null], /SQL must be text, but is null/],
    [method, [5], /SQL must be text, but is 5/],
    [method, [Object.assign(['SELECT 1'], { raw: ['SELECT 1'] })], /tag of a template/],
    [method, [''], /no statement/, 'VFS_EMPTY_SQL'],
    [method, [SQL, 5], /array, or an object by name, but are 5/, 'VFS_PARAMETER'],
    [method, [SQL, null], /but are null/, 'VFS_PARAMETER'],
    [method, [SQL, 'x'], /but are text/, 'VFS_PARAMETER'],
    [method, ['SELECT 1', new Date()], /Date/, 'VFS_PARAMETER'],
    [method, ['SELECT 1', new Map()], /Map/, 'VFS_PARAMETER'],
    [method, ['SELECT 1', new Uint8Array(0)], /Uint8Array/, 'VFS_PARAMETER'],
    [method, ['SELECT 1', new ArrayBuffer(0)], /ArrayBuffer/, 'VFS_PARAMETER'],
    [method, ['SELECT 1', Promise.resolve([])], /Promise/, 'VFS_PARAMETER'],
    [method, [SQL, [detached()]], /transferred/, 'VFS_PARAMETER'],
    [method, [SQL, [Symbol('x')]], /symbol/, 'VFS_PARAMETER'],
    [method, [SQL, [() => 1]], /function/, 'VFS_PARAMETER'],
    [method, [SQL, [1], null], /options must be an object, but is null/],
    [method, [SQL, [1], 'array'], /options must be an object, but is text/],
    [method, [SQL, [1], []], /options must be an object, but is an array/],
    [method, [SQL, [1], { rows: 'arrays' }], /rows must be 'object' or 'array', but is "arrays"/],
    [method, [SQL, [1], { integers: 'BigInt' }], /integers must be 'number' or 'bigint', but is "BigInt"/],
    [method, [SQL, [1], { toString: 1 }], /has no "toString"/],
    [method, [SQL, [1], { roes: 'array' }], /has no "roes": did you mean rows\?/],
  ]),
  ...['get', 'all', 'each', 'explainCost', 'columns', 'transaction'].flatMap(
    (method): [string, unknown[], RegExp][] => {
      const before = { columns: [SQL], transaction: [async () => {}] }[method] ?? [SQL, [1]]
      return [
        [method, [...before, { singal: undefined }], /has no "singal": did you mean signal\?/],
        [method, [...before, { signal: 5 }], /signal must be an AbortSignal, but is 5/],
        [method, [...before, { signal: new AbortController() }], /signal must be an AbortSignal/],
        [method, [...before, { budget: 5 }], /budget must be an object, but is 5/],
        [method, [...before, { budget: { maxRequest: 1 } }], /budget has no "maxRequest": did you mean maxRequests\?/],
        [method, [...before, { budget: { maxBytes: Number.NaN } }], /budget.maxBytes must be a number from 0 on/],
        [method, [...before, { budget: { maxBytes: '1' } }], /budget.maxBytes must be a number from 0 on/],
        [method, [...before, { onCost: {} }], /onCost must be a function/],
      ]
    },
  ),
  ['columns', [undefined], /SQL must be text/],
  ['explainCost', [undefined], /SQL must be text/],
  ['explainCost', [SQL, 5], /but are 5/, 'VFS_PARAMETER'],
  ['prepare', [undefined], /SQL must be text/],
  ['prepare', [Object.assign(['SELECT 1'], { raw: ['SELECT 1'] })], /tag of a template/],
  ['transaction', [], /work must be a function, but is undefined/],
  ['transaction', [Promise.resolve()], /work must be a function/],
  ['at', [], /but is undefined/],
  ['at', [null], /but is null/],
  ['at', [true], /but is true/],
  ['at', [1n], /bigint.*give new Date\(ms\), \{ timestamp: ms \} or \{ txid \}/],
  ['at', [Date.now() - 3600e3], /number.*give new Date\(ms\), \{ timestamp: ms \} or \{ txid \}/],
  ['at', [Number.NaN], /number.*give new Date/],
  ['at', [new Date(Number.NaN)], /Date is invalid/],
  ['at', [[1n]], /an array/],
  ['at', [() => 1], /a function/],
  ['at', [{}], /either txid or timestamp/],
  ['at', [{ time: 1 }], /has no "time"/],
  ['at', [{ txid: 1n, timestamp: 1 }], /either txid or timestamp/],
  ['at', [{ txid: 1 }], /txid must be a bigint, but is 1; write 1n/],
  ['at', [{ txid: '1' }], /txid must be a bigint/],
  ['at', [{ txid: -1n }], /txid must be from/],
  ['at', [{ timestamp: Number.NaN }], /timestamp must be milliseconds/],
  ['at', [{ timestamp: 1n }], /timestamp must be milliseconds/],
  ['at', [{ timestamp: '2026' }], /timestamp must be milliseconds/],
  ['at', ['a while ago'], /a while ago/, 'VFS_TIME'],
  ['at', [''], /as a time/, 'VFS_TIME'],
  ['at', [{ txid: 1n }, null], /options must be an object, but is null/],
  ['at', [{ txid: 1n }, { singal: 1 }], /did you mean signal/],
  ['refresh', [null], /options must be an object/],
  ['refresh', [{ signal: 5 }], /signal must be an AbortSignal, but is 5/],
  ['refresh', [{ maxAgeMs: 5 }], /has no "maxAgeMs"/],
  ['waitFor', [], /TXID must be a bigint, but is undefined/],
  ['waitFor', [null], /TXID must be a bigint, but is null/],
  ['waitFor', [5], /TXID must be a bigint, but is 5; write 5n/],
  ['waitFor', [2n ** 64n], /TXID must be from 0 to/],
  ['waitFor', ['yesterday'], /yesterday/, 'VFS_BOOKMARK'],
  ['waitFor', [1n, { timeoutMs: Number.NaN }], /timeoutMs must be a number from 0 on, but is NaN/],
  ['waitFor', [1n, { timeoutMs: -1 }], /timeoutMs must be a number from 0 on, but is -1/],
  ['waitFor', [1n, { timeoutMs: '5' }], /timeoutMs must be a number/],
  ['waitFor', [1n, { timeout: 5 }], /has no "timeout": did you mean timeoutMs\?/],
  ['waitFor', [1n, null], /options must be an object/],
  ['hydrate', [null], /options must be an object/],
  ['hydrate', [{ onProgres: () => {} }], /did you mean onProgress/],
  ['hydrate', [{ onProgress: 5 }], /onProgress must be a function/],
  ['pageMap', [5], /since must be a bigint, but is 5/],
  ['pageMap', [null], /since must be a bigint, but is null/],
]

const METHODS = [...new Set(REFUSED.map(([method]) => method))]

async function opened(): Promise<Database> {
  return await (await source('CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 2)')).open('jspi')
}

describe('arguments that are none are refused, with what was expected', () => {
  test.each(METHODS)('%s', async (method) => {
    const db = await opened()
    for (const [, args, says, code = 'VFS_USAGE'] of REFUSED.filter((row) => row[0] === method)) {
      const error = await errorOf(() => (db as unknown as Loose)[method]!(...args))
      expect(isVfsError(error), `${String(says)} ${String(error)}`).toBe(true)
      expect(error).toMatchObject({ code, message: expect.stringMatching(says) })
    }
    expect(await db.get(SQL, [1])).toEqual({ v: 2 })
  })

  test('what is right is taken', async () => {
    const db = await opened()
    expect(await db.get(SQL, [1])).toEqual({ v: 2 })
    expect(await db.get(SQL, [1], { signal: new AbortController().signal, budget: {}, onCost: () => {} })).toEqual({
      v: 2,
    })
    expect(await db.get('SELECT 1 AS n', undefined, undefined)).toEqual({ n: 1 })
    expect(await db.get('SELECT :n AS n', Object.assign(Object.create(null), { n: 1 }))).toEqual({ n: 1 })
    const loose = { signal: undefined, budget: undefined, rows: undefined } as object
    expect(await db.get('SELECT 1 AS n', [], loose)).toEqual({ n: 1 })
    expect((await db.at({ txid: 1n, timestamp: undefined } as never)).txid).toBe(1n)
    expect((await db.at(new Date(Date.UTC(2027, 0)))).txid).toBe(1n)
    await db.waitFor(1n, { timeoutMs: Number.POSITIVE_INFINITY })
  })

  test('in a transaction, too, whose own options are not those of a query', async () => {
    const db = await opened()
    await db.transaction(async (tx) => {
      const loose = tx as unknown as Loose & Queries
      for (const method of ['get', 'all', 'each']) {
        const refusal = async (...args: unknown[]) => errorOf(() => loose[method]!(...args))
        expect(await refusal(undefined)).toMatchObject({ code: 'VFS_USAGE' })
        expect(await refusal(SQL, 5)).toMatchObject({ code: 'VFS_PARAMETER' })
        expect(await refusal(SQL, [1], null)).toMatchObject({ code: 'VFS_USAGE' })
        expect(await refusal(SQL, [1], { rows: 'arrays' })).toMatchObject({ code: 'VFS_USAGE' })
        const { signal } = new AbortController()
        expect(await refusal(SQL, [1], { signal })).toMatchObject({
          code: 'VFS_USAGE',
          message: expect.stringContaining('give it to transaction(work, options)'),
        })
      }
      expect(await errorOf(() => loose.columns(undefined as never))).toMatchObject({ code: 'VFS_USAGE' })
    })
  })

  test('so are those of a statement', async () => {
    const db = await opened()
    const statement = db.prepare(SQL) as unknown as Loose
    for (const method of ['get', 'all', 'each']) {
      expect(await errorOf(() => statement[method]!(5))).toMatchObject({ code: 'VFS_PARAMETER' })
      expect(await errorOf(() => statement[method]!([1], { singal: 5 }))).toMatchObject({ code: 'VFS_USAGE' })
    }
  })
})
