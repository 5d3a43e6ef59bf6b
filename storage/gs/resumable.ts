import { retried } from '../backoff.ts'
import type { BodySource } from '../body-source.ts'
import { isStorageError, StorageError } from '../errors.ts'
import { PATIENT_ATTEMPTS } from '../requests.ts'
import type { GsConnection, GsRequest } from './connection.ts'
import { type GsUpload, type StoredObject, uploadRequest } from './upload-request.ts'

const CREATED = [200, 201]
/** "Resume Incomplete": the server wants more. */
const INCOMPLETE = 308

interface Part {
  readonly bytes: Uint8Array
  /** Of its first byte in the object. */
  readonly offset: number
  readonly isLast: boolean
}

/**
 * Upload an object in parts, one after the other, from one buffer of `settings.partSize`. A part that did not arrive is sent
 * again from where the server stands. After a failure, an abort included, the upload is cancelled: nothing stays behind.
 *
 * @see https://cloud.google.com/storage/docs/performing-resumable-uploads#chunked-upload
 */
export async function uploadParts(
  connection: GsConnection,
  source: BodySource,
  upload: GsUpload,
): Promise<{ readonly stored: StoredObject; readonly size: number }> {
  const session = await begin(connection, upload)
  const buffer = new Uint8Array(connection.settings.partSize)
  try {
    for (let offset = 0; ; ) {
      const bytes = buffer.subarray(0, await source.fill(buffer))
      const stored = await sendPart(connection, session, { bytes, offset, isLast: source.ended })
      offset += bytes.length
      if (stored) return { stored, size: offset }
    }
  } catch (error) {
    // Without the signal: cleaning up is wanted even after an abort. Google forgets it after a week in any case.
    await connection.ask({ ...session, verb: 'other', method: 'DELETE', once: true, signal: undefined }).catch(() => {})
    throw error
  }
}

async function begin(connection: GsConnection, upload: GsUpload): Promise<GsRequest> {
  const { reply } = await connection.ask({
    ...uploadRequest(connection, upload, 'resumable'),
    patient: true,
    headers: { 'content-type': 'application/json' },
    body: new TextEncoder().encode(JSON.stringify(upload.resource)),
  })
  const url = reply.headers.get('location')
  if (!url) throw badReply(upload.key, 'has no Location')
  return { verb: 'put', method: 'PUT', doing: upload.doing, key: upload.key, url, signal: upload.signal, once: true }
}

/** @returns the stored object after the last part */
async function sendPart(connection: GsConnection, session: GsRequest, part: Part): Promise<StoredObject | undefined> {
  const { bytes, offset, isLast } = part
  const end = offset + bytes.length
  const total = isLast ? String(end) : '*'
  let arrived = offset
  let asks = false
  // Each round is one request: a part's bytes, or after a failure the question how far they came.
  const round = async (): Promise<StoredObject | 'arrived' | 'more'> => {
    const rest = bytes.subarray(arrived - offset)
    const range = asks || rest.length === 0 ? `bytes */${total}` : `bytes ${arrived}-${end - 1}/${total}`
    const request = { ...session, headers: { 'content-range': range }, answers: [INCOMPLETE] }
    try {
      const { reply, body } = await connection.ask({ ...request, body: asks ? new Uint8Array(0) : rest })
      asks = false
      if (CREATED.includes(reply.status)) return JSON.parse(new TextDecoder().decode(body)) as StoredObject
      arrived = arrivedAt(reply)
      if (arrived < offset || arrived > end) throw badReply(session.key, `speaks of ${arrived} bytes of ${end}`)
      return arrived === end && !isLast ? 'arrived' : 'more'
    } catch (error) {
      if (isStorageError(error) && error.retryable) asks = true
      throw error
    }
  }
  for (let standstill = 0; ; ) {
    const before = arrived
    const result = await retried({ attempts: PATIENT_ATTEMPTS, ...connection.settings.retry }, session.signal, round)
    if (result === 'arrived') return undefined
    if (result !== 'more') return result
    standstill = arrived > before ? 0 : standstill + 1
    if (standstill > 3) throw badReply(session.key, `wants more than the ${end} bytes there are`)
  }
}

/** How many bytes the server has. */
function arrivedAt(reply: Response): number {
  const range = /^bytes=0-(\d+)$/.exec(reply.headers.get('range') ?? '')
  return range ? Number(range[1]) + 1 : 0
}

function badReply(key: string, what: string): StorageError {
  return new StorageError('STORAGE_BAD_REPLY', `Cannot write ${key}: the server's answer ${what}`, { at: { key } })
}
