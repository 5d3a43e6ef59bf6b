import { decodeHeader, parseFilename } from '../ltx/index.ts'
import { readAll } from './body.ts'
import { StorageError, type StorageErrorAt } from './errors.ts'
import { fileInfoFault } from './file-info-fault.ts'
import { MAX_FILES, TOO_MANY_HINT } from './limits.ts'
import { Patience } from './patience.ts'
import { LISTING_MS, MAX_PAGES } from './store-limits.ts'
import type { ByteStream, LtxFileInfo } from './types.ts'

/** What a store's listing says of one object. */
export interface ListedObject {
  readonly key: string
  readonly size: number
  /** Milliseconds since the Unix epoch. */
  readonly lastModified: number
}

export interface ListingPage {
  readonly objects: readonly ListedObject[]
  /** True if the listing goes on after this page. */
  readonly more: boolean
  /** Where it goes on. */
  readonly next?: string | undefined
}

export interface ListingPlace {
  /** What is listed, for people. */
  readonly name: string
  readonly at: StorageErrorAt
}

/** An LTX file and the object it was made of. */
export interface ListedFile {
  readonly object: ListedObject
  readonly info: LtxFileInfo
}

/**
 * All pages of a listing, one after the other.
 * @throws StorageError STORAGE_BAD_REPLY if the server says "there is more" but not where, STORAGE_TOO_LARGE if that never
 *   ends, STORAGE_TIMEOUT if it takes too long: rather than an endless loop
 */
export async function* followPages(
  read: (token: string | undefined) => Promise<ListingPage>,
  place: ListingPlace,
): AsyncGenerator<readonly ListedObject[]> {
  const patience = new Patience({ idleMs: LISTING_MS, totalMs: LISTING_MS })
  let token: string | undefined
  for (let pages = 1; ; pages++) {
    const { objects, more, next } = await patience.count(read(token))
    yield objects
    if (!more) return
    if (!next || next === token) throw badListing(place, 'the listing goes on but has no new continuation token')
    if (pages >= MAX_PAGES) throw tooMany(place, `${MAX_PAGES} pages`)
    if (patience.left <= 0) throw slowListing(place, pages)
    token = next
  }
}

/**
 * The LTX files of one level in a listing, page by page. Foreign names are left out.
 * @throws StorageError STORAGE_BAD_REPLY if they are not in ascending order, or one cannot be; STORAGE_TOO_LARGE
 */
export async function* levelFiles(
  pages: AsyncIterable<readonly ListedObject[]>,
  level: { readonly level: number; readonly prefix: string; readonly seek: bigint; readonly place: ListingPlace },
): AsyncGenerator<ListedFile[]> {
  let last = ''
  let count = 0
  for await (const page of pages) {
    const files = page.flatMap((object) => ltxFile(object, level)).filter(({ info }) => info.minTXID >= level.seek)
    for (const { object } of files) {
      if (object.key <= last) throw badListing(level.place, 'the server does not list in ascending order')
      last = object.key
    }
    count += files.length
    if (count > MAX_FILES) throw tooMany(level.place, `${MAX_FILES} files`)
    yield files
  }
}

/** Replace each LastModified by the file's own timestamp; where that cannot be had, LastModified stays (facts 2.2). */
export async function withTimestamps(
  files: readonly ListedFile[],
  options: {
    readonly concurrency: number
    readonly signal: AbortSignal | undefined
    /** Milliseconds since the Unix epoch. Must not fail. */
    readonly timestampOf: (file: ListedFile) => Promise<number | undefined>
  },
): Promise<LtxFileInfo[]> {
  const { concurrency, signal, timestampOf } = options
  const infos = files.map(({ info }) => info)
  let next = 0
  const work = async (): Promise<void> => {
    while (next < files.length) {
      signal?.throwIfAborted()
      const index = next++
      const file = files[index]!
      const createdAt = await timestampOf(file)
      if (createdAt !== undefined) infos[index] = { ...file.info, createdAt }
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, files.length) }, work))
  signal?.throwIfAborted()
  return infos
}

/**
 * A file's own timestamp, from its first bytes: where a store keeps none with the file, or does not tell it.
 * @param open opens the first `HEADER_SIZE` bytes
 * @returns undefined if it cannot be had
 */
export async function headerTimestamp(open: () => Promise<ByteStream | undefined>): Promise<number | undefined> {
  try {
    const stream = await open()
    return stream && decodeHeader(await readAll(stream)).timestamp
  } catch {
    return undefined // as where there is no metadata
  }
}

function ltxFile(
  object: ListedObject,
  { prefix, level, place }: { prefix: string; level: number; place: ListingPlace },
) {
  const name = object.key.startsWith(prefix) ? object.key.slice(prefix.length) : ''
  const info = listedFile(level, name, { size: object.size, createdAt: object.lastModified, place })
  return info ? [{ object, info }] : []
}

/**
 * An LTX file as a listing has it; undefined for a foreign name.
 * @param name of the file in its level
 * @throws StorageError STORAGE_BAD_REPLY if there can be no such file
 */
export function listedFile(
  level: number,
  name: string,
  { place, ...said }: { readonly size: number; readonly createdAt: number; readonly place: ListingPlace },
): LtxFileInfo | undefined {
  const txids = parseFilename(name)
  if (!txids) return undefined
  const info = { level, ...txids, ...said }
  const fault = fileInfoFault(info)
  if (fault !== undefined) throw badListing(place, `no file can have the ${fault} of ${name}`)
  return info
}

function badListing({ name, at }: ListingPlace, why: string): StorageError {
  return new StorageError('STORAGE_BAD_REPLY', `Cannot list ${name}: ${why}`, { at })
}

function tooMany({ name, at }: ListingPlace, what: string): StorageError {
  const message = `Cannot list ${name}: it has more than ${what}; ${TOO_MANY_HINT}`
  return new StorageError('STORAGE_TOO_LARGE', message, { at })
}

function slowListing({ name, at }: ListingPlace, pages: number): StorageError {
  const message = `Cannot list ${name}: the server is too slow, ${pages} pages have come in ${LISTING_MS} ms`
  return new StorageError('STORAGE_TIMEOUT', message, { at })
}
