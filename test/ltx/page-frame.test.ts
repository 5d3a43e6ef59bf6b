import { describe, expect, test } from 'vitest'
import { codec } from '../../ltx/codec/codec.ts'
import { decodePageFrame, isLtxError } from '../../ltx/index.ts'
import {
  blockFrame,
  codeOf,
  concat,
  decodeFile,
  encodeFile,
  FORMS,
  incremental,
  literals,
  PAGE_SIZES,
  page,
  u32LE,
} from './support.ts'

/** The one frame of a file that holds page 2. */
function frameOf(data: Uint8Array, form: (typeof FORMS)[number]): Uint8Array {
  const file = encodeFile(incremental(2n, { pageSize: data.length }), [{ pgno: 2, data }], { form })
  const { size } = decodeFile(file).index.entry(0)
  return file.slice(100, 100 + size)
}

function xxh32(data: Uint8Array): number {
  const c = codec()
  c.bytes.set(data, c.page)
  return c.xxh32(c.page, data.length)
}

const MAGIC = Uint8Array.of(0x04, 0x22, 0x4d, 0x18)
const DESCRIPTOR = Uint8Array.of(0x64, 0x40, 0xa7)

/** A legacy frame by facts 1.3, right where it is not told otherwise. */
function legacy(
  data: Uint8Array,
  wrong: Partial<Record<'magic' | 'descriptor' | 'size' | 'block' | 'end' | 'sum', Uint8Array>> = {},
) {
  const block = wrong.block ?? literals(data)
  return concat(
    Uint8Array.of(0, 0, 0, 2, 0, 0),
    wrong.magic ?? MAGIC,
    wrong.descriptor ?? DESCRIPTOR,
    wrong.size ?? u32LE(block.length),
    block,
    wrong.end ?? u32LE(0),
    wrong.sum ?? u32LE(xxh32(data)),
  )
}

