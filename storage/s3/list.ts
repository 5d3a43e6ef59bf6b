import { HeadObjectCommand, ListObjectsV2Command, type ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { formatTXID, parseFilename } from '../../ltx/index.ts'
import { StorageError } from '../errors.ts'
import { s3LevelPrefix } from '../keys.ts'
import { parseTimestamp } from '../timestamp.ts'
import type { ListOptions, LtxFileInfo } from '../types.ts'
import { abortable, type S3Connection } from './connection.ts'
import { s3Error } from './s3-error.ts'
import { customerKey } from './settings.ts'

export interface ListedObject {
  readonly key: string
  readonly size: number
  /** Milliseconds since the Unix epoch. */
  readonly lastModified: number
}

export interface PageOptions {
  readonly prefix: string
  /** Only keys that sort after this one. */
  readonly startAfter?: string
  readonly signal?: AbortSignal | undefined
}

/**
 * All objects below a prefix, page by page.
 * @throws StorageError STORAGE_BAD_REPLY if the server says "there is more" but not where: rather than an endless loop
 */
export async function* listPages(connection: S3Connection, options: PageOptions): AsyncGenerator<ListedObject[]> {
  const { client, settings } = connection
  const { prefix, signal } = options
  let token: string | undefined
  for (;;) {
    const input = {
      Bucket: settings.bucket,
      Prefix: prefix,
      ...(settings.listPageSize && { MaxKeys: settings.listPageSize }),
      ...(token === undefined
        ? options.startAfter && { StartAfter: options.startAfter }
        : { ContinuationToken: token }),
    }
    let page: ListObjectsV2CommandOutput
    try {
      page = await client.send(new ListObjectsV2Command(input), abortable(signal))
    } catch (error) {
      throw s3Error(error, { verb: 'list', key: prefix, settings, signal })
    }
    yield (page.Contents ?? []).map((object) => ({
      key: object.Key ?? '',
      size: object.Size ?? 0,
      lastModified: object.LastModified?.getTime() ?? 0,
    }))
    if (!page.IsTruncated) return
    const next = page.NextContinuationToken
    if (!next || next === token) {
      const message = `Cannot list s3://${settings.bucket}/${prefix}: the listing goes on but has no new continuation token`
      throw new StorageError('STORAGE_BAD_REPLY', message, { at: { bucket: settings.bucket, key: prefix } })
    }
    token = next
  }
}

/** Files of one level, ascending. */
export async function* listLevel(
  connection: S3Connection,
  level: number,
  options: ListOptions,
): AsyncGenerator<LtxFileInfo> {
  const { settings } = connection
  const { signal } = options
  const prefix = s3LevelPrefix(settings.path, level)
  const seek = options.seek ?? 0n
  // Names start with the min TXID, and a text sorts before all that continue it: nothing wanted is skipped.
  const startAfter = seek > 1n && !settings.directoryBucket ? prefix + formatTXID(seek) : undefined
  const pages = listPages(connection, { prefix, ...(startAfter && { startAfter }), signal })
  let last = ''
  for await (const page of settings.directoryBucket ? sorted(pages) : pages) {
    const files = page.flatMap((object) => ltxFile(object, prefix, level)).filter(({ info }) => info.minTXID >= seek)
    for (const { object } of files) {
      if (object.key <= last) throw unordered(settings.bucket, prefix)
      last = object.key
    }
    if (options.useMetadata) yield* await withTimestamps(connection, files, signal)
    else for (const { info } of files) yield info
  }
}

interface ListedFile {
  readonly object: ListedObject
  readonly info: LtxFileInfo
}

function ltxFile(object: ListedObject, prefix: string, level: number): ListedFile[] {
  const txids = object.key.startsWith(prefix) ? parseFilename(object.key.slice(prefix.length)) : undefined
  return txids ? [{ object, info: { level, ...txids, size: object.size, createdAt: object.lastModified } }] : []
}

/** A directory bucket lists in no particular order: all pages as one, sorted. */
async function* sorted(pages: AsyncIterable<ListedObject[]>): AsyncGenerator<ListedObject[]> {
  const all: ListedObject[] = []
  for await (const page of pages) all.push(...page)
  yield all.sort((a, b) => (a.key < b.key ? -1 : 1))
}

/** Replace each LastModified by the file's own timestamp; where that cannot be had, LastModified stays (facts 2.2). */
async function withTimestamps(
  { client, settings }: S3Connection,
  files: readonly ListedFile[],
  signal: AbortSignal | undefined,
): Promise<LtxFileInfo[]> {
  const infos = files.map(({ info }) => info)
  let next = 0
  const work = async (): Promise<void> => {
    while (next < files.length) {
      signal?.throwIfAborted()
      const index = next++
      const { object, info } = files[index]!
      const input = { Bucket: settings.bucket, Key: object.key, ...customerKey(settings) }
      const head = await client.send(new HeadObjectCommand(input), abortable(signal)).catch(() => undefined)
      const createdAt = parseTimestamp(head?.Metadata?.['litestream-timestamp'] ?? '')
      if (createdAt !== undefined) infos[index] = { ...info, createdAt }
    }
  }
  await Promise.all(Array.from({ length: Math.min(settings.metadataConcurrency, files.length) }, work))
  signal?.throwIfAborted()
  return infos
}

function unordered(bucket: string, prefix: string): StorageError {
  const message = `Cannot list s3://${bucket}/${prefix}: the server does not list in ascending order`
  return new StorageError('STORAGE_BAD_REPLY', message, { at: { bucket, key: prefix } })
}
