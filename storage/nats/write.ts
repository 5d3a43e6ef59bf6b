import { createHash } from 'node:crypto'
import { nuid as nuids } from '@nats-io/transport-node'
import { BodySource } from '../body-source.ts'
import { StorageError } from '../errors.ts'
import type { ByteStream } from '../types.ts'
import type { NatsBucket } from './connect.ts'
import { isConflict, type NatsErrorContext, natsError } from './nats-error.ts'
import { chunkSubject, FULL_CHUNKS, type ObjectMeta, publishMeta, purgeChunks } from './objects.ts'

/** As every NATS client has it. */
const CHUNK_SIZE = 128 * 1024
/** Chunks under way together: what hides the round trips, and bounds the memory. */
const CONCURRENT_CHUNKS = 8

export interface ObjectWrite {
  /** Object name. */
  readonly name: string
  readonly headers?: Readonly<Record<string, string>>
  /** `new`: only if there is none; a number: only if it still has that revision. */
  readonly only?: 'new' | number
  readonly timeoutMs: number
}

/** What was stored. */
export interface ObjectWritten {
  readonly size: number
  readonly revision: number
}

/**
 * Store an object: its chunks, then, in one message, what makes them an object; only then it is visible, and whole.
 * The chunks of a failed write are removed, unless it cannot be known that it failed.
 * @throws StorageError STORAGE_PRECONDITION_FAILED if `only` does not hold
 */
export async function putObject(
  bucket: NatsBucket,
  body: Uint8Array | ByteStream,
  write: ObjectWrite,
  context: NatsErrorContext,
): Promise<ObjectWritten> {
  const source = new BodySource(body)
  const nuid = nuids.next()
  let unsure = false
  try {
    const old = await bucket.store.info(write.name)
    const revision = expected(write.only, old, context)
    const sent = await sendChunks(bucket, nuid, source, { timeoutMs: write.timeoutMs, signal: context.signal })
    unsure = true
    const meta = { ...sent, ...describe(bucket, nuid, write) }
    const ack = await publishMeta(bucket, meta, { revision, timeoutMs: write.timeoutMs }).catch((error) => {
      unsure = !isConflict(error)
      throw error
    })
    // What it replaced is nobody's any more; that it could not be removed costs space only.
    if (old) await purgeChunks(bucket, old.nuid).catch(() => {})
    return { size: sent.size, revision: ack.seq }
  } catch (error) {
    await source.close()
    if (!unsure) await purgeChunks(bucket, nuid).catch(() => {})
    throw natsError(error, context)
  }
}

/** The revision that the object must have: of its last word, a deletion included. */
function expected(
  only: ObjectWrite['only'],
  old: { readonly deleted: boolean; readonly revision: number } | null,
  { bucket, key }: NatsErrorContext,
): number | undefined {
  if (only !== 'new') return only
  if (!old) return 0
  if (old.deleted) return old.revision
  throw new StorageError('STORAGE_PRECONDITION_FAILED', `${key} exists already in ${bucket}`, {
    at: { bucket, key: key ?? '' },
  })
}

function describe(
  bucket: NatsBucket,
  nuid: string,
  { name, headers }: ObjectWrite,
): Omit<ObjectMeta, 'size' | 'chunks' | 'digest'> {
  return {
    name,
    bucket: bucket.name,
    nuid,
    options: { max_chunk_size: chunkSize(bucket) },
    mtime: new Date().toISOString(),
    deleted: false,
    metadata: { [FULL_CHUNKS]: '1' },
    ...(headers && { headers: Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, [value]])) }),
  }
}

async function sendChunks(
  bucket: NatsBucket,
  nuid: string,
  source: BodySource,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
): Promise<Pick<ObjectMeta, 'size' | 'chunks' | 'digest'>> {
  const hash = createHash('sha256')
  const subject = chunkSubject(bucket, nuid)
  const coming = new Set<Promise<void>>()
  let failure: { readonly error: unknown } | undefined
  let [size, chunks] = [0, 0]
  try {
    while (!source.ended && !failure) {
      signal?.throwIfAborted()
      const buffer = new Uint8Array(chunkSize(bucket))
      const chunk = buffer.subarray(0, await source.fill(buffer))
      if (chunk.length === 0) break
      hash.update(chunk)
      const sent: Promise<void> = bucket.js
        .publish(subject, chunk, { timeout: timeoutMs })
        .then(
          () => {},
          (error) => {
            failure ??= { error }
          },
        )
        .finally(() => coming.delete(sent))
      coming.add(sent)
      size += chunk.length
      chunks += 1
      if (coming.size >= CONCURRENT_CHUNKS) await Promise.race(coming)
    }
  } finally {
    await Promise.all(coming) // none may arrive after they were removed
  }
  signal?.throwIfAborted()
  if (failure) throw failure.error
  const digest = hash.digest('base64').replaceAll('+', '-').replaceAll('/', '_')
  return { size, chunks, digest: `SHA-256=${digest}` }
}

function chunkSize({ connection }: NatsBucket): number {
  return Math.min(CHUNK_SIZE, connection.info?.max_payload ?? CHUNK_SIZE)
}
