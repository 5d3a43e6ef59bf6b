import { isStorageError, StorageError } from '../errors.ts'
import { LEASE_LIMIT } from '../store-limits.ts'
import type { LeaseStore } from '../types.ts'
import { type GsConnection, refusalOf } from './connection.ts'
import { putObject } from './upload.ts'

/** There is no object of this generation: as a condition, there must be none. */
const NONE = '0'

/**
 * The lease object on Google Cloud Storage (facts 8.1), by conditions on its generation, which is its version.
 * Its writes are not tried again: after a lost answer only who wrote can judge.
 */
export class GsLeaseStore implements LeaseStore {
  readonly #connection: GsConnection
  readonly #key: string

  constructor(connection: GsConnection, key: string) {
    this.#connection = connection
    this.#key = key
  }

  async get(signal?: AbortSignal): Promise<{ body: Uint8Array; version: string } | undefined> {
    try {
      const request = {
        verb: 'get',
        doing: 'read lease',
        key: this.#key,
        query: { alt: 'media' },
        limit: LEASE_LIMIT,
        signal,
      } as const
      const { reply, body } = await this.#connection.ask(request)
      return { body, version: this.#version(reply.headers.get('x-goog-generation')) }
    } catch (error) {
      if (refusalOf(error)?.isNoObject) return undefined
      throw error
    }
  }

  async put(body: Uint8Array, version: string | undefined, signal?: AbortSignal): Promise<string> {
    const stored = await putObject(this.#connection, body, {
      key: this.#key,
      doing: 'write lease',
      resource: { contentType: 'application/json', cacheControl: 'no-store' },
      ifGeneration: version ?? NONE,
      signal,
      once: true,
    })
    return this.#version(stored.generation)
  }

  async delete(version: string, signal?: AbortSignal): Promise<void> {
    const query = { ifGenerationMatch: version }
    const request = { verb: 'delete', doing: 'delete lease', key: this.#key, method: 'DELETE', query, signal } as const
    try {
      await this.#connection.ask({ ...request, once: true })
    } catch (error) {
      if (refusalOf(error)?.isNoObject) return
      // An object that is gone has no generation to match.
      if (isStorageError(error, 'STORAGE_PRECONDITION_FAILED') && !(await this.get(signal))) return
      throw error
    }
  }

  #version(generation: string | null | undefined): string {
    if (generation) return generation
    const message = `Cannot use lease ${this.#key}: the server's answer has no generation`
    throw new StorageError('STORAGE_BAD_REPLY', message, { at: { key: this.#key } })
  }
}