const random512 = Uint8Array.from({ length: 512 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24)

describe.each(FORMS)('%s form', (form) => {
  test.each(PAGE_SIZES)('round trip of one frame of %i bytes, compressible and not', (pageSize) => {
    const noise = Uint8Array.from({ length: pageSize }, () => Math.random() * 256)
    for (const data of [page(2, pageSize), noise, new Uint8Array(pageSize)]) {
      const decoded = decodePageFrame(frameOf(data, form), pageSize)
      expect(decoded.pgno).toBe(2)
      expect(Buffer.compare(decoded.data, data)).toBe(0)
    }
  })

  test('the page is fresh', () => {
    const frame = frameOf(page(2, 512), form)
    const first = decodePageFrame(frame, 512)
    decodePageFrame(frameOf(random512, form), 512)
    expect(first.data).toEqual(page(2, 512))
    expect(first.data.byteLength).toBe(first.data.buffer.byteLength)
  })

  test('LTX_TRUNCATED at every length', () => {
    const frame = frameOf(page(2, 512), form)
    for (let length = 0; length < frame.length; length++) {
      expect(codeOf(() => decodePageFrame(frame.subarray(0, length), 512))).toBe('LTX_TRUNCATED')
    }
  })

  test('LTX_TRAILING_BYTES', () => {
    const frame = concat(frameOf(page(2, 512), form), Uint8Array.of(0))
    expect(codeOf(() => decodePageFrame(frame, 512))).toBe('LTX_TRAILING_BYTES')
  })
})

test('facts 1.2: layout of a block frame', () => {
  const frame = frameOf(page(2, 512), 'block')
  expect([...frame.subarray(0, 6)]).toEqual([0, 0, 0, 2, 0, 1])
  expect(new DataView(frame.buffer).getUint32(6)).toBe(frame.length - 10)
})

test('facts 1.3: layout of a legacy frame, compressed and stored', () => {
  const frame = frameOf(page(2, 512), 'legacy')
  expect([...frame.subarray(0, 13)]).toEqual([0, 0, 0, 2, 0, 0, ...MAGIC, ...DESCRIPTOR])
  expect(frame.subarray(-8)).toEqual(concat(u32LE(0), u32LE(xxh32(page(2, 512)))))
  const stored = frameOf(random512, 'legacy')
  expect(stored).toEqual(legacy(random512, { block: random512, size: u32LE(512 | 0x80000000) }))
})

test('a frame with any valid LZ4 block is accepted', () => {
  const data = page(2, 512)
  expect(decodePageFrame(blockFrame(2, data).bytes, 512).data).toEqual(data)
  // 503 literals, a match of 4 at distance 1, 5 literals
  const runs = new Uint8Array(512).fill(7)
  const block = concat(
    Uint8Array.of(0xf0, 0xff, 0xe9),
    runs.subarray(0, 503),
    Uint8Array.of(1, 0, 0x50),
    runs.subarray(0, 5),
  )
  expect(decodePageFrame(blockFrame(2, runs, block).bytes, 512).data).toEqual(runs)
})

const data = page(2, 512)
const rejected: Record<string, Uint8Array[]> = {
  LTX_PGNO_ZERO: [blockFrame(0, data).bytes],
  LTX_PAGE_FLAGS: [blockFrame(2, data, literals(data), 2).bytes, blockFrame(2, data, literals(data), 3).bytes],
  LTX_FRAME_SIZE: [
    concat(blockFrame(2, data).bytes.subarray(0, 6), new Uint8Array(600)), // size 0
    concat(blockFrame(2, data).bytes.subarray(0, 6), Uint8Array.of(0, 0, 2, 19), new Uint8Array(531)), // bound + 1
    concat(blockFrame(2, data).bytes.subarray(0, 6), new Uint8Array(4).fill(0xff)),
  ],
  LTX_FRAME_LZ4: [
    blockFrame(2, data, Uint8Array.of(0x11, 1, 2, 0, 0)).bytes, // distance beyond what was written
    blockFrame(2, data, Uint8Array.of(0x11, 1, 0, 0, 0)).bytes, // distance 0
    blockFrame(2, data, literals(new Uint8Array(513))).bytes, // more than a page
    blockFrame(2, data, literals(data).subarray(0, 300)).bytes, // literals cut
    blockFrame(2, data, Uint8Array.of(0x1f, 1, 1, 0, 255, 255)).bytes, // length cut
    legacy(data, { block: Uint8Array.of(0x11, 1, 2, 0, 0) }),
  ],
  LTX_FRAME_INFLATED_SIZE: [
    blockFrame(2, data, literals(data.subarray(1))).bytes,
    blockFrame(2, data, Uint8Array.of(0)).bytes,
    legacy(data, { block: literals(data.subarray(0, 300)) }),
  ],
  LTX_LEGACY_MAGIC: [legacy(data, { magic: Uint8Array.of(0x04, 0x22, 0x4d, 0x19) })],
  LTX_LEGACY_DESCRIPTOR: [
    legacy(data, { descriptor: Uint8Array.of(0x44, 0x40, 0xa7) }),
    legacy(data, { descriptor: Uint8Array.of(0x64, 0x50, 0xa7) }),
    legacy(data, { descriptor: Uint8Array.of(0x64, 0x40, 0xa6) }),
  ],
  LTX_LEGACY_BLOCK: [
    legacy(data, { block: new Uint8Array(0) }),
    legacy(data, { block: new Uint8Array(513) }),
    legacy(data, { block: data.subarray(1), size: u32LE(511 | 0x80000000) }),
  ],
  LTX_LEGACY_END_MARK: [legacy(data, { block: data, size: u32LE(512 | 0x80000000), end: u32LE(5) })],
  LTX_LEGACY_CHECKSUM: [legacy(data, { block: data, size: u32LE(512 | 0x80000000), sum: u32LE(1) })],
}

test.each(Object.entries(rejected))('%s', (code, frames) => {
  for (const frame of frames) expect(codeOf(() => decodePageFrame(frame, 512))).toBe(code)
})

test('an error says where', () => {
  try {
    decodePageFrame(rejected.LTX_FRAME_SIZE![1]!, 512, { key: 'a/b.ltx', offset: 1042 })
    expect.unreachable()
  } catch (error) {
    if (!isLtxError(error)) throw error
    expect(error.message).toBe(
      'Cannot decode page frame: compressed size 531 exceeds LZ4 bound 530 (pgno 2, offset 1042, a/b.ltx)',
    )
    expect(error.at).toEqual({ key: 'a/b.ltx', offset: 1042, pgno: 2 })
  }
})

test('nothing is allocated for a size that a frame only claims', () => {
  const claim = concat(Uint8Array.of(0, 0, 0, 2, 0, 1), new Uint8Array(4).fill(0xff))
  const before = process.memoryUsage().arrayBuffers
  expect(codeOf(() => decodePageFrame(claim, 65536))).toBe('LTX_FRAME_SIZE')
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6)
})
