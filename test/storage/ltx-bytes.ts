import { encodeHeader, type TXID } from '../../ltx/index.ts'
import type { ByteStream, LtxFileInfo, LtxFileName, ReplicaClient } from '../../storage/index.ts'
import { ltxHeader } from '../support/ltx-header.ts'

export interface LtxBytes {
  readonly min: number
  readonly max?: number
  /** Milliseconds since the Unix epoch. */
  readonly timestamp?: number
  /** Whole file, header included. */
  readonly size?: number
}

export const TIMESTAMP = Date.parse('2026-01-02T03:04:05.678Z')

/** An LTX header with noise behind it, the same noise for the same TXIDs: storage looks no further than the header. */
export function ltxBytes({ min, max = min, timestamp = TIMESTAMP, size = 1000 }: LtxBytes): Uint8Array {
  const bytes = new Uint8Array(size)
  let state = min * 2654435761 + max
  for (let at = 0; at < size; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    bytes[at] = state >>> 24
  }
  const header = encodeHeader(
    ltxHeader({
      pageSize: 4096,
      commit: 1,
      minTXID: BigInt(min),
      maxTXID: BigInt(max),
      timestamp,
    }),
  )
  bytes.set(header)
  return bytes
}

export function name(level: number, min: number, max = min): LtxFileName {
  return { level, minTXID: BigInt(min), maxTXID: BigInt(max) }
}

/** A stream of chunks of a size that divides nothing, all in one buffer that is used again: as rude as is allowed. */
export async function* streamOf(bytes: Uint8Array, chunkSize = 37): ByteStream {
  const buffer = new Uint8Array(chunkSize)
  for (let at = 0; at < bytes.length; at += chunkSize) {
    const chunk = bytes.subarray(at, at + chunkSize)
    buffer.set(chunk)
    yield buffer.subarray(0, chunk.length)
    buffer.fill(0xee)
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

export async function listAll(client: ReplicaClient, level: number, seek?: TXID): Promise<LtxFileInfo[]> {
  return collect(client.list(level, seek === undefined ? {} : { seek }))
}

/** TXID ranges as text, for short expectations: `1-4`. */
export function ranges(files: readonly LtxFileName[]): string[] {
  return files.map((file) => `${file.minTXID}-${file.maxTXID}`)
}

/** Bytes of a chunk of `pulled`. */
export const PULL = 10_000

/** A file as a stream that tells, before each chunk, how many bytes have been taken with it. */
export async function* pulled(size: number, onPull: (taken: number) => void): ByteStream {
  for (let at = 0; at < size; at += PULL) {
    onPull(at + PULL)
    yield at === 0 ? ltxBytes({ min: 1, size: PULL }) : new Uint8Array(Math.min(PULL, size - at))
  }
}
