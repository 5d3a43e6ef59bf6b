import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { RowReader } from '../../vfs/connection/row-reader.ts'
import { Engine } from '../../vfs/engine/engine.ts'
import type { RowFormat } from '../../vfs/index.ts'
import { loadEngineModules } from '../../vfs/load-node.ts'

const SQLITE_ROW = 100

/** SQLite with a statement of a database in memory, which stands on its first row. */
async function standingOn(sql: string, names: readonly string[], format: RowFormat = {}) {
  const { sqlite, heap } = await Engine.start(await loadEngineModules(), { bridge: 'jspi' })
  const text = (value: string): number => {
    const address = sqlite.malloc(value.length * 3 + 1)
    heap.bytes[address + heap.writeText(address, value)] = 0
    return address
  }
  const out = sqlite.malloc(8)
  expect(sqlite.sqlite3_open_v2(text(':memory:'), out, 2, 0)).toBe(0)
  expect(sqlite.sqlite3_prepare_v3(heap.u32(out), text(sql), -1, 0, out + 4, 0)).toBe(0)
  const statement = heap.u32(out + 4)
  expect(sqlite.sqlite3_step(statement)).toBe(SQLITE_ROW)
  return { reader: new RowReader(sqlite, heap, names, format), statement }
}

const VALUES = [
  '0',
  '-1',
  '2147483648',
  '9007199254740991',
  '-9007199254740991',
  '9007199254740992',
  '-9007199254740992',
  '9223372036854775807',
  '-9223372036854775808',
  '1.5',
  '1e300',
  '3.0',
  "'text'",
  "''",
  "'ü😀'",
  "x'00ff03'",
  "x''",
  'NULL',
]

test.each(VALUES)('%s is what the system’s SQLite says', async (literal) => {
  const native = new DatabaseSync(':memory:')
  const query = native.prepare(`SELECT ${literal} AS v`)
  query.setReadBigInts(true)
  const { v } = query.get()!
  native.close()
  const { reader, statement } = await standingOn(`SELECT ${literal} AS v`, ['v'])
  const exact = typeof v === 'bigint' && Number.isSafeInteger(Number(v)) ? Number(v) : v
  expect(reader.read(statement)).toEqual({ v: exact })
  const { reader: bigints, statement: again } = await standingOn(`SELECT ${literal} AS v`, ['v'], {
    integers: 'bigint',
    rows: 'array',
  })
  expect(bigints.read(again)).toEqual([v])
})

test('rows by name: the last of equal names, and no name is special', async () => {
  const { reader, statement } = await standingOn('SELECT 1, 2, 3', ['a', '__proto__', 'a'])
  const row = reader.read(statement)
  expect(Object.entries(row)).toEqual([
    ['a', 3],
    ['__proto__', 2],
  ])
  expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
})

test('rows as arrays keep what has the same name', async () => {
  const { reader, statement } = await standingOn('SELECT 1, 2', ['a', 'a'], { rows: 'array' })
  expect(reader.read(statement)).toEqual([1, 2])
})

test('the rough size: 16 bytes a value, and those of texts and blobs', async () => {
  const { reader, statement } = await standingOn("SELECT 1, 2.5, NULL, 'üü', x'010203'", ['a', 'b', 'c', 'd', 'e'])
  reader.read(statement)
  expect(reader.bytes).toBe(5 * 16 + 4 + 3)
  reader.read(statement)
  expect(reader.bytes).toBe(2 * (5 * 16 + 4 + 3))
})

test('a blob is fresh bytes of its own', async () => {
  const { reader, statement } = await standingOn("SELECT x'010203'", ['v'])
  const { v } = reader.read(statement) as { v: Uint8Array }
  v.fill(9)
  expect(v.buffer.byteLength).toBe(3)
  expect(reader.read(statement)).toEqual({ v: Uint8Array.of(1, 2, 3) })
})
