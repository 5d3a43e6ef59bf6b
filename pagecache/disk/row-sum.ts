import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** A file's key, as its rows carry it. */
export interface RowFile {
  /** 48 bits of its SHA-256: a number that needs no table of files and is never re-used. */
  readonly id: number
  /** CRC-32 of the key; every page's sum goes on from it. So two keys of one id are misses, not each other's pages. */
  readonly sum: number
}

/** The row names of keys seen lately: the hash costs 2 us, a page's read 9. */
const known = new Map<string, RowFile>()
const MOST_KNOWN = 1024

/** How the rows of a file are named. */
export function rowFile(key: string): RowFile {
  let file = known.get(key)
  if (file === undefined) {
    if (known.size >= MOST_KNOWN) known.clear()
    file = { id: createHash('sha256').update(key).digest().readUIntBE(0, 6), sum: crc32(key) }
    known.set(key, file)
  }
  return file
}

const place = new DataView(new ArrayBuffer(8))

/**
 * The CRC-32 of a page with all that names it: key, page number, length. A row that damage has put under another name
 * does not match. (Measured: 1.6 us for 4 KiB.)
 */
export function pageSum(file: RowFile, pgno: number, page: Uint8Array): number {
  place.setUint32(0, pgno)
  place.setUint32(4, page.length)
  return crc32(page, crc32(place, file.sum))
}

/** The same for a blob. */
export function blobSum(name: string, bytes: Uint8Array): number {
  place.setUint32(0, 0) // no page has this number
  place.setUint32(4, bytes.length)
  return crc32(bytes, crc32(place, crc32(name)))
}
