import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Catalog, decodeCatalog, encodeCatalog, type LtxFileInfo, layoutPath } from '../../storage/index.ts'

const file = { level: 0, minTXID: 0x4d2n, maxTXID: 0x4d2n, size: 1301, createdAt: 1_764_087_600_000 }

test('a catalog is JSON with a file a line', () => {
  const snapshot = { level: 9, minTXID: 1n, maxTXID: 0x4d0n, size: 80_000, createdAt: 1_764_000_000_000 }
  const text = new TextDecoder().decode(encodeCatalog({ layout: 's3', files: [snapshot, file] }))
  expect(text).toBe(
    '{"litetap":1,"layout":"s3","files":[\n' +
      '[0,"4d2","4d2",1301,1764087600000],\n[9,"1","4d0",80000,1764000000000]\n]}\n',
  )
})

test('what is encoded is decoded', () => {
  const txid = fc.bigInt({ min: 1n, max: 2n ** 62n })
  const info = fc
    .record({
      level: fc.nat(9),
      minTXID: txid,
      span: txid,
      size: fc.nat(),
      createdAt: fc.integer({ min: -8.64e15, max: 8.64e15 }),
    })
    .map(({ span, ...rest }) => ({ ...rest, maxTXID: rest.minTXID + span - 1n }))
  const files = fc.uniqueArray(info, { selector: (f) => `${f.level} ${f.minTXID} ${f.maxTXID}` })
  fc.assert(
    fc.property(files, fc.constantFrom('ltx', 's3'), (files, layout) => {
      const decoded = decodeCatalog(encodeCatalog({ layout, files } as Catalog), 'x')
      expect(decoded.layout).toBe(layout)
      expect(decoded.files).toHaveLength(files.length)
      expect(new Set(decoded.files.map(key))).toEqual(new Set(files.map(key)))
    }),
    { seed: 7 },
  )
})

test.each([
  ['<!doctype html>', 'it is not JSON; is it a page of the web server?'],
  ['{}', 'it is no catalog of litetap'],
  ['null', 'it is no catalog of litetap'],
  ['{"litetap":2}', 'it is of a later version; update litetap'],
  ['{"litetap":1,"layout":"x","files":[]}', 'it has another layout than ltx or s3'],
  ['{"litetap":1,"layout":[[[]]],"files":[]}', 'it has another layout than ltx or s3'],
  ['{"litetap":1,"layout":"ltx"}', 'it has no list of files'],
])('%s is refused: %s', (text, why) => {
  expect(() => decodeCatalog(new TextEncoder().encode(text), 'https://h/c')).toThrow(
    expect.objectContaining({ code: 'STORAGE_BAD_REPLY', message: `Cannot use the catalog https://h/c: ${why}` }),
  )
})

const FINE = '[0,"1","1",3,4]'

test.each([
  ['[0,"2","3",3]', 'form'],
  ['{"level":0}', 'form'],
  ['null', 'form'],
  [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'form'],
  ['[0,"../x","2",3,4]', 'form'],
  ['[0,"","2",3,4]', 'form'],
  ['[0,2,2,3,4]', 'form'],
  ['[0,"A","A",3,4]', 'form'],
  ['[0,"10000000000000000","10000000000000000",3,4]', 'form'],
  ['["0","2","2",3,4]', 'form'],
  ['[0,"2","2","3",4]', 'form'],
  ['[0,"2","2",3,null]', 'form'],
  ['[10,"2","2",3,4]', 'level'],
  ['[-1,"2","2",3,4]', 'level'],
  ['[0.5,"2","2",3,4]', 'level'],
  ['[0,"0","2",3,4]', 'TXIDs'],
  ['[0,"3","2",3,4]', 'TXIDs'],
  ['[0,"2","2",-1,4]', 'size'],
  ['[0,"2","2",1.5,4]', 'size'],
  ['[0,"2","2",9007199254740992,4]', 'size'],
  ['[0,"2","2",1e400,4]', 'size'],
  ['[0,"2","2",3,8640000000000001]', 'time'],
  ['[0,"2","2",3,-8640000000000001]', 'time'],
  ['[0,"2","2",3,1e400]', 'time'],
])('a file %.60s lies, and is named: its %s', (row, what) => {
  const text = `{"litetap":1,"layout":"ltx","files":[${FINE},${row},[0,"4","4",3,4]]}`
  expect(() => decodeCatalog(new TextEncoder().encode(text), 'https://h/c')).toThrow(
    expect.objectContaining({
      code: 'STORAGE_BAD_REPLY',
      message: `Cannot use the catalog https://h/c: no file can have the ${what} of its file 2`,
    }),
  )
})

test.each([
  '[0,"ffffffffffffffff","ffffffffffffffff",0,-8640000000000000]',
  '[9,"2","ffffffffffffffff",9007199254740991,8640000000000000]',
])('the limits themselves can be: %s', (row) => {
  const text = `{"litetap":1,"layout":"ltx","files":[${FINE},${row}]}`
  expect(decodeCatalog(new TextEncoder().encode(text), 'x').files).toHaveLength(2)
})

test.each([
  ['[0,"1","1",3,4]', 'twice'],
  ['[0,"1","0000000000000001",3,4]', 'twice, in other digits'],
])('files out of order are refused: %s', (row) => {
  const text = `{"litetap":1,"layout":"ltx","files":[[0,"1","1",3,4],${row}]}`
  expect(() => decodeCatalog(new TextEncoder().encode(text), 'x')).toThrow(/its file 2 is out of order/)
})

test('more files than a reader takes are neither written nor read', () => {
  const files: LtxFileInfo[] = new Array(1_000_001).fill(file)
  expect(() => encodeCatalog({ layout: 'ltx', files })).toThrow(
    expect.objectContaining({ code: 'STORAGE_TOO_LARGE', retryable: false }),
  )
  // What takes few bytes and much memory is not even parsed.
  for (const part of ['[],', '0,', '{},']) {
    const text = `{"litetap":1,"layout":"ltx","files":[${part.repeat(6_000_101)}0]}`
    expect(() => decodeCatalog(new TextEncoder().encode(text), 'x')).toThrow(/it has more than 1000000 files/)
  }
})

test('300 000 files take less than 2 s', () => {
  const many = Array.from({ length: 300_000 }, (_, i) => ({
    ...file,
    minTXID: BigInt(i + 1),
    maxTXID: BigInt(i + 1),
    createdAt: file.createdAt + i,
  }))
  const bytes = encodeCatalog({ layout: 'ltx', files: many })
  const before = process.cpuUsage()
  const { files } = decodeCatalog(bytes, 'x')
  const { user, system } = process.cpuUsage(before) // other work on this machine does not count
  expect(files).toHaveLength(300_000)
  expect(files.at(-1)).toEqual(many.at(-1))
  expect((user + system) / 1000).toBeLessThan(2000)
})

test('bytes that are no UTF-8 are refused', () => {
  expect(() => decodeCatalog(new Uint8Array([0x22, 0xff, 0x22]), 'x')).toThrow(/not JSON/)
})

test.each([
  ['ltx', 'ltx/0/00000000000004d2-00000000000004d2.ltx'],
  ['s3', '0000/00000000000004d2-00000000000004d2.ltx'],
] as const)('in layout %s a file is at %s', (layout, path) => {
  expect(layoutPath(layout, file)).toBe(path)
})

function key({ level, minTXID, maxTXID, size, createdAt }: LtxFileInfo): string {
  return [level, minTXID, maxTXID, size, createdAt].join(' ')
}
