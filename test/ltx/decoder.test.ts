import { describe, expect, test } from 'vitest'
import { CHECKSUM_FLAG, checksumPage, DatabaseChecksum, Decoder, encodeHeader, isLtxError } from '../../ltx/index.ts'
import { writeVarint } from '../../ltx/varint.ts'
import {
  blockFrame,
  codeOf,
  concat,
  decodeFile,
  encodeFile,
  FORMS,
  handmade,
  header,
  incremental,
  page,
  pages,
} from './support.ts'

const rolling = (pgnos: readonly number[]) => {
  const database = new DatabaseChecksum()
  for (const pgno of pgnos) database.add(checksumPage(pgno, page(pgno, 512)))
  return database.value
}
const frames = (...pgnos: number[]) => pgnos.map((pgno) => blockFrame(pgno, page(pgno, 512)))

test('a file made by hand from the tables is accepted', () => {
  const decoded = decodeFile(handmade({}))
  expect(decoded.header).toEqual(header())
  expect(decoded.pages).toEqual(pages([1, 2, 3]))
  expect(decoded.index.length).toBe(3)
})

describe.each(FORMS)('%s form', (form) => {
  test('chunks cut anywhere', () => {
    const file = encodeFile(header(), pages([1, 2, 3]), { form })
    const whole = decodeFile(file)
    for (let size = 1; size <= 700; size += size < 40 ? 1 : 13) {
      const cut = decodeFile(file, size)
      expect(cut.pages).toEqual(whole.pages)
      expect(cut.trailer).toEqual(whole.trailer)
    }
  })
})

test('everything may be pushed before anything is asked for; pages not taken are verified all the same', () => {
  const file = encodeFile(header(), pages([1, 2, 3]))
  const decoder = new Decoder()
  for (let at = 0; at < file.length; at += 50) decoder.push(file.slice(at, at + 50))
  expect(decoder.end().fileChecksum).toBe(decodeFile(file).trailer.fileChecksum)
  expect(decoder.trailer).toBeDefined()
  const broken = file.slice()
  broken[130]! ^= 1
  const second = new Decoder()
  second.push(broken)
  expect(codeOf(() => second.end())).not.toBe('no error')
})

test('facts 0: both forms in one file', () => {
  const legacy = encodeFile(header(), pages([1, 2, 3]), { form: 'legacy' })
  const { offset, size } = decodeFile(legacy).index.entry(1)
  const middle = legacy.slice(offset, offset + size)
  const mixed = handmade({
    frames: [
      ...frames(1),
      { pgno: 2, bytes: middle, covered: concat(middle.subarray(0, 6), page(2, 512)) },
      ...frames(3),
    ],
  })
  expect(decodeFile(mixed).pages).toEqual(pages([1, 2, 3]))
  expect(decodeFile(mixed, 7).pages).toEqual(pages([1, 2, 3]))
})

test('a file without pages is one that only shrinks the database', () => {
  const decoded = decodeFile(encodeFile(incremental(4n, { commit: 2 }), []))
  expect(decoded.pages).toEqual([])
  expect(decoded.header.commit).toBe(2)
})

const put = (...values: number[]) => {
  const bytes = new Uint8Array(200)
  return bytes.slice(
    0,
    values.reduce((at, value) => writeVarint(bytes, at, value), 0),
  )
}
const incrementalFlags0 = incremental(2n, { flags: 0, preApplyChecksum: CHECKSUM_FLAG | 5n })

