import { describe, expect, test } from 'vitest'
import { decodePageIndex, encodePageIndex, locatePageIndex, PageIndex } from '../../ltx/index.ts'
import { VarintReader, varintSize, writeVarint } from '../../ltx/varint.ts'
import { codeOf, concat, decodeFile, encodeFile, FORMS, header, pages, u64 } from './support.ts'

function index(...frames: readonly (readonly [pgno: number, size: number])[]): PageIndex {
  const made = new PageIndex()
  for (const [pgno, size] of frames) made.append(pgno, size)
  return made
}

function varints(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(100)
  return bytes.slice(
    0,
    values.reduce((at, value) => writeVarint(bytes, at, value), 0),
  )
}

const limits = { commit: 5, pageSize: 512, indexOffset: 100 + 300 + 6 }
const sealed = (bytes: Uint8Array) => concat(bytes, u64(BigInt(bytes.length)))

test('varints as Go writes them', () => {
  const bytes = new Uint8Array(10)
  for (const [value, hex] of [
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [525, '8d04'],
    [2 ** 28 - 1, 'ffffff7f'],
    [2 ** 32, '8080808010'],
    [2 ** 35 - 1, 'ffffffff7f'],
    [Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
  ] as const) {
    const size = writeVarint(bytes, 0, value)
    expect(Buffer.from(bytes.subarray(0, size)).toString('hex')).toBe(hex)
    expect(varintSize(value)).toBe(size)
    expect(new VarintReader(bytes, 0, size).next()).toBe(value)
    if (size > 1) expect(new VarintReader(bytes, 0, size - 1).next()).toBe(-1)
  }
})

test('round trip, over the lengths at which it grows', () => {
  const made = new PageIndex()
  for (let pgno = 1; pgno <= 70_000; pgno += 1 + (pgno % 3)) made.append(pgno, 100 + (pgno % 400))
  const bytes = encodePageIndex(made)
  expect(bytes.length).toBe(made.encodedSize)
  const decoded = decodePageIndex(bytes, { commit: 70_000, pageSize: 512, indexOffset: made.end + 6 })
  expect([...decoded]).toEqual([...made])
  for (const entry of made) {
    if (entry.pgno % 1000 < 4) expect(decoded.find(entry.pgno)).toEqual(entry)
    if (entry.pgno % 3 === 2) expect(decoded.find(entry.pgno + 1)).toBeUndefined()
  }
  expect(decoded.find(0)).toBeUndefined()
  expect(decoded.find(1e6)).toBeUndefined()
})

test('an empty index', () => {
  const bytes = encodePageIndex(new PageIndex())
  expect([...bytes]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1])
  expect(decodePageIndex(bytes, { commit: 1, pageSize: 512, indexOffset: 106 }).length).toBe(0)
})

describe.each(FORMS)('%s form', (form) => {
  test('facts 1.5: found from the end of a file', () => {
    const file = encodeFile(header(), pages([1, 2, 3]), { form })
    const { offset, size } = locatePageIndex(file.subarray(-24), file.length)
    expect(locatePageIndex(file, file.length)).toEqual({ offset, size })
    expect(offset + size).toBe(file.length - 16)
    const decoded = decodePageIndex(file.subarray(offset, offset + size), {
      commit: 3,
      pageSize: 512,
      indexOffset: offset,
    })
    expect([...decoded]).toEqual([...decodeFile(file).index])
    expect(decoded.entry(2).pgno).toBe(3)
  })
})

const rejected: Record<string, Uint8Array[]> = {
  LTX_TRUNCATED: [
    varints(1, 100, 300),
    varints(1, 100),
    new Uint8Array(0),
    encodePageIndex(index([1, 300])).subarray(0, -1),
    concat(varints(1, 100), Uint8Array.of(0x80)),
  ],
  LTX_TRAILING_BYTES: [concat(encodePageIndex(index([1, 300])), Uint8Array.of(0))],
  LTX_INDEX_VARINT: [
    sealed(concat(Uint8Array.of(0x81, 0), varints(100, 300, 0))), // longer than needed
    sealed(concat(varints(1), new Uint8Array(9).fill(0xff), varints(1, 300, 0))),
    sealed(concat(varints(1), Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), varints(300, 0))), // 2^56 - 1
  ],
  LTX_INDEX_ORDER: [sealed(varints(2, 100, 100, 2, 200, 200, 0)), sealed(varints(2, 100, 100, 1, 200, 200, 0))],
  LTX_INDEX_RANGE: [
    sealed(varints(6, 100, 300, 0)), // beyond commit
    sealed(varints(1, 100, 10, 0)), // smaller than any frame
    sealed(varints(1, 100, 541 + 100, 0)), // larger than any frame
  ],
  LTX_INDEX_CHAIN: [
    sealed(varints(1, 101, 300, 0)), // not behind the header
    sealed(varints(1, 100, 100, 2, 201, 200, 0)), // a gap
    sealed(varints(1, 100, 100, 2, 199, 200, 0)), // overlap
    sealed(varints(1, 100, 299, 0)), // ends early
    sealed(varints(1, 100, 301, 0)),
    sealed(varints(0)),
  ],
  LTX_INDEX_SIZE: [concat(varints(1, 100, 300, 0), u64(4n)), concat(varints(1, 100, 300, 0), u64(2n ** 63n))],
}

test.each(Object.entries(rejected))('%s', (code, cases) => {
  for (const bytes of cases) expect(codeOf(() => decodePageIndex(bytes, limits))).toBe(code)
})

test('an index size that points outside the file: LTX_INDEX_SIZE; too short an end: LTX_TRUNCATED', () => {
  const tail = (size: bigint) => concat(u64(size), new Uint8Array(16))
  expect(locatePageIndex(tail(10n), 140)).toEqual({ offset: 106, size: 18 })
  for (const size of [0n, 11n, 2n ** 40n, 2n ** 63n]) {
    expect(codeOf(() => locatePageIndex(tail(size), 140))).toBe('LTX_INDEX_SIZE')
  }
  expect(codeOf(() => locatePageIndex(new Uint8Array(23), 140))).toBe('LTX_TRUNCATED')
})
