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
    .record({ level: fc.nat(9), minTXID: txid, span: txid, size: fc.nat(), createdAt: fc.maxSafeInteger() })
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
  ['{"litetap":1,"layout":"x","files":[]}', 'its layout is "x"'],
  ['{"litetap":1,"layout":"ltx"}', 'it has no list of files'],
  ['{"litetap":1,"layout":"ltx","files":[[0,"1","2",3]]}', 'it has a file [0,"1","2",3]'],
  ['{"litetap":1,"layout":"ltx","files":[[0,"2","1",3,4]]}', 'it has a file [0,"2","1",3,4]'],
  ['{"litetap":1,"layout":"ltx","files":[[10,"1","1",3,4]]}', 'it has a file [10,"1","1",3,4]'],
  ['{"litetap":1,"layout":"ltx","files":[[0,"../x","1",3,4]]}', 'it has a file [0,"../x","1",3,4]'],
  ['{"litetap":1,"layout":"ltx","files":[[0,"2","2",3,4],[0,"1","1",3,4]]}', 'its files are out of order'],
])('%s is refused: %s', (text, why) => {
  expect(() => decodeCatalog(new TextEncoder().encode(text), 'https://h/c')).toThrow(
    expect.objectContaining({ code: 'STORAGE_BAD_REPLY', message: `Cannot use the catalog https://h/c: ${why}` }),
  )
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
