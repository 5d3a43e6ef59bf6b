import { isStorageError, StorageError } from '../errors.ts'
import { readLimited } from '../limited-body.ts'
import { streamChunks } from '../range-body.ts'
import { LEASE_LIMIT } from '../store-limits.ts'
import type { LeaseStore } from '../types.ts'
import { isNoBlob } from './abs-error.ts'
import type { AbsConnection } from './connection.ts'
import { putBlob } from './upload.ts'

/**
 * The lease object on Azure (facts 8.1), by conditions on its ETag, which is its version.
 * Its writes are not tried again: after a lost answer only who wrote can judge.
 */
export class AbsLeaseStore implements LeaseStore {
  readonly #connection: AbsConnection
  readonly #key: string

  constructor(connection: AbsConnection, key: string) {
    this.#connection = connection
    this.#key = key
  }

  async get(signal?: AbortSignal): Promise<{ body: Uint8Array; version: string } | undefined> {
    const key = this.#key
    try {
      return await this.#connection.run({
        verb: 'get',
        doing: 'read lease',
        key,
        signal,
        send: async (container, abortSignal) => {
          const reply = await container.getBlobClient(key).download(0, undefined, { abortSignal, maxRetryRequests: 0 })
          const { idleTimeoutMs } = this.#connection.requests
          const context = { key, name: this.#connection.nameOf(key), idleTimeoutMs, signal }
          const body = await readLimited(streamChunks(reply.readableStreamBody), LEASE_LIMIT, context)
          return { body, version: this.#version(reply.etag) }
        },
      })
    } catch (error) {
      if (isNoBlob(error)) return undefined
      throw error
    }
  }

  put(body: Uint8Array, version: string | undefined, signal?: AbortSignal): Promise<string> {
    return putBlob(this.#connection, body, {
      key: this.#key,
      doing: 'write lease',
      contentType: 'application/json',
      replaces: { version },
      signal,
      once: true,
    })
  }

  async delete(version: string, signal?: AbortSignal): Promise<void> {
    const key = this.#key
    try {
      await this.#connection.run({
        verb: 'delete',
        doing: 'delete lease',
        key,
        signal,
        once: true,
        send: (container, abortSignal) =>
          container.getBlobClient(key).delete({ conditions: { ifMatch: version }, abortSignal }),
      })
    } catch (error) {
      if (isNoBlob(error)) return
      // A blob that is gone has no version to match.
      if (isStorageError(error, 'STORAGE_PRECONDITION_FAILED') && !(await this.get(signal))) return
      throw error
    }
  }

  #version(etag: string | undefined): string {
    if (etag) return etag
    const message = `Cannot use lease ${this.#key}: the server's answer has no ETag`
    throw new StorageError('STORAGE_BAD_REPLY', message, { at: { key: this.#key } })
  }
}
