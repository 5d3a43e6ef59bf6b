import { PutObjectCommand } from '@aws-sdk/client-s3'
import { type SidecarName, sidecarContentType, sidecarKey } from '../catalog.ts'
import { abortable, type S3Connection } from './connection.ts'
import { s3Error } from './s3-error.ts'
import { encryption } from './settings.ts'

/**
 * Replace the catalog or the page map: one PUT, so a reader sees the old one or the new one. The headers are for web servers
 * and caches in front of the bucket. Always of the standard storage class: the catalog is replaced at every commit.
 */
export async function writeSidecar(
  { client, settings }: S3Connection,
  name: SidecarName,
  body: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const key = sidecarKey(settings.path, name)
  const input = {
    Bucket: settings.bucket,
    Key: key,
    Body: body,
    ContentLength: body.length,
    ContentType: sidecarContentType(name),
    CacheControl: 'no-cache',
    ...encryption(settings),
  }
  try {
    await client.send(new PutObjectCommand(input), abortable(signal))
  } catch (error) {
    throw s3Error(error, { verb: 'write', key, settings, signal })
  }
}
