import { CatalogFinder } from './catalog-finder.ts'
import { HttpConnection, type HttpOptions } from './connection.ts'
import { HttpReplica } from './http-replica.ts'

/**
 * A replica on any web server, found through its catalog.
 *
 * Of hosts known to list (Azure's blob storage, Google's) it is asked at once whether there is a catalog, and if not
 * they are listed; to others nothing is sent yet.
 *
 * @param url `https://host/path`; a query, as presigned URLs and SAS tokens have it, goes with every request
 * @throws StorageError STORAGE_BAD_URL
 */
export async function openHttp(url: string, options: HttpOptions = {}): Promise<HttpReplica> {
  const root = parse(url)
  if (typeof root === 'string') throw (await import('../url-parts.ts')).badText(url, root)
  const watch = options.events ? (await import('./events.ts')).watchEvents : undefined // only gateways announce anything
  const place = { type: 'http', url: shownURL(root), watch }
  if (isListingHost(root.hostname)) {
    const { openListingHost } = await import('./stores.ts')
    return await openListingHost(root, place, options)
  }
  const connection = new HttpConnection({ root, shown: place.url }, options)
  return new HttpReplica(place, connection, new CatalogFinder(connection))
}

function isListingHost(host: string): boolean {
  return host === 'storage.googleapis.com' || host.endsWith('.blob.core.windows.net')
}

/** Without the query: whatever is in it is none of a reader's business. */
function shownURL({ origin, pathname }: URL): string {
  return `${origin}${pathname}`.replace(/\/+$/, '')
}

/** The URL, or why it cannot be one of a replica. */
function parse(text: string): URL | string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return 'it must begin with https:// or http://'
  if (url.username !== '' || url.password !== '') return 'give a user and password as the header authorization'
  if (!isDecodable(url.pathname)) return 'a % in it must be written %25'
  url.hash = ''
  return url
}

function isDecodable(path: string): boolean {
  try {
    return decodeURIComponent(path) !== ''
  } catch {
    return false
  }
}
