import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Header } from '../../ltx/index.ts'
import { CHECKSUM_FLAG, decodeHeader, Encoder, encodeHeader, validateHeader } from '../../ltx/index.ts'
import { codeOf, header, incremental } from './support.ts'

test('facts 1.1: every field at its place, big-endian', () => {
  const bytes = encodeHeader(
    header({
      pageSize: 65536,
      commit: 0x01020304,
      minTXID: 1n,
      maxTXID: 0x1122334455667788n,
      nodeID: 7n,
      timestamp: 1000,
    }),
  )
  const expected =
    '4c545831 00000002 00010000 01020304 0000000000000001 1122334455667788 00000000000003e8 0000000000000000 ' +
    '0000000000000020 0000000000000218 11223344 55667788 0000000000000007'
  expect(Buffer.from(bytes).toString('hex')).toBe(expected.replaceAll(' ', '') + '00'.repeat(20))
})

test('facts 1.1: reserved bytes are zero when written and ignored when read', () => {
  const bytes = encodeHeader(header())
  expect(bytes.subarray(80)).toEqual(new Uint8Array(20))
  bytes.fill(0xff, 80)
  expect(decodeHeader(bytes)).toEqual(header())
})

test('round trip of any valid header', () => {
  const anyHeader = fc
    .record({
      flags: fc.constantFrom(0, 2),
      pageSize: fc.integer({ min: 9, max: 16 }).map((bits) => 2 ** bits),
      commit: fc.integer({ min: 1, max: 0xffffffff }),
      minTXID: fc.bigInt({ min: 1n, max: 2n ** 63n }),
      more: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
      timestamp: fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
      pre: fc.bigInt({ min: CHECKSUM_FLAG, max: 2n ** 64n - 1n }),
      walOffset: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      walSize: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      walSalt1: fc.integer({ min: 0, max: 0xffffffff }),
      walSalt2: fc.integer({ min: 0, max: 0xffffffff }),
      nodeID: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    })
    .map(({ more, pre, ...h }) => ({
      ...h,
      maxTXID: h.minTXID + more,
      preApplyChecksum: h.flags === 0 && h.minTXID !== 1n ? pre : 0n,
    }))
  fc.assert(
    fc.property(anyHeader, (h: Header) => {
      expect(decodeHeader(encodeHeader(h))).toEqual(h)
    }),
    { seed: 1, numRuns: 300 },
  )
})

const rejected: Record<string, Header[]> = {
  LTX_HEADER_FLAGS: [header({ flags: 1 }), header({ flags: 6 }), header({ flags: 0x80000002 })],
  LTX_PAGE_SIZE: [
    header({ pageSize: 0 }),
    header({ pageSize: 1 }),
    header({ pageSize: 256 }),
    header({ pageSize: 131072 }),
    header({ pageSize: 4095 }),
  ],
  LTX_COMMIT_ZERO: [header({ commit: 0 }), incremental(2n, { commit: 0 })],
  LTX_MIN_TXID_ZERO: [header({ minTXID: 0n })],
  LTX_MAX_TXID_ZERO: [header({ maxTXID: 0n })],
  LTX_TXID_ORDER: [header({ minTXID: 3n, maxTXID: 2n })],
  LTX_WAL_OFFSET_NEGATIVE: [header({ walOffset: -1 })],
  LTX_WAL_SIZE_NEGATIVE: [header({ walSize: -1 })],
  LTX_WAL_SALT_WITHOUT_OFFSET: [
    header({ walOffset: 0, walSize: 0, walSalt2: 0 }),
    header({ walOffset: 0, walSize: 0, walSalt1: 0 }),
  ],
  LTX_WAL_SIZE_WITHOUT_OFFSET: [header({ walOffset: 0, walSalt1: 0, walSalt2: 0 })],
  LTX_PRE_APPLY_IN_SNAPSHOT: [header({ preApplyChecksum: CHECKSUM_FLAG }), header({ flags: 0, preApplyChecksum: 1n })],
  LTX_PRE_APPLY_WITH_NO_CHECKSUM: [incremental(2n, { preApplyChecksum: CHECKSUM_FLAG })],
  LTX_PRE_APPLY_MISSING: [incremental(2n, { flags: 0 })],
  LTX_PRE_APPLY_FLAG: [incremental(2n, { flags: 0, preApplyChecksum: 1n })],
}

describe.each(Object.entries(rejected))('%s', (code, headers) => {
  test('by the validation, the encoder and the decoder', () => {
    for (const h of headers) {
      expect(codeOf(() => validateHeader(h))).toBe(code)
      expect(codeOf(() => new Encoder(h))).toBe(code)
      expect(codeOf(() => decodeHeader(rawHeader(h)))).toBe(code)
    }
  })
})

test('LTX_HEADER_RANGE', () => {
  for (const changes of [
    { commit: 2 ** 32 },
    { commit: 1.5 },
    { walSalt1: -1 },
    { timestamp: 2 ** 53 },
    { timestamp: Number.NaN },
    { walSize: 2 ** 60 },
    { maxTXID: 2n ** 64n },
    { nodeID: -1n },
  ]) {
    expect(codeOf(() => encodeHeader(header(changes)))).toBe('LTX_HEADER_RANGE')
  }
  const bytes = encodeHeader(header())
  bytes[32] = 0x7f // the timestamp's first byte
  expect(codeOf(() => decodeHeader(bytes))).toBe('LTX_HEADER_RANGE')
})

test('LTX_TRUNCATED', () => {
  expect(codeOf(() => decodeHeader(encodeHeader(header()).subarray(0, 99)))).toBe('LTX_TRUNCATED')
})

test('LTX_BAD_MAGIC', () => {
  for (let i = 0; i < 4; i++) {
    const bytes = encodeHeader(header())
    bytes[i]! ^= 1
    expect(codeOf(() => decodeHeader(bytes))).toBe('LTX_BAD_MAGIC')
  }
})

/** Encode without validating. */
function rawHeader(h: Header): Uint8Array {
  const bytes = encodeHeader(header())
  const view = new DataView(bytes.buffer)
  view.setUint32(4, h.flags)
  view.setUint32(8, h.pageSize)
  view.setUint32(12, h.commit)
  view.setBigUint64(16, h.minTXID)
  view.setBigUint64(24, h.maxTXID)
  view.setBigUint64(40, h.preApplyChecksum)
  view.setBigInt64(48, BigInt(h.walOffset))
  view.setBigInt64(56, BigInt(h.walSize))
  view.setUint32(64, h.walSalt1)
  view.setUint32(68, h.walSalt2)
  return bytes
}
