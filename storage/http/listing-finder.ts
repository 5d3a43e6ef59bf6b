import { formatTXID, HEADER_SIZE } from '../../ltx/index.ts'
import { type Layout, layoutKey } from '../catalog.ts'
import { StorageError } from '../errors.ts'
import { levelDir, s3LevelPrefix } from '../keys.ts'
import {
  followPages,
  headerTimestamp,
  type ListedFile,
  type ListingPage,
  levelFiles,
  withTimestamps,
} from '../listing.ts'
import { LISTING_LIMIT } from '../store-limits.ts'
import type { ListOptions, LtxFileInfo, LtxFileName } from '../types.ts'
import type { HttpConnection } from './connection.ts'
import type { FileFinder, FoundFile } from './finder.ts'
import type { ListingDialect } from './listing-dialect.ts'
import { readRange, readWhole } from './read.ts'
import { parseXml } from './xml.ts'

/** What a browser sends at once to one host. */
const TIMESTAMPS_AT_ONCE = 6

/** Finds files by a store's own listing, of the bucket or container that the connection leads to. */
export class ListingFinder implements FileFinder {
  readonly #connection: HttpConnection
  readonly #dialect: ListingDialect
  readonly #layout: Layout
  readonly #path: string

  constructor(
    connection: HttpConnection,
    { dialect, layout, path }: { readonly dialect: ListingDialect; readonly layout: Layout; readonly path: string },
  ) {
    this.#connection = connection
    this.#dialect = dialect
    this.#layout = layout
    this.#path = path
  }

  async find(file: LtxFileName): Promise<FoundFile> {
    return { key: layoutKey(this.#layout, this.#path, file) }
  }

  async *list(level: number, { seek = 0n, useMetadata, signal }: ListOptions): AsyncIterable<LtxFileInfo> {
    const prefix = this.#layout === 's3' ? s3LevelPrefix(this.#path, level) : `${levelDir(this.#path, level)}/`
    const place = { name: this.#connection.nameOf(prefix), at: { key: prefix } }
    // Names start with the min TXID, and a text sorts before all that continue it: nothing wanted is skipped.
    const startAfter = seek > 1n ? prefix + formatTXID(seek) : undefined
    const pages = followPages((token) => this.#page({ prefix, startAfter, token }, signal), place)
    const timestampOf = ({ info }: ListedFile): Promise<number | undefined> => this.#timestampOf(info, signal)
    for await (const files of levelFiles(pages, { level, prefix, seek, place })) {
      if (!useMetadata) for (const { info } of files) yield info
      else yield* await withTimestamps(files, { concurrency: TIMESTAMPS_AT_ONCE, signal, timestampOf })
    }
  }

  async #page(page: Parameters<ListingDialect['query']>[0], signal: AbortSignal | undefined): Promise<ListingPage> {
    const name = this.#connection.nameOf(page.prefix)
    const query = this.#dialect.query(page)
    const reply = await readWhole(this.#connection, 'list', { about: page.prefix, query, limit: LISTING_LIMIT, signal })
    if (reply === undefined || reply === 'unchanged') throw noListing(name)
    const root = parseXml(new TextDecoder().decode(reply.bytes), name)
    const decoded = root.name === this.#dialect.root ? this.#dialect.page(root) : undefined
    if (decoded) return decoded
    throw new StorageError('STORAGE_BAD_REPLY', `Cannot list ${name}: <${root.name}> is not what a listing looks like`)
  }

  /** A file's own timestamp from its header: the metadata that the SDK reads is hidden from browsers. */
  async #timestampOf(file: LtxFileName, signal: AbortSignal | undefined): Promise<number | undefined> {
    const range = { offset: 0, size: HEADER_SIZE, ...(signal && { signal }) }
    return headerTimestamp(async () => readRange(this.#connection, await this.find(file), range))
  }
}

function noListing(name: string): StorageError {
  return new StorageError('STORAGE_NO_BUCKET', `Cannot list ${name}: there is no such bucket or container`)
}
