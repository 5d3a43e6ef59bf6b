import type { NatsBucket } from './connect.ts'
import { type NatsErrorContext, natsError } from './nats-error.ts'
import { metaSubject, purgeChunks } from './objects.ts'

/**
 * Delete an object; an absent one is fine. Unlike the object store's own deletion this leaves no marker, which every
 * later listing would have to read.
 */
export async function deleteObject(bucket: NatsBucket, name: string, context: NatsErrorContext): Promise<void> {
  try {
    const info = await bucket.store.info(name)
    if (!info) return
    await bucket.jsm.streams.purge(bucket.stream, { filter: metaSubject(bucket, name) })
    await purgeChunks(bucket, info.nuid)
  } catch (error) {
    throw natsError(error, context)
  }
}

/** Empty the bucket. There is no path below it: it is one replica's (facts 2.10). */
export async function emptyBucket(bucket: NatsBucket, context: NatsErrorContext): Promise<void> {
  try {
    await bucket.jsm.streams.purge(bucket.stream)
  } catch (error) {
    throw natsError(error, context)
  }
}
