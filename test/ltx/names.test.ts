import { expect, test } from 'vitest'
import { formatFilename, formatTXID, isValidPageSize, lockPgno, parseFilename, parseTXID } from '../../ltx/index.ts'

test('facts 0: a TXID is 16 lower-case hex digits', () => {
  expect(formatTXID(1n)).toBe('0000000000000001')
  expect(formatTXID(0xffff_ffff_ffff_fffen)).toBe('fffffffffffffffe')
  expect(parseTXID('00000000000000ff')).toBe(255n)
  for (const text of ['', 'ff', '00000000000000FF', '00000000000000fg', '000000000000000ff', ' 0000000000000ff']) {
    expect(parseTXID(text)).toBeUndefined()
  }
})

test('facts 1.8: file names', () => {
  expect(formatFilename(2n, 26n)).toBe('0000000000000002-000000000000001a.ltx')
  expect(parseFilename('0000000000000002-000000000000001a.ltx')).toEqual({ minTXID: 2n, maxTXID: 26n })
  for (const name of [
    '0000000000000002-000000000000001A.ltx',
    '0000000000000002-000000000000001a.ltx.tmp',
    'x0000000000000002-000000000000001a.ltx',
    '2-1a.ltx',
    '0000000000000002-000000000000001a.ltx\n',
  ]) {
    expect(parseFilename(name)).toBeUndefined()
  }
})

test('facts 1.8: the lock page of every page size', () => {
  const expected = {
    512: 2097153,
    1024: 1048577,
    2048: 524289,
    4096: 262145,
    8192: 131073,
    16384: 65537,
    32768: 32769,
    65536: 16385,
  }
  for (const [pageSize, pgno] of Object.entries(expected)) expect(lockPgno(Number(pageSize))).toBe(pgno)
  for (const size of [0, 1, 256, 513, 1536, 131072, -512, 512.5, Number.NaN]) expect(isValidPageSize(size)).toBe(false)
})
