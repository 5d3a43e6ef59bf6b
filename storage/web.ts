import { HttpReplica } from './http/http-replica.ts'
import type { HttpOptions } from './http/index.ts'
import type { ReplicaClient } from './types.ts'

/** How replicas are reached where there is nothing but `fetch`. */
export interface WebReplicaOptions extends HttpOptions {}

/**
 * Open a replica by its URL where there is nothing but `fetch`: browsers and Workers. Nothing is sent yet.
 * @throws StorageError STORAGE_BAD_URL, STORAGE_UNSUPPORTED_SCHEME
 */
export async function openWebReplica(url: string, options: WebReplicaOptions = {}): Promise<ReplicaClient> {
  const { fetch, headers, idleTimeoutMs } = options
  return new HttpReplica({
    url,
    ...(fetch && { fetch }),
    ...(headers && { headers }),
    ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
  })
}
