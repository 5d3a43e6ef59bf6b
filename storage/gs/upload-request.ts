import type { GsConnection, GsRequest } from './connection.ts'

/** An object to be stored. */
export interface GsUpload {
  readonly key: string
  readonly doing: string
  /** As the API has it: `contentType`, `cacheControl`, `metadata`. */
  readonly resource: Readonly<Record<string, unknown>>
  /** The generation that it must have to be replaced; `0`: there must be none. */
  readonly ifGeneration?: string | undefined
  readonly signal: AbortSignal | undefined
  readonly once?: boolean
}

/** What the server says of a stored object. */
export interface StoredObject {
  readonly size: string
  readonly generation: string
}

/** What all requests that begin an upload have in common. */
export function uploadRequest(connection: GsConnection, upload: GsUpload, uploadType: string): GsRequest {
  const { key, doing, signal, once = false, ifGeneration } = upload
  return {
    verb: uploadType === 'multipart' ? 'put' : 'other',
    doing,
    key,
    method: 'POST',
    url: `/upload/storage/v1/b/${encodeURIComponent(connection.settings.bucket)}/o`,
    query: { uploadType, name: key, ifGenerationMatch: ifGeneration },
    signal,
    once,
  }
}
