import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { checksumPage, crc64, DatabaseChecksum, decodePageIndex, Encoder, locatePageIndex } from '../../ltx/index.ts'
import { decodeFile, header, literals } from './support.ts'

const text = new TextEncoder()

test('facts 10: CRC-64/GO-ISO check value', () => {
  expect(crc64(0n, text.encode('123456789'))).toBe(0xb90956c775a41001n)
})

test.each([
  [1024, 0xe1899b6d587aaaaan],
  [512, 0x8b87423eeeeeeeeen],
])('facts 10: rolling database checksum of two pages of %i bytes', (pageSize, expected) => {
  const database = new DatabaseChecksum()
  database.add(checksumPage(1, new Uint8Array(pageSize).fill(0x32)))
  database.add(checksumPage(2, new Uint8Array(pageSize).fill(0x33)))
  expect(database.value).toBe(expected)
})

test('facts 10: upstream rolling checksum over more than 1 GB, lock page left out', () => {
  const database = new DatabaseChecksum()
  const data = new Uint8Array(4096).fill('x'.charCodeAt(0))
  for (let pgno = 1; pgno <= 262155; pgno++) if (pgno !== 262145) database.add(checksumPage(pgno, data))
  expect(database.value).toBe(0xc19b668c376662c7n)
})

test('facts 10: the block encoder of upstream makes frames of 36 bytes of these pages', () => {
  const encoder = new Encoder(header({ pageSize: 1024, commit: 2 }))
  encoder.encodePage(1, new Uint8Array(1024).fill(0x32))
  encoder.encodePage(2, new Uint8Array(1024).fill(0x33))
  expect(encoder.pageIndex.entry(0).offset).toBe(100)
  expect(encoder.pageIndex.entry(1).offset).toBeLessThanOrEqual(136)
})

test('facts 10: hand-built file, byte for byte', () => {
  const data = new Uint8Array(512).fill(0x41)
  const encoder = new Encoder(header({ commit: 1, timestamp: 1000 }))
  encoder.encodePage(1, data, literals(data))
  expect(encoder.finish().fileChecksum).toBe(0x869747365d84d514n)
  const file = encoder.take()
  expect(file.length).toBe(660)
  expect(createHash('sha256').update(file).digest('hex')).toBe(
    '0a48b4f58211bef7e31aece99eb5d2da39f2d895e50563827d7aaa91dc91d1ad',
  )
  const { offset, size } = locatePageIndex(file.subarray(-24), file.length)
  const index = file.subarray(offset, offset + size)
  expect(Buffer.from(index).toString('hex')).toBe('01648d04000000000000000005')
  expect([...decodePageIndex(index, { commit: 1, pageSize: 512, indexOffset: offset })]).toEqual([
    { pgno: 1, offset: 100, size: 525 },
  ])
  expect(decodeFile(file).pages).toEqual([{ pgno: 1, data }])
})
