import { HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { formatTXID } from '../../ltx/index.ts'
import { s3LevelPrefix } from '../keys.ts'
import {
  followPages,
  type ListedObject,
  type ListingPage,
  type ListingPlace,
  levelFiles,
  withTimestamps,
} from '../listing.ts'
import { parseTimestamp } from '../timestamp.ts'
import type { ListOptions, LtxFileInfo } from '../types.ts'
import { abortable, type S3Connection } from './connection.ts'
import { s3Error } from './s3-error.ts'
import { customerKey, type S3Settings } from './settings.ts'

export interface PageOptions {
  readonly prefix: string
  /** Only keys that sort after this one. */
  readonly startAfter?: string
  readonly signal?: AbortSignal | undefined
}

/**
 * All objects below a prefix, page by page.
 * @throws StorageError STORAGE_BAD_REPLY if the server says "there is more" but not where
 */
export function listPages(
  { client, settings }: S3Connection,
  options: PageOptions,
): AsyncGenerator<readonly ListedObject[]> {
  const { prefix, signal } = options
  const read = async (token: string | undefined): Promise<ListingPage> => {
    const input = {
      Bucket: settings.bucket,
      Prefix: prefix,
      ...(settings.listPageSize && { MaxKeys: settings.listPageSize }),
      ...(token === undefined
        ? options.startAfter && { StartAfter: options.startAfter }
        : { ContinuationToken: token }),
    }
    try {
      const page = await client.send(new ListObjectsV2Command(input), abortable(signal))
      const objects = (page.Contents ?? []).map((object) => ({
        key: object.Key ?? '',
        size: object.Size ?? 0,
        lastModified: object.LastModified?.getTime() ?? 0,
      }))
      return { objects, more: page.IsTruncated ?? false, next: page.NextContinuationToken }
    } catch (error) {
      throw s3Error(error, { verb: 'list', key: prefix, settings, signal })
    }
  }
  return followPages(read, placeOf(settings, prefix))
}

/** Files of one level, ascending. */
export async function* listLevel(
  connection: S3Connection,
  level: number,
  options: ListOptions,
): AsyncGenerator<LtxFileInfo> {
  const { client, settings } = connection
  const { signal } = options
  const prefix = s3LevelPrefix(settings.path, level)
  const seek = options.seek ?? 0n
  // Names start with the min TXID, and a text sorts before all that continue it: nothing wanted is skipped.
  const startAfter = seek > 1n && !settings.directoryBucket ? prefix + formatTXID(seek) : undefined
  const pages = listPages(connection, { prefix, ...(startAfter && { startAfter }), signal })
  const wanted = { level, prefix, seek, place: placeOf(settings, prefix) }
  const timestampOf = async ({ object }: { readonly object: ListedObject }): Promise<number | undefined> => {
    const input = { Bucket: settings.bucket, Key: object.key, ...customerKey(settings) }
    const head = await client.send(new HeadObjectCommand(input), abortable(signal)).catch(() => undefined)
    return parseTimestamp(head?.Metadata?.['litestream-timestamp'] ?? '')
  }
  for await (const files of levelFiles(settings.directoryBucket ? sorted(pages) : pages, wanted)) {
    if (!options.useMetadata) for (const { info } of files) yield info
    else yield* await withTimestamps(files, { concurrency: settings.metadataConcurrency, signal, timestampOf })
  }
}

function placeOf({ scheme, bucket }: S3Settings, prefix: string): ListingPlace {
  return { name: `${scheme}://${bucket}/${prefix}`, at: { bucket, key: prefix } }
}

/** A directory bucket lists in no particular order: all pages as one, sorted. */
async function* sorted(pages: AsyncIterable<readonly ListedObject[]>): AsyncGenerator<ListedObject[]> {
  const all: ListedObject[] = []
  for await (const page of pages) all.push(...page)
  yield all.sort((a, b) => (a.key < b.key ? -1 : 1))
}
