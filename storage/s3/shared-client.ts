import type { S3Client } from '@aws-sdk/client-s3'
import { type ClientSettings, makeSdkClient } from './sdk-client.ts'

interface Shared {
  readonly client: S3Client
  users: number
}

/** By what a client depends on. The keys hold secrets; they leave with the last user. */
const shared = new Map<string, Shared>()

/** An SDK client in use, until `release`. */
export interface ClientLease {
  readonly client: S3Client
  /** Once per lease. The last one closes the sockets. */
  release(): void
}

/**
 * The process's one SDK client for these settings. One each for thousands of databases in one bucket would be as many
 * idle sockets and caches of credentials, and 27 KB (measured) instead of 1.
 */
export function leaseClient(settings: ClientSettings): ClientLease {
  const key = keyOf(settings)
  const entry = shared.get(key) ?? { client: makeSdkClient(settings), users: 0 }
  shared.set(key, entry)
  entry.users += 1
  return new Lease(key, entry)
}

/** SDK clients that are in use. */
export function openClients(): number {
  return shared.size
}

class Lease implements ClientLease {
  readonly #key: string
  readonly #entry: Shared

  constructor(key: string, entry: Shared) {
    this.#key = key
    this.#entry = entry
  }

  get client(): S3Client {
    return this.#entry.client
  }

  release(): void {
    this.#entry.users -= 1
    if (this.#entry.users > 0) return
    shared.delete(this.#key)
    this.#entry.client.destroy()
  }
}

function keyOf(settings: ClientSettings): string {
  return JSON.stringify([
    settings.region,
    settings.endpoint,
    settings.credentials,
    settings.provider,
    settings.forcePathStyle,
    settings.skipVerify,
    settings.signPayload,
    settings.requireContentMD5,
    settings.directoryBucket,
    settings.maxAttempts,
    settings.idleTimeoutMs,
    settings.proxyEnv,
    settings.debug,
    // Where neither says in which region the bucket is, it is asked for this one bucket.
    settings.region || settings.endpoint ? undefined : settings.bucket,
  ])
}
