import { StorageError } from '../errors.ts'
import { readLimited } from '../limited-body.ts'
import { chunksOf } from '../range-body.ts'
import { LEASE_LIMIT } from '../store-limits.ts'
import type { LeaseStore } from '../types.ts'
import type { NatsBucket } from './connect.ts'
import { type NatsErrorContext, natsError } from './nats-error.ts'
import { findObject, publishMeta, purgeChunks } from './objects.ts'
import { readObject } from './read.ts'
import { putObject } from './write.ts'

/** What a lease needs of its client. */
export interface LeaseAccess {
  bucket(signal: AbortSignal | undefined): Promise<NatsBucket>
  context(verb: string, key: string, signal: AbortSignal | undefined): NatsErrorContext
  readonly timeoutMs: number
}

/** A lease as the object `lock.json`; its version is the object's revision, which the server compares (facts 8.1). */
export class NatsLeaseStore implements LeaseStore {
  readonly #access: LeaseAccess
  readonly #key: string

  constructor(access: LeaseAccess, key: string) {
    this.#access = access
    this.#key = key
  }

  async get(signal?: AbortSignal): Promise<{ body: Uint8Array; version: string } | undefined> {
    const context = this.#access.context('read lease', this.#key, signal)
    const bucket = await this.#access.bucket(signal)
    for (;;) {
      const before = await this.#revision(bucket, context)
      if (before === undefined) return undefined
      try {
        const stream = await readObject(bucket, this.#key, signal ? { signal } : {}, context)
        const about = { key: this.#key, name: `${bucket.name} ${this.#key}`, signal }
        const limits = { idleTimeoutMs: this.#access.timeoutMs }
        const body = stream && (await readLimited(chunksOf(stream), LEASE_LIMIT, { ...about, ...limits }))
        // The body and the version must be of one moment.
        if (body && (await this.#revision(bucket, context)) === before) return { body, version: String(before) }
      } catch (error) {
        if ((await this.#revision(bucket, context)) === before) throw error
      }
    }
  }

  async put(body: Uint8Array, version: string | undefined, signal?: AbortSignal): Promise<string> {
    const context = this.#access.context('write lease', this.#key, signal)
    const { timeoutMs } = this.#access
    const only = version === undefined ? ('new' as const) : Number(version)
    const bucket = await this.#access.bucket(signal)
    const { revision } = await putObject(bucket, body, { name: this.#key, only, timeoutMs }, context)
    return String(revision)
  }

  async delete(version: string, signal?: AbortSignal): Promise<void> {
    const context = this.#access.context('delete lease', this.#key, signal)
    const bucket = await this.#access.bucket(signal)
    try {
      const info = await findObject(bucket, this.#key)
      if (!info) return
      if (String(info.revision) !== version) throw this.#lost(bucket)
      const { timeoutMs } = this.#access
      const gone = {
        name: this.#key,
        bucket: bucket.name,
        nuid: info.nuid,
        size: 0,
        chunks: 0,
        digest: '',
        deleted: true,
      }
      await publishMeta(bucket, { ...gone, mtime: new Date().toISOString() }, { revision: info.revision, timeoutMs })
      await purgeChunks(bucket, info.nuid).catch(() => {})
    } catch (error) {
      throw natsError(error, context)
    }
  }

  async #revision(bucket: NatsBucket, context: NatsErrorContext): Promise<number | undefined> {
    try {
      return (await findObject(bucket, this.#key))?.revision
    } catch (error) {
      throw natsError(error, context)
    }
  }

  #lost({ name }: NatsBucket): StorageError {
    const message = `The lease ${this.#key} in ${name} was changed by somebody else`
    return new StorageError('STORAGE_PRECONDITION_FAILED', message, { at: { bucket: name, key: this.#key } })
  }
}
