import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3'
import { StorageError } from '../errors.ts'
import { readLimited } from '../limited-body.ts'
import { WHOLE_BODY_MS } from '../limits.ts'
import { streamChunks } from '../range-body.ts'
import { LEASE_LIMIT } from '../store-limits.ts'
import type { LeaseStore } from '../types.ts'
import { isConditionUnsupported } from './conditional.ts'
import { abortable, type S3Connection } from './connection.ts'
import { s3Error, s3ErrorName, s3ErrorStatus } from './s3-error.ts'
import { customerKey, encryption } from './settings.ts'

/**
 * The lease object on S3 (facts 8.1), by conditional requests. A version is the object's ETag.
 *
 * Ceph RGW 16 compares If-Match as text with its unquoted ETag, AWS takes both forms, RFC 9110 asks for quotes. So it
 * is sent unquoted, and if that fails while the object still has the version, quoted from then on. Both requests are
 * conditional: at no point can somebody else's lease be overwritten.
 *
 * Ceph RGW 16 and MinIO ignore If-Match on DELETE; the version is looked at first, which leaves a small window there.
 */
export class S3LeaseStore implements LeaseStore {
  readonly #connection: S3Connection
  readonly #key: string
  #quoted = false

  constructor(connection: S3Connection, key: string) {
    this.#connection = connection
    this.#key = key
  }

  async get(signal?: AbortSignal): Promise<{ body: Uint8Array; version: string } | undefined> {
    const { client, settings } = this.#connection
    try {
      const input = { Bucket: settings.bucket, Key: this.#key, ...customerKey(settings) }
      const reply = await client.send(new GetObjectCommand(input), abortable(signal))
      const name = `${settings.scheme}://${settings.bucket}/${this.#key}`
      const { idleTimeoutMs } = settings
      const context = { key: this.#key, name, idleTimeoutMs, totalTimeoutMs: WHOLE_BODY_MS, signal }
      const body = await readLimited(streamChunks(reply.Body), LEASE_LIMIT, context)
      return { body, version: this.#version(reply.ETag) }
    } catch (error) {
      if (s3ErrorName(error) === 'NoSuchKey') return undefined
      throw this.#error(error, 'read', signal)
    }
  }

  async put(body: Uint8Array, version: string | undefined, signal?: AbortSignal): Promise<string> {
    const { settings } = this.#connection
    const input = {
      Bucket: settings.bucket,
      Key: this.#key,
      Body: body,
      ContentLength: body.length,
      ContentType: 'application/json',
      ...encryption(settings),
    }
    if (version === undefined) return this.#put({ ...input, IfNoneMatch: '*' }, signal)
    return this.#matching(version, (IfMatch) => this.#put({ ...input, IfMatch }, signal), signal)
  }

  async delete(version: string, signal?: AbortSignal): Promise<void> {
    const { client, settings } = this.#connection
    const current = await this.#currentVersion(signal)
    if (current === undefined) return
    if (current !== version) throw this.#lost()
    const remove = async (IfMatch: string): Promise<void> => {
      try {
        const input = { Bucket: settings.bucket, Key: this.#key, IfMatch }
        await client.send(new DeleteObjectCommand(input), abortable(signal))
      } catch (error) {
        if (s3ErrorStatus(error) === 404 && s3ErrorName(error) !== 'NoSuchBucket') return
        throw this.#error(error, 'delete', signal)
      }
    }
    await this.#matching(version, remove, signal)
  }

  async #put(input: PutObjectCommandInput, signal: AbortSignal | undefined): Promise<string> {
    try {
      const { ETag } = await this.#connection.client.send(new PutObjectCommand(input), abortable(signal))
      return this.#version(ETag)
    } catch (error) {
      // With If-Match, "no such key" is what a proper server says when the lease has gone.
      if (input.IfMatch && s3ErrorName(error) === 'NoSuchKey') throw this.#lost(error)
      if (isConditionUnsupported(error)) throw this.#unsupported(error)
      throw this.#error(error, 'write', signal)
    }
  }

  /** Run a request that needs If-Match in the form this server understands. */
  async #matching<T>(
    version: string,
    send: (ifMatch: string) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const form = (quoted: boolean): string => (quoted ? `"${version}"` : version)
    try {
      return await send(form(this.#quoted))
    } catch (error) {
      const code = error instanceof StorageError ? error.code : ''
      if (code !== 'STORAGE_PRECONDITION_FAILED' || (await this.#currentVersion(signal)) !== version) throw error
      const result = await send(form(!this.#quoted))
      this.#quoted = !this.#quoted
      return result
    }
  }

  async #currentVersion(signal: AbortSignal | undefined): Promise<string | undefined> {
    const { client, settings } = this.#connection
    try {
      const input = { Bucket: settings.bucket, Key: this.#key, ...customerKey(settings) }
      const { ETag } = await client.send(new HeadObjectCommand(input), abortable(signal))
      return this.#version(ETag)
    } catch (error) {
      if (s3ErrorStatus(error) === 404) return undefined
      throw this.#error(error, 'look at', signal)
    }
  }

  #version(etag: string | undefined): string {
    if (!etag) {
      throw new StorageError('STORAGE_BAD_REPLY', `Cannot use lease ${this.#key}: the server's answer has no ETag`)
    }
    return etag.replace(/^"(.*)"$/, '$1')
  }

  #error(error: unknown, verb: string, signal: AbortSignal | undefined): unknown {
    return s3Error(error, { verb: `${verb} lease`, key: this.#key, settings: this.#connection.settings, signal })
  }

  #lost(cause?: unknown): StorageError {
    const { scheme, bucket } = this.#connection.settings
    const message = `The lease ${scheme}://${bucket}/${this.#key} was changed by somebody else`
    return new StorageError('STORAGE_PRECONDITION_FAILED', message, { at: { key: this.#key }, cause })
  }

  #unsupported(cause: unknown): StorageError {
    const message = `Cannot hold lease ${this.#key}: this server has no conditional writes`
    return new StorageError('STORAGE_NO_CONDITIONAL_WRITES', message, { at: { key: this.#key }, cause })
  }
}
