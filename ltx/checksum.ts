import { codec, MAX_CODEC_INPUT } from './codec/codec.ts'
import type { Pgno } from './pgno.ts'

/** Set in every LTX checksum, so that none is ever zero (facts 1.7). */
export const CHECKSUM_FLAG = 1n << 63n

/** CRC-64/GO-ISO, incremental. */
export class Crc64 {
  /** Kept as the codec returns it, of either sign: making it unsigned costs a BigInt per page. */
  #state: bigint

  constructor(value = 0n) {
    this.#state = value
  }

  /** The CRC of everything so far: 0..2^64-1. */
  get value(): bigint {
    return BigInt.asUintN(64, this.#state)
  }

  update(bytes: Uint8Array): void {
    const { bytes: memory, page } = codec()
    for (let start = 0; start < bytes.length; start += MAX_CODEC_INPUT) {
      const length = Math.min(MAX_CODEC_INPUT, bytes.length - start)
      memory.set(length === bytes.length ? bytes : bytes.subarray(start, start + length), page)
      this.updateInCodec(page, length)
    }
  }

  /** Like `update`, over bytes that are in the codec's memory already. */
  updateInCodec(address: number, length: number): void {
    this.#state = codec().crc64(this.#state, address, length)
  }
}

/** Continue a CRC-64/GO-ISO over `bytes`; start with 0n. Go: `crc64.Update(crc, crc64.MakeTable(crc64.ISO), bytes)`. */
export function crc64(crc: bigint, bytes: Uint8Array): bigint {
  const state = new Crc64(crc)
  state.update(bytes)
  return state.value
}

/** The checksum of one page: flag | CRC(u32 BE pgno, page). Source: superfly/ltx checksum.go ChecksumPage. */
export function checksumPage(pgno: Pgno, data: Uint8Array): bigint {
  const { bytes, page } = codec()
  bytes.set(data, page)
  return checksumPageInCodec(pgno, data.length)
}

/** Like `checksumPage`, for the page that lies in the codec's page region. Overwrites the four bytes before it. */
export function checksumPageInCodec(pgno: Pgno, pageSize: number): bigint {
  const { bytes, page, crc64 } = codec()
  bytes[page - 4] = pgno >>> 24
  bytes[page - 3] = pgno >>> 16
  bytes[page - 2] = pgno >>> 8
  bytes[page - 1] = pgno
  return BigInt.asUintN(64, crc64(0n, page - 4, pageSize + 4)) | CHECKSUM_FLAG
}

/**
 * The rolling checksum of a whole database: every page's checksum added by XOR, the lock page left out.
 * Adding a page's checksum a second time takes the page out again.
 */
export class DatabaseChecksum {
  #value: bigint

  /** @param value where to continue; CHECKSUM_FLAG is the empty database */
  constructor(value = CHECKSUM_FLAG) {
    this.#value = value
  }

  get value(): bigint {
    return this.#value
  }

  add(pageChecksum: bigint): void {
    this.#value = CHECKSUM_FLAG | (this.#value ^ pageChecksum)
  }
}
