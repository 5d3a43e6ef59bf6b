import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

const made = new Map<string, Uint8Array>()

/** The one content that a page of this name has in these tests: no two names share it. Fresh each time. */
export function pageOf(file: string, pgno: number, size = 4096): Uint8Array {
  return knownPage(file, pgno, size).slice()
}

function knownPage(file: string, pgno: number, size: number): Uint8Array {
  const name = `${file} ${pgno} ${size}`
  const page = made.get(name) ?? makePage(file, pgno, size)
  if (made.size < 5000) made.set(name, page)
  return page
}

function makePage(file: string, pgno: number, size: number): Uint8Array {
  const words = new Uint32Array(size / 4)
  let state = crc32(file, pgno) | 1
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state
  }
  words[0] = pgno
  return new Uint8Array(words.buffer)
}

/** Page numbers from `first`, each with its page. */
export function pagesOf(file: string, first: number, count: number, size = 4096): [number, Uint8Array][] {
  return Array.from({ length: count }, (_, i) => [first + i, pageOf(file, first + i, size)])
}

/** The numbers first, first + 1, ... */
export function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i)
}

export function isPageOf(page: Uint8Array, file: string, pgno: number, size = 4096): boolean {
  return Buffer.compare(page, knownPage(file, pgno, size)) === 0
}

/** The database files of a cache's folder, without their WALs. */
export function databasesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.db'))
    .sort()
    .map((name) => join(folder, name))
}
