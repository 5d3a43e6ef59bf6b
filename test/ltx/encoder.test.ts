import { expect, test } from 'vitest'
import { CHECKSUM_FLAG, checksumPage, DatabaseChecksum, Encoder } from '../../ltx/index.ts'
import { codeOf, concat, decodeFile, encodeFile, header, incremental, literals, page, pages } from './support.ts'

const withChecksums = incremental(2n, { flags: 0, preApplyChecksum: CHECKSUM_FLAG })

test('what is taken, in any portions, is the file', () => {
  const whole = encodeFile(header({ commit: 200 }), pages(Array.from({ length: 200 }, (_, i) => i + 1)))
  for (const portion of [1, 500, 5000, 60_000]) {
    const encoder = new Encoder(header({ commit: 200 }))
    expect(encoder.pendingBytes).toBe(100)
    const parts: Uint8Array[] = []
    for (const { pgno, data } of pages(Array.from({ length: 200 }, (_, i) => i + 1))) {
      encoder.encodePage(pgno, data)
      data.fill(0xee) // read before returning, and not kept
      if (encoder.pendingBytes >= portion) parts.push(encoder.take())
      expect(encoder.bytesProduced).toBe(parts.reduce((sum, part) => sum + part.length, 0) + encoder.pendingBytes)
    }
    encoder.finish()
    parts.push(encoder.take())
    expect(encoder.pendingBytes).toBe(0)
    expect(encoder.bytesProduced).toBe(whole.length)
    expect(decodeFile(concat(...parts)).pages).toEqual(pages(Array.from({ length: 200 }, (_, i) => i + 1)))
  }
})

test('the page index can be read while the file grows', () => {
  const encoder = new Encoder(incremental(2n, { commit: 9 }))
  for (const pgno of [2, 5, 9]) encoder.encodePage(pgno, page(pgno, 512))
  expect(encoder.pageIndex.length).toBe(3)
  expect(encoder.pageIndex.find(5)).toEqual(encoder.pageIndex.entry(1))
  encoder.finish()
  expect([...decodeFile(encoder.take()).index]).toEqual([...encoder.pageIndex])
})

test('facts 1.7: the database checksum of a snapshot is computed; a wrong one is refused', () => {
  const database = new DatabaseChecksum()
  for (const { pgno, data } of pages([1, 2, 3])) database.add(checksumPage(pgno, data))
  const h = header({ flags: 0 })
  expect(decodeFile(encodeFile(h, pages([1, 2, 3]))).trailer.postApplyChecksum).toBe(database.value)
  expect(decodeFile(encodeFile(h, pages([1, 2, 3]), { post: database.value })).pages.length).toBe(3)
  const later = encodeFile(withChecksums, pages([2]), { post: database.value })
  expect(decodeFile(later).trailer.postApplyChecksum).toBe(database.value)
  const empty = encodeFile(header({ flags: 0, commit: 0 }), [])
  expect(decodeFile(empty).trailer.postApplyChecksum).toBe(CHECKSUM_FLAG)
})

const encode = (h = header(), ...pgnos: number[]) => encodeFile(h, pages(pgnos))

const rejected: Record<string, (() => unknown)[]> = {
  LTX_PGNO_ZERO: [() => encode(header(), 0), () => encode(header(), -1), () => encode(header(), 1.5)],
  LTX_PAGE_LENGTH: [
    () => new Encoder(header()).encodePage(1, new Uint8Array(511)),
    () => new Encoder(header()).encodePage(1, new Uint8Array(1024)),
  ],
  LTX_PAGE_ORDER: [
    () => encode(header(), 1, 2, 2),
    () => encode(incremental(2n), 2, 1),
    () => encode(incremental(2n), 3, 3),
  ],
  LTX_PAGE_BEYOND_COMMIT: [() => encode(header(), 1, 2, 3, 4), () => encode(incremental(2n), 4)],
  LTX_SNAPSHOT_PAGE_MISSING: [() => encode(header(), 2), () => encode(header(), 1, 3), () => encode(header(), 1, 2)],
  LTX_FRAME_SIZE: [
    () => new Encoder(header()).encodePage(1, page(1, 512), new Uint8Array(0)),
    () => new Encoder(header()).encodePage(1, page(1, 512), new Uint8Array(531)),
  ],
  LTX_POST_APPLY_WITH_NO_CHECKSUM: [() => encodeFile(header(), pages([1, 2, 3]), { post: CHECKSUM_FLAG })],
  LTX_POST_APPLY_MISSING: [() => encodeFile(withChecksums, [])],
  LTX_POST_APPLY_FLAG: [() => encodeFile(withChecksums, [], { post: 1n })],
  LTX_POST_APPLY_EMPTY_DATABASE: [() => encodeFile({ ...withChecksums, commit: 0 }, [], { post: CHECKSUM_FLAG | 1n })],
  LTX_POST_APPLY_MISMATCH: [() => encodeFile(header({ flags: 0 }), pages([1, 2, 3]), { post: CHECKSUM_FLAG | 1n })],
}

test.each(Object.entries(rejected))('%s', (code, attempts) => {
  for (const attempt of attempts) expect(codeOf(attempt)).toBe(code)
})

test('LTX_STATE', () => {
  const encoder = new Encoder(incremental(2n))
  encoder.finish()
  expect(codeOf(() => encoder.encodePage(1, page(1, 512)))).toBe('LTX_STATE')
  expect(codeOf(() => encoder.finish())).toBe('LTX_STATE')
})

test('a payload is written as it is in block form, and not in legacy form', () => {
  const data = page(1, 512)
  for (const form of ['block', 'legacy'] as const) {
    const encoder = new Encoder(header({ commit: 1 }), { form })
    encoder.encodePage(1, data, literals(data))
    encoder.finish()
    const file = encoder.take()
    expect(decodeFile(file).pages).toEqual([{ pgno: 1, data }])
    expect(decodeFile(file).index.size(0) === 10 + 515).toBe(form === 'block')
  }
})