const rejected: Record<string, Uint8Array[]> = {
  LTX_BAD_MAGIC: [concat(Uint8Array.of(0x4c, 0x54, 0x58, 0x32), handmade({}).subarray(4))],
  LTX_PGNO_ZERO: [handmade({ frames: frames(1, 2, 3, 0) })],
  LTX_PAGE_FLAGS: [handmade({ frames: [blockFrame(1, page(1, 512), undefined, 4)] })],
  LTX_PAGE_ORDER: [
    handmade({ frames: frames(1, 2, 2) }),
    handmade({ header: incremental(2n), frames: frames(2, 1) }),
    handmade({ header: incremental(2n), frames: frames(3, 3) }),
  ],
  LTX_SNAPSHOT_PAGE_MISSING: [
    handmade({ frames: frames(2, 3) }),
    handmade({ frames: frames(1, 3) }),
    handmade({ frames: frames(1, 2) }),
    handmade({ frames: [] }),
  ],
  LTX_PAGE_BEYOND_COMMIT: [
    handmade({ frames: frames(1, 2, 3, 4) }),
    handmade({ header: incremental(2n), frames: frames(1, 9) }),
  ],
  LTX_LOCK_PAGE: [handmade({ header: incremental(2n, { commit: 3e6 }), frames: frames(2097153) })],
  LTX_INDEX_VARINT: [handmade({ index: (right) => concat(Uint8Array.of(0x81, 0), right.subarray(1)) })],
  LTX_INDEX_FRAMES: [
    handmade({ index: () => put(0) }),
    handmade({ index: (right) => concat(right.subarray(0, right.length / 3), put(0)) }),
    handmade({ index: (right) => concat(right.subarray(0, -1), put(4, 2000, 100, 0)) }),
    handmade({ index: (right) => concat(put(2), right.subarray(1)) }), // page
    handmade({ index: (right) => concat(put(1, 101), right.subarray(2)) }), // offset
    handmade({ index: (right) => concat(put(1, 100, 524), right.subarray(4)) }), // size
  ],
  LTX_INDEX_SIZE: [handmade({ indexSize: 1n }), handmade({ indexSize: 2n ** 40n })],
  LTX_POST_APPLY_WITH_NO_CHECKSUM: [handmade({ post: CHECKSUM_FLAG | 1n })],
  LTX_POST_APPLY_MISSING: [handmade({ header: header({ flags: 0 }) })],
  LTX_POST_APPLY_FLAG: [handmade({ header: header({ flags: 0 }), post: 1n })],
  LTX_POST_APPLY_EMPTY_DATABASE: [
    handmade({ header: header({ flags: 0, commit: 0 }), frames: [], post: CHECKSUM_FLAG | 1n }),
  ],
  LTX_POST_APPLY_MISMATCH: [handmade({ header: header({ flags: 0 }), post: CHECKSUM_FLAG | 1n })],
  LTX_FILE_CHECKSUM_FLAG: [
    handmade({ fileChecksum: (right) => right & ~CHECKSUM_FLAG }),
    handmade({ fileChecksum: () => 0n }),
  ],
  LTX_FILE_CHECKSUM: [handmade({ fileChecksum: (right) => right ^ 1n })],
  LTX_TRAILING_BYTES: [concat(handmade({}), Uint8Array.of(0))],
  LTX_TRUNCATED: [handmade({}).subarray(0, -1), handmade({}).subarray(0, 50), new Uint8Array(0)],
}

test.each(Object.entries(rejected))('%s', (code, files) => {
  for (const file of files) {
    expect(codeOf(() => decodeFile(file))).toBe(code)
    expect(codeOf(() => decodeFile(file, 11))).toBe(code)
  }
})

test('facts 1.7: with checksums, in a snapshot and in a later file', () => {
  const snapshot = handmade({ header: header({ flags: 0 }), post: rolling([1, 2, 3]) })
  expect(decodeFile(snapshot).trailer.postApplyChecksum).toBe(rolling([1, 2, 3]))
  const later = handmade({ header: incrementalFlags0, frames: frames(2), post: CHECKSUM_FLAG | 77n })
  expect(decodeFile(later).trailer.postApplyChecksum).toBe(CHECKSUM_FLAG | 77n)
  const empty = handmade({ header: header({ flags: 0, commit: 0 }), frames: [], post: CHECKSUM_FLAG })
  expect(decodeFile(empty).pages).toEqual([])
})

test('an error names the file, the place and the page, and stays', () => {
  const decoder = new Decoder({ key: '0/x.ltx' })
  const file = handmade({ frames: frames(1, 3) })
  decoder.push(file)
  expect(decoder.nextPage()).toMatchObject({ pgno: 1 })
  const errors: unknown[] = []
  for (const call of [() => decoder.nextPage(), () => decoder.end(), () => decoder.push(file)]) {
    try {
      call()
    } catch (error) {
      errors.push(error)
    }
  }
  expect(new Set(errors).size).toBe(1)
  const [error] = errors
  if (!isLtxError(error, 'LTX_SNAPSHOT_PAGE_MISSING')) throw error
  expect(error.at).toEqual({ key: '0/x.ltx', offset: 625, pgno: 2 })
  expect(error.message).toBe('Cannot accept page: a snapshot needs it before page 3 (pgno 2, offset 625, 0/x.ltx)')
})

test('the header is there as soon as its bytes are', () => {
  const decoder = new Decoder()
  const bytes = encodeHeader(header())
  decoder.push(bytes.subarray(0, 99))
  expect(decoder.header()).toBeUndefined()
  expect(decoder.nextPage()).toBe('more')
  decoder.push(bytes.subarray(99))
  expect(decoder.header()).toEqual(header())
})

test('memory stays bounded by the frame, however the file is cut', () => {
  const file = encodeFile(
    header({ pageSize: 4096, commit: 2000 }),
    pages(
      Array.from({ length: 2000 }, (_, i) => i + 1),
      4096,
    ),
  )
  const decoder = new Decoder()
  global.gc?.()
  const before = process.memoryUsage().arrayBuffers
  for (let at = 0; at < file.length; at += 1000) {
    decoder.push(file.subarray(at, at + 1000))
    while (typeof decoder.nextPage() === 'object');
  }
  decoder.end()
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8e6)
})
