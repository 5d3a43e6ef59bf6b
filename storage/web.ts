import { openHttp } from './http/open-http.ts'
import type { StoreOptions } from './http/stores.ts'
import type { ReplicaClient } from './types.ts'

/** How replicas are reached where there is nothing but `fetch`. */
export interface WebReplicaOptions extends StoreOptions {}

/**
 * Open a replica by its URL where there is nothing but `fetch`, for reading: browsers, Workers, Deno, Bun.
 *
 * `https://` is any web server with a catalog, or a store known to list; `s3://`, `gs://` and `abs://` are listed. Only
 * what a URL needs is loaded. Nothing is sent yet, but to hosts as `openHttp` says.
 *
 * @throws StorageError STORAGE_BAD_URL, STORAGE_UNSUPPORTED_SCHEME
 */
export async function openWebReplica(url: string, options: WebReplicaOptions = {}): Promise<ReplicaClient> {
  if (/^https?:/i.test(url)) return await openHttp(url, options)
  const { openStore } = await import('./http/stores.ts')
  return await openStore(url, options)
}
