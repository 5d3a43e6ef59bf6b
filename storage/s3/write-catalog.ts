import { PutObjectCommand } from '@aws-sdk/client-s3'
import { abortable, type S3Connection } from './connection.ts'
import { s3Error } from './s3-error.ts'
import { encryption } from './settings.ts'

/**
 * Replace the catalog: one PUT, so a reader sees the old one or the new one. The headers are for web servers and caches
 * in front of the bucket. Always of the standard storage class: it is replaced at every commit.
 */
export async function writeCatalog(
  { client, settings }: S3Connection,
  key: string,
  body: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const input = {
    Bucket: settings.bucket,
    Key: key,
    Body: body,
    ContentLength: body.length,
    ContentType: 'application/json',
    CacheControl: 'no-cache',
    ...encryption(settings),
  }
  try {
    await client.send(new PutObjectCommand(input), abortable(signal))
  } catch (error) {
    throw s3Error(error, { verb: 'write', key, settings, signal })
  }
}
