import { concat } from '../body.ts'
import { BodySource } from '../body-source.ts'
import { StorageError } from '../errors.ts'
import type { ByteStream } from '../types.ts'
import type { GsConnection } from './connection.ts'
import { uploadParts } from './resumable.ts'
import { type GsUpload, type StoredObject, uploadRequest } from './upload-request.ts'

/**
 * Store an object: one request if it is small enough, else in parts. Returns its size.
 * @throws StorageError STORAGE_PRECONDITION_FAILED if it has not the generation that it must have
 */
export async function uploadObject(
  connection: GsConnection,
  body: Uint8Array | ByteStream,
  upload: GsUpload,
): Promise<number> {
  const { partSize } = connection.settings
  if (body instanceof Uint8Array && body.length <= partSize) return await putSmall(connection, body, upload)
  const source = new BodySource(body)
  try {
    const front = await source.takeFront(partSize)
    if (source.ended) return await putSmall(connection, front, upload)
    source.putBack(front)
    return checkSize(await uploadParts(connection, source, upload), upload)
  } catch (error) {
    await source.close()
    throw upload.signal?.aborted ? upload.signal.reason : error
  }
}

/** Store an object that is in memory, with its metadata, by one request. */
export async function putObject(connection: GsConnection, body: Uint8Array, upload: GsUpload): Promise<StoredObject> {
  const boundary = `litetap-${crypto.randomUUID()}`
  const text = (lines: string): Uint8Array => new TextEncoder().encode(lines.replaceAll('\n', '\r\n'))
  const { contentType } = upload.resource
  const json = 'Content-Type: application/json; charset=UTF-8'
  const front = `--${boundary}\n${json}\n\n${JSON.stringify(upload.resource)}\n--${boundary}\nContent-Type: ${contentType}\n\n`
  return await connection.askJson<StoredObject>({
    ...uploadRequest(connection, upload, 'multipart'),
    headers: { 'content-type': `multipart/related; boundary=${boundary}` },
    body: concat([text(front), body, text(`\n--${boundary}--\n`)]),
  })
}

async function putSmall(connection: GsConnection, body: Uint8Array, upload: GsUpload): Promise<number> {
  return checkSize({ stored: await putObject(connection, body, upload), size: body.length }, upload)
}

function checkSize(
  { stored, size }: { readonly stored: StoredObject; readonly size: number },
  { key }: GsUpload,
): number {
  if (Number(stored.size) === size) return size
  const message = `Cannot write ${key}: the server says that it has ${stored.size} bytes, not ${size}`
  throw new StorageError('STORAGE_BAD_REPLY', message, { at: { key } })
}
