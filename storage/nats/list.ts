import type { ObjectInfo } from '@nats-io/obj'
import type { MsgHdrs } from '@nats-io/transport-node'
import { StorageError } from '../errors.ts'
import { levelDir } from '../keys.ts'
import { MAX_FILES, TOO_MANY_HINT } from '../limits.ts'
import { type ListedObject, levelFiles } from '../listing.ts'
import { parseTimestamp } from '../timestamp.ts'
import type { ListOptions, LtxFileInfo } from '../types.ts'
import { within } from '../within.ts'
import type { NatsBucket } from './connect.ts'
import { type NatsErrorContext, natsError } from './nats-error.ts'
import { objectOf } from './objects.ts'

/** The header that keeps the LTX time (facts 2.2). */
export const TIMESTAMP_HEADER = 'Litestream-Timestamp'

/** As many may have come since the listing began; more are a listing that is not whole. */
const NEWCOMERS = 16

/** A bucket is listed whole, however large it is. */
const LONGEST_MS = 120_000

/** All levels, and what was deleted. */
const MAX_BUCKET_OBJECTS = 2 * MAX_FILES

/** Files of one level, ascending, each with its own time. The bucket is listed whole: it has no prefixes (facts 2.3). */
export async function* listLevel(
  bucket: NatsBucket,
  { level, seek = 0n }: ListOptions & { readonly level: number },
  context: NatsErrorContext,
): AsyncGenerator<LtxFileInfo> {
  const prefix = `${levelDir('', level)}/`
  const place = { name: `${context.server}/${bucket.name} ${prefix}`, at: { bucket: bucket.name, key: prefix } }
  for await (const files of levelFiles(listBucket(bucket, prefix, context), { level, prefix, seek, place })) {
    for (const { info } of files) yield info
  }
}

/** The objects whose names start with a prefix, ascending, as one page. */
async function* listBucket(
  bucket: NatsBucket,
  prefix: string,
  context: NatsErrorContext,
): AsyncGenerator<readonly ListedObject[]> {
  const { signal } = context
  const infos = await within(readNewest(bucket, prefix), { ms: LONGEST_MS, signal, late: silence }).catch((error) => {
    throw natsError(error, context)
  })
  const objects = infos.filter(({ deleted }) => !deleted).map(listed)
  yield objects.sort((a, b) => (a.key < b.key ? -1 : 1))
}

/**
 * The last word on every object below a prefix, deletions included. The client's listing ends early, without an error, when
 * the connection breaks: only the stream's own account of its subjects tells whether it is whole.
 * @throws StorageError STORAGE_SHORT_READ if it is not
 */
async function readNewest(bucket: NatsBucket, prefix: string): Promise<ObjectInfo[]> {
  const { store, jsm, stream, name } = bucket
  const newest = new Map<string, ObjectInfo>()
  // As `store.list()` does it, which leaves deletions out: they could not be told from what is missing.
  const options = { includeHistory: true, ignoreDeletes: false, historyOnly: true }
  const watch = await store.watch(options)
  const words = watch[Symbol.asyncIterator]()
  try {
    // Nothing else tells of a connection that broke meanwhile.
    for (;;) {
      const { done, value } = await within(words.next(), { ms: bucket.timeoutMs, late: silence })
      if (done) break
      newest.set(value.name, value)
      if (newest.size > MAX_BUCKET_OBJECTS) throw tooMany(bucket)
    }
  } finally {
    watch.stop()
  }
  const { state } = await jsm.streams.info(stream, { subjects_filter: `$O.${name}.M.>` })
  const names = Object.keys(state.subjects ?? {}).map(objectOf)
  const missing = names.filter((each) => each.startsWith(prefix) && !newest.has(each))
  if (missing.length > NEWCOMERS) throw incomplete(bucket, prefix)
  for (const each of missing) {
    const info = await store.info(each)
    if (info) newest.set(each, info)
  }
  return [...newest.values()].filter((info) => info.name.startsWith(prefix))
}

function tooMany({ name }: NatsBucket): StorageError {
  const message = `Cannot list ${name}: it has more than ${MAX_BUCKET_OBJECTS} objects; ${TOO_MANY_HINT}`
  return new StorageError('STORAGE_TOO_LARGE', message, { at: { bucket: name } })
}

function silence(): unknown {
  return Object.assign(new Error('the listing did not go on'), { name: 'TimeoutError' })
}

function incomplete({ name }: NatsBucket, prefix: string): StorageError {
  const message = `Cannot list ${prefix} in ${name}: the listing ended early, the connection was lost`
  return new StorageError('STORAGE_SHORT_READ', message, { at: { bucket: name, key: prefix } })
}

function listed(info: ObjectInfo): ListedObject {
  // What the watch gives is plain JSON, whatever its type says; `info` gives what the type says.
  const { headers } = info as { headers?: MsgHdrs | Readonly<Record<string, readonly string[]>> }
  const text = isHeaders(headers) ? headers.get(TIMESTAMP_HEADER) : headers?.[TIMESTAMP_HEADER]?.[0]
  const own = parseTimestamp(text ?? '')
  return { key: info.name, size: info.size, lastModified: own ?? (parseTimestamp(info.mtime) || 0) }
}

function isHeaders(headers: MsgHdrs | object | undefined): headers is MsgHdrs {
  return headers !== undefined && 'get' in headers && typeof headers.get === 'function'
}
