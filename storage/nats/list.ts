import type { ObjectInfo } from '@nats-io/obj'
import { levelDir } from '../keys.ts'
import { type ListedObject, levelFiles } from '../listing.ts'
import { parseTimestamp } from '../timestamp.ts'
import type { ListOptions, LtxFileInfo } from '../types.ts'
import { within } from '../within.ts'
import type { NatsBucket } from './connect.ts'
import { type NatsErrorContext, natsError } from './nats-error.ts'

/** The header that keeps the LTX time (facts 2.2). */
export const TIMESTAMP_HEADER = 'Litestream-Timestamp'

/** A bucket is listed whole, however large it is. */
const LONGEST_MS = 120_000

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
  const late = (): unknown => Object.assign(new Error('the listing did not end'), { name: 'TimeoutError' })
  const infos = await within(bucket.store.list(), { ms: LONGEST_MS, signal, late }).catch((error) => {
    throw natsError(error, context)
  })
  // One that is replaced meanwhile comes twice: the later word counts.
  const objects = new Map(infos.filter(({ name }) => name.startsWith(prefix)).map((info) => [info.name, listed(info)]))
  yield [...objects.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
}

function listed(info: ObjectInfo): ListedObject {
  // What the watch gives is plain JSON, whatever its type says.
  const headers = info.headers as unknown as Readonly<Record<string, readonly string[]>> | undefined
  const own = parseTimestamp(headers?.[TIMESTAMP_HEADER]?.[0] ?? '')
  return { key: info.name, size: info.size, lastModified: own ?? (parseTimestamp(info.mtime) || 0) }
}
