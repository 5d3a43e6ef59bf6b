import { formatTXID } from '../../ltx/index.ts'
import { levelDir } from '../keys.ts'
import { followPages, type ListedObject, type ListingPage, type ListingPlace, levelFiles } from '../listing.ts'
import { LISTING_LIMIT } from '../store-limits.ts'
import { parseTimestamp } from '../timestamp.ts'
import type { ListOptions, LtxFileInfo } from '../types.ts'
import type { GsConnection } from './connection.ts'

interface ObjectResource {
  readonly name: string
  readonly size: string
  readonly timeCreated: string
  readonly metadata?: Readonly<Record<string, string>>
}

interface ObjectsPage {
  readonly items?: readonly ObjectResource[]
  readonly nextPageToken?: string
}

const FIELDS = 'nextPageToken,items(name,size,timeCreated,metadata)'

export interface PageOptions {
  readonly prefix: string
  /** Only names that sort after this one, or are it. */
  readonly startAt?: string
  readonly signal?: AbortSignal | undefined
}

/** All objects below a prefix, page by page. */
export function listPages(
  connection: GsConnection,
  { prefix, startAt, signal }: PageOptions,
): AsyncGenerator<readonly ListedObject[]> {
  const { bucket, listPageSize } = connection.settings
  const read = async (token: string | undefined): Promise<ListingPage> => {
    const page = await connection.askJson<ObjectsPage>({
      verb: 'list',
      doing: 'list',
      key: prefix,
      url: `/storage/v1/b/${encodeURIComponent(bucket)}/o`,
      limit: LISTING_LIMIT,
      query: { prefix, startOffset: startAt, pageToken: token, maxResults: listPageSize?.toString(), fields: FIELDS },
      signal,
    })
    return { objects: (page.items ?? []).map(listed), more: page.nextPageToken !== undefined, next: page.nextPageToken }
  }
  return followPages(read, placeOf(connection, prefix))
}

/** Files of one level, ascending. Their own timestamps come with the listing (facts 2.2). */
export async function* listLevel(
  connection: GsConnection,
  level: number,
  { seek = 0n, signal }: ListOptions,
): AsyncGenerator<LtxFileInfo> {
  const prefix = `${levelDir(connection.settings.path, level)}/`
  // Names start with the min TXID. As a prefix it would find only the files that start right there (facts 2.3).
  const startAt = seek > 1n ? { startAt: prefix + formatTXID(seek) } : {}
  const pages = listPages(connection, { prefix, ...startAt, signal })
  for await (const files of levelFiles(pages, { level, prefix, seek, place: placeOf(connection, prefix) })) {
    for (const { info } of files) yield info
  }
}

function listed({ name, size, timeCreated, metadata }: ObjectResource): ListedObject {
  const own = parseTimestamp(metadata?.['litestream-timestamp'] ?? '')
  return { key: name, size: Number(size), lastModified: own ?? Date.parse(timeCreated) }
}

function placeOf(connection: GsConnection, prefix: string): ListingPlace {
  return { name: connection.nameOf(prefix), at: { bucket: connection.settings.bucket, key: prefix } }
}
