import fc from 'fast-check'
import { expect, test } from 'vitest'
import { codec } from '../../ltx/codec/codec.ts'
import {
  Crc64,
  codecBytes,
  compressBlock,
  crc64,
  decompressBlock,
  isLtxError,
  setCodecModule,
  walChecksum,
} from '../../ltx/index.ts'
import { crc64Reference, PAGE_SIZES } from './support.ts'

/** What databases are made of: runs, repeated phrases, noise. */
const content = (maxLength: number) =>
  fc
    .array(
      fc.oneof(
        fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 1, max: 900 })).map(([b, n]) => Array(n).fill(b)),
        fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => [...bytes]),
        fc
          .tuple(fc.uint8Array({ minLength: 2, maxLength: 20 }), fc.integer({ min: 2, max: 60 }))
          .map(([phrase, times]) => Array.from({ length: times }, () => [...phrase]).flat()),
      ),
      { maxLength: 200 },
    )
    .map((parts) => Uint8Array.from(parts.flat().slice(0, maxLength)))

test('crc64 equals the bitwise definition at every length up to 2000, in any two pieces', () => {
  const bytes = Uint8Array.from({ length: 2000 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 23)
  for (let length = 0; length <= 2000; length += length < 300 ? 1 : 7) {
    expect(crc64(0n, bytes.subarray(0, length))).toBe(crc64Reference(bytes.subarray(0, length)))
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), fc.nat(2000), (data, cut) => {
      const crc = new Crc64()
      crc.update(data.subarray(0, cut))
      crc.update(data.subarray(cut))
      return crc.value === crc64Reference(data)
    }),
    { seed: 64, numRuns: 60 },
  )
})

test('crc64 takes more than the codec holds at once', () => {
  const bytes = Uint8Array.from({ length: 200_001 }, (_, i) => i >> 3)
  expect(crc64(0n, bytes)).toBe(crc64Reference(bytes))
})

test('LZ4: what one page leaves in the hash table never harms the next', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(content(65536), fc.constantFrom(...PAGE_SIZES)), { maxLength: 12 }), (inputs) => {
      for (const [data, pageSize] of inputs) {
        const bytes = new Uint8Array(pageSize)
        bytes.set(data.subarray(0, pageSize))
        for (const input of [data, bytes, data.subarray(0, 13)]) {
          const block = compressBlock(input)
          expect(block.length).toBeLessThanOrEqual(input.length + Math.floor(input.length / 255) + 16)
          expect(Buffer.compare(decompressBlock(block, input.length), input)).toBe(0)
        }
      }
    }),
    { seed: 4, numRuns: 100 },
  )
})

test('LZ4: thousands of pages in a row, and over the point where the positions begin again', () => {
  const c = codec()
  const data = new Uint8Array(65536)
  // 65536 x 65536 is 2^32: the running base wraps on the way.
  for (let i = 0; i < 65_800; i++) {
    data[i % 65536] = i
    data[Math.imul(i, 40503) & 0xffff] = i >> 8
    c.bytes.set(data, c.page)
    const size = c.lz4Compress(c.page, data.length, c.frame)
    if (i % 256 !== 0 && i < 65_500) continue
    expect(c.lz4Decompress(c.frame, size, c.page, data.length)).toBe(data.length)
    expect(Buffer.compare(c.bytes.subarray(c.page, c.page + data.length), data)).toBe(0)
  }
})

test('LZ4: garbage is refused or decompresses within its bounds, and touches nothing else', () => {
  const c = codec()
  const guarded = () => Buffer.from(c.bytes.subarray(c.frame + 70_000)).toString('latin1')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.integer({ min: 1, max: 4096 }), (garbage, capacity) => {
      const around = guarded()
      c.bytes.fill(0xa5, c.page, c.frame)
      c.bytes.set(garbage, c.frame)
      const size = c.lz4Decompress(c.frame, garbage.length, c.page, capacity)
      expect(size).toBeLessThanOrEqual(capacity)
      expect(c.bytes.subarray(c.page + capacity + 64, c.frame).every((byte) => byte === 0xa5)).toBe(true)
      expect(guarded()).toBe(around)
    }),
    { seed: 44, numRuns: 300 },
  )
})

