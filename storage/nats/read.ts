import { createHash } from 'node:crypto'
import type { ObjectInfo } from '@nats-io/obj'
import { emptyStream, ownedStream } from '../body.ts'
import { StorageError } from '../errors.ts'
import type { ByteStream, OpenOptions } from '../types.ts'
import { ChunkReader } from './chunk-reader.ts'
import type { NatsBucket } from './connect.ts'
import { type NatsErrorContext, natsError } from './nats-error.ts'
import { findObject } from './objects.ts'

/**
 * Open an object's bytes; undefined if there is no such object. Past its end there is nothing: an empty stream.
 * Whoever reads the whole gets an error at its end if the digest does not match.
 */
export async function readObject(
  bucket: NatsBucket,
  name: string,
  { offset = 0, size = 0 }: OpenOptions,
  context: NatsErrorContext,
): Promise<ByteStream | undefined> {
  let info: ObjectInfo | undefined
  try {
    info = await findObject(bucket, name)
  } catch (error) {
    throw natsError(error, context)
  }
  if (!info) return undefined
  const end = size > 0 ? Math.min(info.size, offset + size) : info.size
  if (offset >= end) return emptyStream()
  const chunks = new ChunkReader(bucket, info)
  const whole = offset === 0 && end === info.size ? createHash('sha256') : undefined
  let at = offset
  const next = async (): Promise<Uint8Array | undefined> => {
    try {
      while (at < end) {
        context.signal?.throwIfAborted()
        const chunk = await chunks.next(at)
        if (!chunk) throw shortRead(context, at, end)
        const bytes = chunk.bytes.subarray(at - chunk.offset, end - chunk.offset)
        if (bytes.length === 0) continue // it lies before what is wanted
        whole?.update(bytes)
        at += bytes.length
        return bytes
      }
    } catch (error) {
      throw natsError(error, context)
    }
    if (whole && whole.digest('base64url') !== plain(info.digest)) throw damaged(context)
    return undefined
  }
  return ownedStream(next, async () => {})
}

/** Clients differ in their base64. */
function plain(digest: string): string {
  return digest
    .replace(/^SHA-256=/, '')
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
}

/** It may have been replaced or deleted meanwhile. */
function shortRead({ bucket, key = '' }: NatsErrorContext, at: number, end: number): StorageError {
  const message = `Cannot read ${key} in ${bucket}: it ended after ${at} bytes where ${end} were expected`
  return new StorageError('STORAGE_SHORT_READ', message, { at: { bucket, key, offset: at } })
}

function damaged({ bucket, key = '' }: NatsErrorContext): StorageError {
  const message = `Cannot read ${key} in ${bucket}: its bytes do not match its digest; the object is damaged`
  return new StorageError('STORAGE_BAD_REPLY', message, { at: { bucket, key } })
}
