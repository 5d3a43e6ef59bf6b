import { byName, CATALOG_NAME, type Catalog, decodeCatalog, layoutPath, PAGE_MAP_NAME } from '../catalog.ts'
import type { StorageError } from '../errors.ts'
import { CATALOG_LIMIT, pageMapLimit } from '../limits.ts'
import type { ListOptions, LtxFileInfo, LtxFileName } from '../types.ts'
import type { HttpConnection } from './connection.ts'
import type { FileFinder, FoundFile } from './finder.ts'
import { readWhole } from './read.ts'

interface Known {
  readonly catalog: Catalog
  readonly etag: string | null
}

/** Finds files by the catalog beside them: one request for all levels, whose answer mostly is "unchanged". */
export class CatalogFinder implements FileFinder {
  readonly #connection: HttpConnection
  #known: Known | undefined

  constructor(connection: HttpConnection) {
    this.#connection = connection
  }

  /** Ask whether there is a catalog; what it says is kept. Who may not see it cannot know, and hears no. */
  async probe(): Promise<boolean> {
    return (await this.#ask(undefined, ['STORAGE_ACCESS_DENIED'])) !== undefined
  }

  async *list(level: number, { seek = 0n, signal }: ListOptions): AsyncIterable<LtxFileInfo> {
    for (const file of await this.listAll(signal)) if (file.level === level && file.minTXID >= seek) yield file
  }

  async listAll(signal: AbortSignal | undefined): Promise<readonly LtxFileInfo[]> {
    return (await this.#current(signal)).catalog.files
  }

  async readPageMap(signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    const named = this.#known?.catalog.pageMap
    if (named === undefined) return undefined
    const limit = pageMapLimit(named.size)
    const reply = await readWhole(this.#connection, 'get', { key: PAGE_MAP_NAME, limit, signal })
    return typeof reply === 'object' ? reply.bytes : undefined
  }

  async find(file: LtxFileName, signal: AbortSignal | undefined): Promise<FoundFile> {
    const { catalog } = this.#known ?? (await this.#current(signal))
    return { key: layoutPath(catalog.layout, file), fileSize: sizeOf(file, catalog.files) }
  }

  async #current(signal: AbortSignal | undefined): Promise<Known> {
    const known = await this.#ask(signal)
    if (known) return known
    const { noCatalog } = await import('./refusal.ts')
    throw noCatalog(this.#connection)
  }

  /** The catalog as it is now; undefined if there is none. @param absent codes that mean that too */
  async #ask(signal: AbortSignal | undefined, absent: readonly string[] = []): Promise<Known | undefined> {
    const before = this.#known
    const reply = await readWhole(this.#connection, 'get', {
      key: CATALOG_NAME,
      limit: CATALOG_LIMIT,
      ...(before?.etag && { etag: before.etag }),
      signal,
    }).catch((error) => {
      if (absent.includes((error as StorageError).code)) return undefined
      throw error
    })
    if (reply === 'unchanged') return before
    if (reply === undefined) return undefined
    const catalog = decodeCatalog(reply.bytes, this.#connection.nameOf(CATALOG_NAME))
    this.#known = { catalog, etag: reply.etag }
    return this.#known
  }
}

/** The files are in order, and may be very many. */
function sizeOf(file: LtxFileName, files: readonly LtxFileInfo[]): number | undefined {
  let low = 0
  for (let high = files.length; low < high; ) {
    const middle = (low + high) >>> 1
    if (byName(files[middle]!, file) < 0) low = middle + 1
    else high = middle
  }
  const found = files[low]
  return found && byName(found, file) === 0 ? found.size : undefined
}
