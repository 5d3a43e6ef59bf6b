// Loaded when it is needed: there has been an answer then, so there is a network.
import { CATALOG_NAME } from '../catalog.ts'
import { StorageError, type StorageErrorCode } from '../errors.ts'
import type { Meaning } from '../meaning.ts'
import type { HttpConnection } from './connection.ts'
import type { HttpErrorContext, StoreWords } from './http-error.ts'

const DENIED =
  'access is denied. A presigned URL or SAS token may have expired or not be for this object; stores also answer so ' +
  'where there is no such object and who asks may not list'

const BY_STATUS: Readonly<Record<number, readonly [StorageErrorCode, string]>> = {
  401: ['STORAGE_BAD_CREDENTIALS', 'the server wants credentials; give them as `headers`'],
  403: ['STORAGE_ACCESS_DENIED', DENIED],
  408: ['STORAGE_TIMEOUT', 'the server gave up waiting for the request'],
  429: ['STORAGE_THROTTLED', 'the server asks to slow down'],
  503: ['STORAGE_THROTTLED', 'the server is unavailable'],
}

/** What a reply means that is no answer. @param said by the store, with what it means there */
export function statusError(
  status: number,
  said: StoreWords,
  context: HttpErrorContext & { readonly verb: string; readonly meaning?: Meaning | undefined },
): StorageError {
  const known = context.meaning ?? BY_STATUS[status]
  const code = known?.[0] ?? (status >= 500 ? 'STORAGE_SERVER_ERROR' : 'STORAGE_REFUSED')
  const why = known?.[1] ?? (status >= 500 ? 'the server failed' : 'the server refused')
  const words = [String(status), said.code, said.text].filter((part) => part !== '').join(', ')
  const message = `Cannot ${context.verb} ${context.name}: ${why} (${words})`
  return new StorageError(code, message, { at: { key: context.key, endpoint: context.endpoint, status } })
}

/** A web page where a file was asked for. */
export function webPage({ name, key }: HttpErrorContext, status: number): StorageError {
  const message =
    `Cannot read ${name}: the server answers with a web page (text/html) instead. Hosts of single-page apps do that ` +
    'for every missing file, others to ask for a login: correct the URL, or exclude this path from the rewriting'
  return new StorageError('STORAGE_BAD_REPLY', message, { at: { key, status } })
}

/** A file that is not as long as its catalog says. */
export function changed({ name, key }: HttpErrorContext, fileSize: number, but: string): StorageError {
  const message =
    `Cannot read ${name}: by the catalog it has ${fileSize} bytes, but ${but}. LTX files never change: it was ` +
    'replaced or changed on its way, or the catalog is old; write it anew with `litetap catalog URL`'
  return new StorageError('STORAGE_BAD_REPLY', message, { at: { key } })
}

/** A web server without a catalog. */
export function noCatalog({ shown, root }: HttpConnection): StorageError {
  const message =
    `Cannot open ${shown}: there is no ${CATALOG_NAME} below it, and a web server cannot be asked what it has. ` +
    'Write one with `litetap catalog URL` (`litetap replicate -catalog` keeps it current), or correct the URL; ' +
    `if it is an S3 server, write s3://bucket/path?endpoint=${root.origin}`
  return new StorageError('STORAGE_NOT_FOUND', message, { at: { key: CATALOG_NAME } })
}