test('LZ4: a valid block cut or changed anywhere never passes for more than it may hold', () => {
  fc.assert(
    fc.property(content(4096), fc.nat(), fc.nat(255), (data, where, value) => {
      const block = compressBlock(data)
      const changed = block.slice()
      changed[where % block.length] = value
      for (const attempt of [block.subarray(0, where % block.length), changed]) {
        try {
          expect(decompressBlock(attempt, data.length).length).toBeLessThanOrEqual(data.length)
        } catch (error) {
          expect(isLtxError(error, 'LTX_FRAME_LZ4')).toBe(true)
        }
      }
    }),
    { seed: 45, numRuns: 300 },
  )
})

test('LZ4: overlapping matches of every distance below 32', () => {
  for (let distance = 1; distance < 32; distance++) {
    for (const length of [4, 5, 15, 16, 17, 18, 19, 31, 33, 100, 270]) {
      const start = Uint8Array.from({ length: distance }, (_, i) => i + 1)
      const extra = length - 4 < 15 ? [] : length - 19 < 255 ? [length - 19] : [255, length - 19 - 255]
      const long = distance >= 15 ? [distance - 15] : []
      const token = (Math.min(distance, 15) << 4) | Math.min(length - 4, 15)
      const block = Uint8Array.of(token, ...long, ...start, distance, 0, ...extra, 0x10, 99)
      const expected = Uint8Array.from({ length: distance + length + 1 }, (_, i) => (i % distance) + 1)
      expected[expected.length - 1] = 99
      expect(decompressBlock(block, expected.length)).toEqual(expected)
    }
  }
})

test('xxh32 known values', () => {
  const c = codec()
  const xxh32 = (text: string) => {
    c.bytes.set(new TextEncoder().encode(text), c.page)
    return c.xxh32(c.page, text.length) >>> 0
  }
  expect(xxh32('')).toBe(0x02cc5d05)
  expect(xxh32('a')).toBe(0x550d7456)
  expect(xxh32('abc')).toBe(0x32d153ff)
  expect(xxh32('Nobody inspects the spammish repetition')).toBe(0xe2293b2f)
})

test('facts 3.7: WAL checksum in both word orders, in any pieces', () => {
  const reference = (bytes: Uint8Array, bigEndian: boolean) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    let [s0, s1] = [0, 0]
    for (let i = 0; i < bytes.length; i += 8) {
      s0 = (s0 + view.getUint32(i, !bigEndian) + s1) >>> 0
      s1 = (s1 + view.getUint32(i + 4, !bigEndian) + s0) >>> 0
    }
    return [s0, s1]
  }
  const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => Math.imul(i + 3, 0x9e3779b1) >>> 24)
  for (const bigEndian of [false, true]) {
    for (const length of [0, 8, 24, 4096, 70_000]) {
      const data = bytes.subarray(0, length)
      expect(walChecksum(0, 0, data, bigEndian)).toEqual(reference(data, bigEndian))
      const [s0, s1] = walChecksum(0, 0, data.subarray(0, 8), bigEndian)
      expect(walChecksum(s0, s1, data.subarray(8), bigEndian)).toEqual(reference(data, bigEndian))
    }
  }
  expect(() => walChecksum(0, 0, bytes.subarray(0, 12), true)).toThrow(RangeError)
})

test('a module that was compiled elsewhere does as well; the binary is small enough for every browser', () => {
  expect(codecBytes().length).toBeLessThan(4096)
  const before = codec()
  setCodecModule(new WebAssembly.Module(codecBytes()))
  expect(codec()).not.toBe(before)
  expect(crc64(0n, new TextEncoder().encode('123456789'))).toBe(0xb90956c775a41001n)
})
