import { has, shown, text } from '../../arguments/index.ts'
import { formatTXID } from '../../ltx/index.ts'
import { emptyStream } from '../body.ts'
import { StorageError } from '../errors.ts'
import { s3Key, s3LevelPrefix } from '../keys.ts'
import { followPages, type ListingPage, levelFiles } from '../listing.ts'
import { rangeBody, webChunks } from '../range-body.ts'
import { ReadOnlyReplica } from '../read-only.ts'
import { parseTimestamp } from '../timestamp.ts'
import type { ByteStream, ListOptions, LtxFileInfo, LtxFileName, OpenOptions, ReplicaClient } from '../types.ts'

/** What is used of a bucket that is bound to a Worker. */
export interface R2BucketLike {
  get(key: string, options: { range: { offset: number; length?: number } }): Promise<R2ObjectLike | null>
  head(key: string): Promise<{ readonly size: number } | null>
  list(options: {
    prefix: string
    startAfter?: string
    cursor?: string
    include?: ('httpMetadata' | 'customMetadata')[]
  }): Promise<R2PageLike>
}

export interface R2ObjectLike {
  /** Of the whole object. */
  readonly size: number
  readonly body: ReadableStream<Uint8Array>
}

export interface R2PageLike {
  readonly objects: readonly {
    readonly key: string
    readonly size: number
    readonly uploaded: Date
    readonly customMetadata?: Readonly<Record<string, string>>
  }[]
  readonly truncated: boolean
  readonly cursor?: string
}

const IDLE_TIMEOUT_MS = 30_000

/**
 * A replica in an R2 bucket that is bound to a Worker: read-only, without keys and without CORS.
 *
 * @param path as in `s3://bucket/path`, by which Litestream and litetap write to R2
 * @throws StorageError STORAGE_BAD_OPTION for what is no bucket, as a binding that is missing
 */
export function r2Replica(bucket: R2BucketLike, path: string): R2Replica {
  const complaint = has(bucket, 'get', 'head', 'list')
    ? text(path, 'the path')
    : `the bucket must be a binding of R2, but is ${shown(bucket)}`
  if (complaint !== undefined) throw new StorageError('STORAGE_BAD_OPTION', `Cannot open a replica: ${complaint}`)
  return new R2Replica(bucket, path)
}

/** @see r2Replica */
export class R2Replica extends ReadOnlyReplica implements ReplicaClient {
  readonly #bucket: R2BucketLike
  readonly #path: string

  constructor(bucket: R2BucketLike, path: string) {
    super('r2', `r2:${path}`)
    this.#bucket = bucket
    this.#path = path
  }

  async *list(level: number, options: ListOptions = {}): AsyncIterable<LtxFileInfo> {
    const { seek = 0n, useMetadata, signal } = options
    this.check(signal)
    const prefix = s3LevelPrefix(this.#path, level)
    const place = { name: `r2:${prefix}`, at: { key: prefix } }
    /** Of the page that was read last. */
    let timestamps = new Map<string, number>()
    const read = async (cursor: string | undefined): Promise<ListingPage> => {
      const page = await this.#ask('list', prefix, () =>
        this.#bucket.list({
          prefix,
          ...(cursor !== undefined ? { cursor } : seek > 1n && { startAfter: prefix + formatTXID(seek) }),
          ...(useMetadata && { include: ['customMetadata'] }),
        }),
      )
      signal?.throwIfAborted()
      timestamps = new Map(page.objects.flatMap(({ key, customMetadata }) => ownTimestamp(key, customMetadata)))
      const objects = page.objects.map(({ key, size, uploaded }) => ({ key, size, lastModified: uploaded.getTime() }))
      return { objects, more: page.truncated, next: page.cursor }
    }
    for await (const files of levelFiles(followPages(read, place), { level, prefix, seek, place })) {
      for (const { object, info } of files) yield { ...info, createdAt: timestamps.get(object.key) ?? info.createdAt }
    }
  }

  async open(file: LtxFileName, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    const { offset = 0, size = 0, signal } = options
    this.check(signal)
    const key = s3Key(this.#path, file)
    const range = { offset, ...(size > 0 && { length: size }) }
    let object: R2ObjectLike | null
    try {
      object = await this.#ask('read', key, () => this.#bucket.get(key, { range }))
    } catch (error) {
      // It throws for a range past the end, and says so in words only.
      const head = await this.#bucket.head(key).catch(() => null)
      if (head && offset >= head.size) return emptyStream()
      throw error
    }
    if (!object) return undefined
    const rest = Math.max(0, object.size - offset)
    const plan = { skip: 0, take: size > 0 ? Math.min(size, rest) : rest, toEnd: true }
    const context = { key, name: `r2:${key}`, offset, size, idleTimeoutMs: IDLE_TIMEOUT_MS, signal }
    return rangeBody(webChunks(object.body), plan, context)
  }

  /** R2's own failures are of the network or the service: it is worth asking again. */
  async #ask<T>(verb: string, key: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (cause) {
      const said = cause instanceof Error ? cause.message : String(cause)
      throw new StorageError('STORAGE_SERVER_ERROR', `Cannot ${verb} r2:${key}: ${said}`, { at: { key }, cause })
    }
  }
}

function ownTimestamp(key: string, metadata: Readonly<Record<string, string>> | undefined): [string, number][] {
  const timestamp = parseTimestamp(metadata?.['litestream-timestamp'] ?? '')
  return timestamp === undefined ? [] : [[key, timestamp]]
}
