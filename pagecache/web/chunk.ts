import type { StoredPage } from '../page-store.ts'

/** Pages whose numbers differ only below this share a chunk: one entry of the Cache API, read and replaced as a whole. */
export const CHUNK_PAGES = 64

const MAGIC = 0x4c54_4331 // "LTC1"
const HEAD_BYTES = 8
const ENTRY_BYTES = 8

/** The chunk that a page belongs to, 0-based. @param pgno 1-based */
export function chunkOf(pgno: number): number {
  return Math.floor(pgno / CHUNK_PAGES)
}

/**
 * Pages as bytes, big-endian: a magic number, how many pages; for each its number and length; then their bytes.
 * @returns fresh bytes
 */
export function encodeChunk(pages: ReadonlyMap<number, Uint8Array>): Uint8Array<ArrayBuffer> {
  const start = HEAD_BYTES + pages.size * ENTRY_BYTES
  const total = [...pages.values()].reduce((sum, page) => sum + page.length, start)
  const bytes = new Uint8Array(total)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC)
  view.setUint32(4, pages.size)
  let entry = HEAD_BYTES
  let at = start
  for (const [pgno, page] of pages) {
    view.setUint32(entry, pgno)
    view.setUint32(entry + 4, page.length)
    bytes.set(page, at)
    entry += ENTRY_BYTES
    at += page.length
  }
  return bytes
}

/** @returns the pages, views of `bytes`; none when it is not a chunk, or not a whole one */
export function decodeChunk(bytes: Uint8Array): StoredPage[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEAD_BYTES || view.getUint32(0) !== MAGIC) return []
  const count = view.getUint32(4)
  let at = HEAD_BYTES + count * ENTRY_BYTES
  if (at > bytes.length) return []
  const pages: StoredPage[] = []
  for (let i = 0; i < count; i++) {
    const entry = HEAD_BYTES + i * ENTRY_BYTES
    const length = view.getUint32(entry + 4)
    pages.push([view.getUint32(entry), bytes.subarray(at, at + length)])
    at += length
  }
  return at === bytes.length ? pages : []
}
