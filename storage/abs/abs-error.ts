import { StorageError } from '../errors.ts'
import { fillIn, type Meaning, networkMeaning } from '../meaning.ts'
import { ABS_BY_CODE, ABS_BY_STATUS } from './abs-meaning.ts'

export interface AbsErrorContext {
  /** What failed, for people: `read abs://container/key`. */
  readonly what: string
  readonly key: string
  readonly bucket: string
  readonly endpoint: string
}

interface SdkError {
  readonly name?: string
  readonly message?: string
  /** Azure's code, or Node's. */
  readonly code?: string
  readonly statusCode?: number
  readonly details?: { readonly errorCode?: string }
}

/** The SDK's names for an identity that was not found or does not count. */
const NO_IDENTITY = new Set([
  'CredentialUnavailableError',
  'ChainedTokenCredentialError',
  'AggregateAuthenticationError',
])

/** What a failed SDK call means. */
export function absError(error: unknown, { what, key, bucket, endpoint }: AbsErrorContext): StorageError {
  const status = (error as SdkError).statusCode
  const [code, text] = meaning(error as SdkError)
  const why = fillIn(text, { bucket, endpoint, code: absErrorCode(error), orElse: '' })
  return new StorageError(code, `Cannot ${what}: ${why}`, {
    at: { bucket, endpoint, key, ...(status !== undefined && { status }) },
    cause: error,
  })
}

/** Azure's word for an error, e.g. `BlobNotFound`, or Node's for a network failure; empty if there is none. */
export function absErrorCode(error: unknown): string {
  const { details, code } = (error ?? {}) as SdkError
  return details?.errorCode ?? code ?? ''
}

/** True for the error of a request about a blob that is not there (facts 2.7). */
export function isNoBlob(error: unknown): boolean {
  const cause = error instanceof StorageError ? error.cause : error
  const code = absErrorCode(cause)
  return code === 'BlobNotFound' || ((cause as SdkError | undefined)?.statusCode === 404 && !/^Container/.test(code))
}

function meaning(error: SdkError): Meaning {
  const code = absErrorCode(error)
  const known = Object.hasOwn(ABS_BY_CODE, code) ? ABS_BY_CODE[code] : networkMeaning(code)
  if (known) return known
  const { statusCode: status, name = '', message = '' } = error
  if (NO_IDENTITY.has(name)) {
    return [
      'STORAGE_NO_CREDENTIALS',
      'there are no credentials; set LITESTREAM_AZURE_ACCOUNT_KEY or LITESTREAM_AZURE_SAS_TOKEN, or an identity (AZURE_CLIENT_ID ...)',
    ]
  }
  if (name === 'AuthenticationError' || name === 'AuthenticationRequiredError') {
    return ['STORAGE_BAD_CREDENTIALS', `Azure does not know this identity (${oneLine(message)})`]
  }
  if (status !== undefined && ABS_BY_STATUS[status]) return ABS_BY_STATUS[status]
  const said = oneLine([status, code, message].filter((part) => part !== undefined && part !== '').join(', '))
  if (status !== undefined && status >= 500) return ['STORAGE_SERVER_ERROR', `the server failed (${said})`]
  if (status !== undefined && status >= 400) return ['STORAGE_REFUSED', `the server refused (${said})`]
  if (code === 'REQUEST_SEND_ERROR' || /socket hang up|aborted|premature close/i.test(message)) {
    return ['STORAGE_UNREACHABLE', `the connection to {endpoint} was lost (${said})`]
  }
  return ['STORAGE_BAD_REPLY', `{endpoint} did not answer like Azure (${said})`]
}

/** The first line says it all; what follows are the request's details. */
function oneLine(text: string): string {
  const line = text.split('\n')[0]!.replace(/\s+/g, ' ').trim()
  return line.length > 200 ? `${line.slice(0, 200)}...` : line
}
