import { formatFilename } from '../../ltx/index.ts'
import { CATALOG_NAME, type Catalog, decodeCatalog, layoutPath, PAGE_MAP_NAME } from '../catalog.ts'
import { StorageError } from '../errors.ts'
import type { ListOptions, LtxFileInfo, LtxFileName } from '../types.ts'
import type { HttpConnection } from './connection.ts'
import type { FileFinder, FoundFile } from './finder.ts'
import { readSmall } from './read.ts'

interface Known {
  readonly catalog: Catalog
  readonly sizes: ReadonlyMap<string, number>
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
    if (this.#known?.catalog.pageMap === undefined) return undefined
    const reply = await readSmall(this.#connection, 'get', { key: PAGE_MAP_NAME, signal })
    return typeof reply === 'object' ? reply.bytes : undefined
  }

  async find(file: LtxFileName, signal: AbortSignal | undefined): Promise<FoundFile> {
    const { catalog, sizes } = this.#known ?? (await this.#current(signal))
    return { key: layoutPath(catalog.layout, file), fileSize: sizes.get(nameOf(file)) }
  }

  async #current(signal: AbortSignal | undefined): Promise<Known> {
    const known = await this.#ask(signal)
    if (known) return known
    throw noCatalog(this.#connection)
  }

  /** The catalog as it is now; undefined if there is none. @param absent codes that mean that too */
  async #ask(signal: AbortSignal | undefined, absent: readonly string[] = []): Promise<Known | undefined> {
    const before = this.#known
    const reply = await readSmall(this.#connection, 'get', {
      key: CATALOG_NAME,
      ...(before?.etag && { etag: before.etag }),
      signal,
    }).catch((error) => {
      if (absent.includes((error as StorageError).code)) return undefined
      throw error
    })
    if (reply === 'unchanged') return before
    if (reply === undefined) return undefined
    const catalog = decodeCatalog(reply.bytes, this.#connection.nameOf(CATALOG_NAME))
    const sizes = new Map(catalog.files.map((file) => [nameOf(file), file.size]))
    this.#known = { catalog, sizes, etag: reply.etag }
    return this.#known
  }
}

function nameOf({ level, minTXID, maxTXID }: LtxFileName): string {
  return `${level}/${formatFilename(minTXID, maxTXID)}`
}

function noCatalog({ shown, root }: HttpConnection): StorageError {
  const message =
    `Cannot open ${shown}: there is no ${CATALOG_NAME} below it, and a web server cannot be asked what it has. ` +
    'Write one with `litetap catalog URL` (`litetap replicate -catalog` keeps it current), or correct the URL; ' +
    `if it is an S3 server, write s3://bucket/path?endpoint=${root.origin}`
  return new StorageError('STORAGE_NOT_FOUND', message, { at: { key: CATALOG_NAME } })
}
