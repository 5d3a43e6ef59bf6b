import type { PubAck } from '@nats-io/jetstream'
import type { ObjectInfo } from '@nats-io/obj'
import { headers } from '@nats-io/transport-node'
import type { NatsBucket } from './connect.ts'

/** The key under which our objects say that every chunk but the last has the full size. Others' may be shorter. */
export const FULL_CHUNKS = 'litetap-full-chunks'

/** What the object store keeps of an object, as all NATS clients write it. */
export interface ObjectMeta {
  readonly name: string
  readonly bucket: string
  readonly nuid: string
  readonly size: number
  readonly chunks: number
  readonly digest: string
  readonly deleted: boolean
  readonly mtime: string
  readonly options?: { readonly max_chunk_size?: number }
  readonly headers?: Readonly<Record<string, readonly string[]>>
  readonly metadata?: Readonly<Record<string, string>>
}

export function chunkSubject({ name }: NatsBucket, nuid: string): string {
  return `$O.${name}.C.${nuid}`
}

export function metaSubject({ name }: NatsBucket, object: string): string {
  return `$O.${name}.M.${Buffer.from(object).toString('base64').replaceAll('+', '-').replaceAll('/', '_')}`
}

/** The object that a subject is about. */
export function objectOf(subject: string): string {
  return Buffer.from(subject.slice(subject.lastIndexOf('.') + 1), 'base64url').toString()
}

/** An object that is there. */
export async function findObject(bucket: NatsBucket, name: string): Promise<ObjectInfo | undefined> {
  const info = await bucket.store.info(name)
  return info === null || info.deleted ? undefined : info
}

/**
 * Replace what is kept of an object; with `revision` only if it is still that one (0: if there is none).
 * @returns the new revision
 */
export function publishMeta(
  bucket: NatsBucket,
  meta: ObjectMeta,
  { revision, timeoutMs }: { readonly revision: number | undefined; readonly timeoutMs: number },
): Promise<PubAck> {
  const head = headers()
  head.set('Nats-Rollup', 'sub')
  if (revision !== undefined) head.set('Nats-Expected-Last-Subject-Sequence', String(revision))
  return bucket.js.publish(metaSubject(bucket, meta.name), JSON.stringify(meta), { headers: head, timeout: timeoutMs })
}

/** Remove an object's bytes. */
export async function purgeChunks(bucket: NatsBucket, nuid: string): Promise<void> {
  await bucket.jsm.streams.purge(bucket.stream, { filter: chunkSubject(bucket, nuid) })
}
