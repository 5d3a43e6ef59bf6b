import { anyObject, callback, eitherOf, objectOf, type Shape, text } from '../arguments/index.ts'
import { HTTP_OPTIONS } from './http/http-options.ts'
import { openHttp } from './http/open-http.ts'
import type { StoreOptions } from './http/stores.ts'
import type { ReplicaClient } from './types.ts'
import { urlText } from './url-text.ts'

/** How replicas are reached where there is nothing but `fetch`. */
export interface WebReplicaOptions extends StoreOptions {}

/** What those options may be. */
export const WEB_REPLICA_OPTIONS: Shape<WebReplicaOptions> = {
  ...HTTP_OPTIONS,
  s3: objectOf({
    endpoint: text,
    region: text,
    credentials: eitherOf('credentials or a function that gives them', anyObject, callback),
  }),
  gs: objectOf({ endpoint: text }),
  abs: objectOf({ endpoint: text, sasToken: text }),
}

/**
 * Open a replica by its URL where there is nothing but `fetch`, for reading: browsers, Workers, Deno, Bun.
 *
 * `https://` is any web server with a catalog, or a store known to list; `s3://`, `gs://` and `abs://` are listed. Only
 * what a URL needs is loaded. Nothing is sent yet, but to hosts as `openHttp` says.
 *
 * @throws StorageError STORAGE_BAD_URL, STORAGE_UNSUPPORTED_SCHEME
 */
export async function openWebReplica(source: string | URL, options: WebReplicaOptions = {}): Promise<ReplicaClient> {
  const url = urlText(source)
  if (/^https?:/i.test(url)) return await openHttp(url, options)
  const { openStore } = await import('./http/stores.ts')
  return await openStore(url, options)
}
