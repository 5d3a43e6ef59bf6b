import type { FrameForm, Header, Page, Trailer } from '../../ltx/index.ts'
import { Decoder, Encoder, encodeHeader, encodePageIndex, isLtxError, LtxReader, PageIndex } from '../../ltx/index.ts'

export const PAGE_SIZES = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536] as const
export const FORMS: readonly FrameForm[] = ['block', 'legacy']

/** A header that Litestream could have written, with what the test cares about changed. */
export function header(changes: Partial<Header> = {}): Header {
  return {
    flags: 2,
    pageSize: 512,
    commit: 3,
    minTXID: 1n,
    maxTXID: 1n,
    timestamp: 1_700_000_000_000,
    preApplyChecksum: 0n,
    walOffset: 32,
    walSize: 536,
    walSalt1: 0x11223344,
    walSalt2: 0x55667788,
    nodeID: 0n,
    ...changes,
  }
}

/** A header for a later file: min = max = txid. */
export function incremental(txid: bigint, changes: Partial<Header> = {}): Header {
  return header({ minTXID: txid, maxTXID: txid, ...changes })
}

/** A page whose every byte tells which one it is; compressible to about a quarter. */
export function page(pgno: number, pageSize: number, version = 0): Uint8Array {
  const data = new Uint8Array(pageSize).fill(pgno)
  for (let i = 0; i < pageSize / 4; i++) data[i] = Math.imul(pgno * 7919 + version * 104729 + i, 0x9e3779b1) >>> 24
  return data
}

/** A whole file of the given pages. */
export function encodeFile(
  h: Header,
  pages: Iterable<Page>,
  options: { form?: FrameForm | undefined; post?: bigint | undefined } = {},
): Uint8Array {
  const encoder = new Encoder(h, { form: options.form ?? 'block' })
  for (const { pgno, data } of pages) encoder.encodePage(pgno, data)
  encoder.finish(options.post)
  return encoder.take()
}

/** Pages by number, as `page` makes them. */
export function pages(pgnos: Iterable<number>, pageSize = 512, version = 0): Page[] {
  return Array.from(pgnos, (pgno) => ({ pgno, data: page(pgno, pageSize, version) }))
}

export interface Decoded {
  readonly header: Header
  readonly pages: readonly Page[]
  readonly trailer: Trailer
  readonly index: PageIndex
}

/** Decode a file pushed in chunks of `chunkSize`; `data` is copied. */
export function decodeFile(bytes: Uint8Array, chunkSize = bytes.length || 1): Decoded {
  const decoder = new Decoder()
  const found: Page[] = []
  for (let at = 0; at < bytes.length; at += chunkSize) {
    // The chunk is scribbled over once the decoder has said it needs more: it must not look at it again.
    const chunk = bytes.slice(at, at + chunkSize)
    decoder.push(chunk)
    for (let next = decoder.nextPage(); typeof next === 'object'; next = decoder.nextPage()) {
      found.push({ pgno: next.pgno, data: next.data.slice() })
    }
    chunk.fill(0xee)
  }
  const trailer = decoder.end()
  return { header: decoder.header()!, pages: found, trailer, index: decoder.pageIndex }
}

/** The code of the LtxError that `action` throws; fails when it throws anything else, or nothing. */
export function codeOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (isLtxError(error)) return error.code
    throw error
  }
  return 'no error'
}

export async function codeOfAsync(action: () => Promise<unknown>): Promise<string> {
  try {
    await action()
  } catch (error) {
    return codeOf(() => {
      throw error
    })
  }
  return 'no error'
}

export function reader(bytes: Uint8Array, chunkSize = 1000, key?: string): LtxReader {
  return new LtxReader(chunksOf(bytes, chunkSize), key === undefined ? {} : { key })
}

async function* chunksOf(bytes: Uint8Array, chunkSize: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkSize) yield bytes.slice(at, at + chunkSize)
}

/** CRC-64/GO-ISO bit by bit, from its definition. */
export function crc64Reference(bytes: Uint8Array): bigint {
  let crc = 0xffff_ffff_ffff_ffffn
  for (const byte of bytes) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0xd800_0000_0000_0000n : crc >> 1n
  }
  return crc ^ 0xffff_ffff_ffff_ffffn
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

export function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}

export function u32LE(value: number): Uint8Array {
  return u32(value).reverse()
}

export function u64(value: bigint): Uint8Array {
  return concat(u32(Number(value >> 32n)), u32(Number(value & 0xffff_ffffn)))
}

/** An LZ4 block that holds `data` as literals. */
export function literals(data: Uint8Array): Uint8Array {
  const lengths: number[] = []
  for (let rest = data.length - 15; ; rest -= 255) {
    lengths.push(Math.min(rest, 255))
    if (rest < 255) break
  }
  return concat(Uint8Array.of(0xf0, ...lengths), data)
}

/** One block frame, and the bytes of it that the file checksum covers. */
export function blockFrame(pgno: number, data: Uint8Array, block = literals(data), flags = 1) {
  const prefix = concat(u32(pgno), Uint8Array.of(0, flags), u32(block.length))
  return { pgno, bytes: concat(prefix, block), covered: concat(prefix, data) }
}

/**
 * A file put together by hand, by the tables of ltx/README.md and not by the encoder: so that it may be wrong in one
 * place and right in all others.
 */
export function handmade(spec: {
  header?: Header
  headerBytes?: Uint8Array
  frames?: readonly { pgno: number; bytes: Uint8Array; covered: Uint8Array }[]
  /** Index bytes, without the size field. */
  index?: (right: Uint8Array) => Uint8Array
  indexSize?: bigint
  post?: bigint
  fileChecksum?: (right: bigint) => bigint
}): Uint8Array {
  const head = spec.headerBytes ?? encodeHeader(spec.header ?? header())
  const frames = spec.frames ?? [1, 2, 3].map((pgno) => blockFrame(pgno, page(pgno, 512)))
  const entries = new PageIndex()
  for (const frame of frames) entries.append(frame.pgno, frame.bytes.length)
  const right = encodePageIndex(entries).subarray(0, -8)
  const index = spec.index ? spec.index(right) : right
  const tail = concat(new Uint8Array(6), index, u64(spec.indexSize ?? BigInt(index.length)), u64(spec.post ?? 0n))
  const crc = crc64Reference(concat(head, ...frames.map((frame) => frame.covered), tail)) | (1n << 63n)
  return concat(head, ...frames.map((frame) => frame.bytes), tail, u64(spec.fileChecksum?.(crc) ?? crc))
}
