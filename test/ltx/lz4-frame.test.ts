import { expect, test } from 'vitest'
import { compressBlock, decodeLz4Frame, isLtxError } from '../../ltx/index.ts'
import { Xxh32 } from '../../ltx/xxh32.ts'
import { seededRandom } from '../support/random.ts'

const MiB = 1024 * 1024

function u32(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24]
}

function hash(bytes: Uint8Array): number {
  const sum = new Xxh32()
  sum.update(bytes)
  return sum.value
}

interface Form {
  readonly blockSizeCode: number
  readonly blockChecksums?: boolean
  readonly contentSize?: boolean
}

/** A frame made by hand. Blocks of up to 64 KiB are compressed, larger ones stored. */
function frameOf(
  content: Uint8Array,
  { blockSizeCode, blockChecksums = false, contentSize = false }: Form,
): Uint8Array {
  const size = new DataView(new ArrayBuffer(8))
  size.setBigUint64(0, BigInt(content.length), true)
  const flags = 0x64 | (blockChecksums ? 0x10 : 0) | (contentSize ? 0x08 : 0)
  const descriptor = [flags, blockSizeCode << 4, ...(contentSize ? new Uint8Array(size.buffer) : [])]
  const parts: Uint8Array[] = [
    Uint8Array.from([...u32(0x184d2204), ...descriptor, (hash(Uint8Array.from(descriptor)) >>> 8) & 255]),
  ]
  const blockSize = 1 << (8 + 2 * blockSizeCode)
  for (let at = 0; at < content.length; at += blockSize) {
    const raw = content.subarray(at, at + blockSize)
    const block = raw.length <= 65536 ? compressBlock(raw) : raw
    const stored = block.length >= raw.length
    const data = stored ? raw : block
    parts.push(Uint8Array.from(u32(stored ? (data.length | 0x80000000) >>> 0 : data.length)), data)
    if (blockChecksums) parts.push(Uint8Array.from(u32(hash(data))))
  }
  parts.push(Uint8Array.from([...u32(0), ...u32(hash(content))]))
  return Buffer.concat(parts)
}

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function decode(bytes: Uint8Array, size = 1000): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(decodeLz4Frame(cut(bytes, size), { key: 'k' })))
}

function content(length: number): Uint8Array {
  const random = seededRandom(7)
  return Uint8Array.from({ length }, (_, i) => (i % 3000 < 2000 ? i % 7 : Math.floor(random() * 256)))
}

test('xxh32: the vectors of its specification, however the bytes are cut', () => {
  expect(hash(new Uint8Array(0))).toBe(0x02cc5d05)
  expect(hash(Buffer.from('a'))).toBe(0x550d7456)
  expect(hash(Buffer.from('abc'))).toBe(0x32d153ff)
  const text = Buffer.from('Nobody inspects the spammish repetition')
  expect(hash(text)).toBe(0xe2293b2f)
  for (let at = 0; at <= text.length; at++) {
    const sum = new Xxh32()
    sum.update(text.subarray(0, at))
    sum.update(text.subarray(at))
    expect(sum.value).toBe(0xe2293b2f)
  }
})

test.each([
  [0, { blockSizeCode: 7 }],
  [1, { blockSizeCode: 4 }],
  [300_000, { blockSizeCode: 4 }],
  [300_000, { blockSizeCode: 4, blockChecksums: true, contentSize: true }],
  [9 * MiB + 5, { blockSizeCode: 7 }],
  [600_000, { blockSizeCode: 5, contentSize: true }],
])('%i bytes in blocks of %j', async (length, form) => {
  const bytes = content(length)
  const frame = frameOf(bytes, form)
  for (const size of [length > MiB ? 65536 : 777, frame.length]) {
    expect(Buffer.compare(await decode(frame, size), bytes)).toBe(0)
  }
})

test('any byte changed, and any cut, is noticed', async () => {
  const frame = frameOf(content(5000), { blockSizeCode: 4 })
  for (let at = 0; at < frame.length; at++) {
    const changed = frame.map((byte, i) => (i === at ? byte ^ 0x21 : byte))
    const error = await decode(changed).catch((e: unknown) => e)
    expect(isLtxError(error), `byte ${at}`).toBe(true)
  }
  for (const length of [0, 3, 6, 20, frame.length - 8, frame.length - 1]) {
    await expect(decode(frame.subarray(0, length))).rejects.toMatchObject({ code: 'LTX_TRUNCATED', at: { key: 'k' } })
  }
  await expect(decode(Buffer.concat([frame, frame]))).rejects.toMatchObject({ code: 'LTX_TRAILING_BYTES' })
})
