import { levelDir } from '../keys.ts'
import { followPages, type ListedObject, type ListingPage, type ListingPlace, levelFiles } from '../listing.ts'
import { parseTimestamp } from '../timestamp.ts'
import type { ListOptions, LtxFileInfo } from '../types.ts'
import type { AbsConnection } from './connection.ts'

/** All blobs below a prefix, page by page. */
export function listPages(
  connection: AbsConnection,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly ListedObject[]> {
  const { listPageSize } = connection.settings
  const page = { ...(listPageSize !== undefined && { maxPageSize: listPageSize }) }
  const read = (token: string | undefined): Promise<ListingPage> =>
    connection.run({
      verb: 'list',
      doing: 'list',
      key: prefix,
      signal,
      send: async (container, abortSignal) => {
        const blobs = container.listBlobsFlat({ prefix, includeMetadata: true, abortSignal })
        const pages = blobs.byPage({ ...page, ...(token !== undefined && { continuationToken: token }) })
        const { value } = await pages.next()
        const next: string | undefined = value?.continuationToken || undefined
        return { objects: (value?.segment.blobItems ?? []).map(listed), more: next !== undefined, next }
      },
    })
  return followPages(read, placeOf(connection, prefix))
}

/**
 * Files of one level, ascending. Their own timestamps come with the listing (facts 2.2).
 * Azure cannot be told where to begin, so a level is listed whole; as a prefix the seek would find only the files that start
 * right there (facts 2.3).
 */
export async function* listLevel(
  connection: AbsConnection,
  level: number,
  { seek = 0n, signal }: ListOptions,
): AsyncGenerator<LtxFileInfo> {
  const prefix = `${levelDir(connection.settings.path, level)}/`
  const wanted = { level, prefix, seek, place: placeOf(connection, prefix) }
  for await (const files of levelFiles(listPages(connection, prefix, signal), wanted)) {
    for (const { info } of files) yield info
  }
}

interface BlobItem {
  readonly name: string
  readonly properties: { readonly contentLength?: number; readonly createdOn?: Date; readonly lastModified: Date }
  readonly metadata?: Readonly<Record<string, string>>
}

function listed({ name, properties, metadata = {} }: BlobItem): ListedObject {
  const { contentLength = 0, createdOn, lastModified } = properties
  // Azure keeps the case of a name as it was sent, and Go sends it capitalised.
  const own = Object.entries(metadata).find(([field]) => field.toLowerCase() === TIMESTAMP_FIELD)?.[1]
  const created = (createdOn ?? lastModified).getTime()
  return { key: name, size: contentLength, lastModified: parseTimestamp(own ?? '') ?? created }
}

/** The LTX timestamp's metadata: no hyphen, which Azure does not take (facts 2.2). */
export const TIMESTAMP_FIELD = 'litestreamtimestamp'

function placeOf(connection: AbsConnection, prefix: string): ListingPlace {
  return { name: connection.nameOf(prefix), at: { bucket: connection.settings.bucket, key: prefix } }
}
