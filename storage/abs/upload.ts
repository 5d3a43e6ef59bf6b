import { BodySource } from '../body-source.ts'
import { StorageError } from '../errors.ts'
import type { ByteStream } from '../types.ts'
import type { AbsConnection } from './connection.ts'

/** A blob to be stored. */
export interface AbsUpload {
  readonly key: string
  readonly doing: string
  readonly contentType: string
  readonly cacheControl?: string
  readonly metadata?: Readonly<Record<string, string>>
  /** Of the account's kinds of storage; default: the account's own. */
  readonly tier?: 'Hot'
  /** The version that it must have to be replaced; `undefined`: there must be none. Absent: no condition. */
  readonly replaces?: { readonly version: string | undefined }
  readonly signal: AbortSignal | undefined
  readonly once?: boolean
}

/** Azure's limit. */
const MAX_BLOCKS = 50_000

/**
 * Store a blob: one request if it is small enough, else in blocks. Returns its size.
 * @throws StorageError STORAGE_PRECONDITION_FAILED if it has not the version that it must have
 */
export async function uploadBlob(
  connection: AbsConnection,
  body: Uint8Array | ByteStream,
  upload: AbsUpload,
): Promise<number> {
  const { blockSize } = connection.settings
  if (body instanceof Uint8Array && body.length <= blockSize) {
    await putBlob(connection, body, upload)
    return body.length
  }
  const source = new BodySource(body)
  try {
    const front = await source.takeFront(blockSize)
    if (!source.ended) {
      source.putBack(front)
      return await putBlocks(connection, source, upload)
    }
    await putBlob(connection, front, upload)
    return front.length
  } catch (error) {
    await source.close()
    throw upload.signal?.aborted ? upload.signal.reason : error
  }
}

/** Store a blob that is in memory by one request. Returns its version. */
export async function putBlob(connection: AbsConnection, body: Uint8Array, upload: AbsUpload): Promise<string> {
  const { key, doing, signal, once = false } = upload
  const { etag } = await connection.run({
    verb: 'put',
    doing,
    key,
    signal,
    once,
    bytes: body.length,
    send: (container, abortSignal) =>
      container.getBlockBlobClient(key).upload(asBuffer(body), body.length, { ...fields(upload), abortSignal }),
  })
  if (etag) return etag
  throw new StorageError('STORAGE_BAD_REPLY', `Cannot write ${key}: the server's answer has no ETag`, { at: { key } })
}

/**
 * Blocks one after the other from one buffer, then the list of them, which makes the blob. Until then there is nothing to be
 * seen, and what has been staged in vain is forgotten by Azure after a week.
 */
async function putBlocks(connection: AbsConnection, source: BodySource, upload: AbsUpload): Promise<number> {
  const { key, doing, signal } = upload
  const buffer = new Uint8Array(connection.settings.blockSize)
  // Of this upload alone: another one of the same blob, begun before, must not mix its blocks in.
  const prefix = crypto.randomUUID()
  const blocks: string[] = []
  let size = 0
  while (!source.ended) {
    const bytes = buffer.subarray(0, await source.fill(buffer))
    if (blocks.length === MAX_BLOCKS) throw tooLarge(key, buffer.length)
    const block = btoa(`${prefix}-${String(blocks.length).padStart(5, '0')}`)
    await connection.run({
      verb: 'put',
      doing,
      key,
      signal,
      bytes: bytes.length,
      patient: true,
      send: (container, abortSignal) =>
        container.getBlockBlobClient(key).stageBlock(block, asBuffer(bytes), bytes.length, { abortSignal }),
    })
    blocks.push(block)
    size += bytes.length
  }
  await connection.run({
    verb: 'other',
    doing,
    key,
    signal,
    patient: true,
    send: (container, abortSignal) =>
      container.getBlockBlobClient(key).commitBlockList(blocks, { ...fields(upload), abortSignal }),
  })
  return size
}

function fields({ contentType, cacheControl, metadata, tier, replaces }: AbsUpload) {
  const { version } = replaces ?? {}
  return {
    blobHTTPHeaders: { blobContentType: contentType, ...(cacheControl && { blobCacheControl: cacheControl }) },
    ...(metadata && { metadata: { ...metadata } }),
    ...(tier && { tier }),
    ...(replaces && { conditions: version === undefined ? { ifNoneMatch: '*' } : { ifMatch: version } }),
  }
}

/** The SDK takes bytes only as Node's. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

function tooLarge(key: string, blockSize: number): StorageError {
  const message = `Cannot write ${key}: it has more than ${MAX_BLOCKS} blocks of ${blockSize} bytes`
  return new StorageError('STORAGE_TOO_LARGE', message, { at: { key } })
}
