import { isStorageError, StorageError, type StorageErrorCode } from '../errors.ts'
import type { S3Settings } from './settings.ts'

export interface S3ErrorContext {
  /** e.g. `list`, `read`. */
  readonly verb: string
  readonly key?: string
  readonly settings: S3Settings
  readonly signal?: AbortSignal | undefined
}

interface SdkError {
  readonly name?: string
  readonly message?: string
  /** Node's network error, or a TLS reason. */
  readonly code?: string
  readonly cause?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
}

type Meaning = readonly [StorageErrorCode, string]

/** What S3 servers say. `{bucket}` and `{endpoint}` are filled in. */
const BY_NAME: Readonly<Record<string, Meaning>> = {
  NoSuchBucket: ['STORAGE_NO_BUCKET', 'there is no bucket {bucket} at {endpoint}; create it or correct its name'],
  InvalidBucketName: ['STORAGE_NO_BUCKET', '{bucket} is not a valid bucket name'],
  InvalidAccessKeyId: ['STORAGE_BAD_CREDENTIALS', '{endpoint} does not know this access key ID'],
  SignatureDoesNotMatch: ['STORAGE_BAD_CREDENTIALS', 'the secret access key is wrong for this access key ID'],
  InvalidSignature: ['STORAGE_BAD_CREDENTIALS', 'the secret access key is wrong for this access key ID'],
  ExpiredToken: ['STORAGE_BAD_CREDENTIALS', 'the session token has expired; get new credentials'],
  InvalidToken: ['STORAGE_BAD_CREDENTIALS', 'the session token is not valid; get new credentials'],
  TokenRefreshRequired: ['STORAGE_BAD_CREDENTIALS', 'the session token must be renewed'],
  AccessDenied: ['STORAGE_ACCESS_DENIED', 'access to bucket {bucket} is denied; check the policy of the access key'],
  AllAccessDisabled: ['STORAGE_ACCESS_DENIED', 'access to bucket {bucket} has been disabled'],
  RequestTimeTooSkewed: ['STORAGE_CLOCK_SKEW', "this machine's clock differs too much from the server's; set it"],
  PermanentRedirect: ['STORAGE_WRONG_REGION', 'bucket {bucket} is in another region; give it as ?region=...'],
  AuthorizationHeaderMalformed: [
    'STORAGE_WRONG_REGION',
    'bucket {bucket} is in another region; give it as ?region=...',
  ],
  SlowDown: ['STORAGE_THROTTLED', 'the server asks to slow down'],
  ServiceUnavailable: ['STORAGE_THROTTLED', 'the server is unavailable'],
  RequestTimeout: ['STORAGE_TIMEOUT', 'the server gave up waiting for the request'],
  QuotaExceeded: ['STORAGE_NO_SPACE', 'the storage quota is used up'],
  EntityTooLarge: ['STORAGE_TOO_LARGE', 'the server does not take objects of this size'],
  PreconditionFailed: ['STORAGE_PRECONDITION_FAILED', 'it exists already or was changed by somebody else'],
  ConditionalRequestConflict: ['STORAGE_SERVER_ERROR', 'a conflicting write was going on'],
  OperationAborted: ['STORAGE_SERVER_ERROR', 'a conflicting operation was going on'],
  CredentialsProviderError: [
    'STORAGE_NO_CREDENTIALS',
    'there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or LITESTREAM_...), or a profile or role',
  ],
}

const BY_STATUS: Readonly<Record<number, Meaning>> = {
  301: BY_NAME.PermanentRedirect!,
  401: ['STORAGE_BAD_CREDENTIALS', 'the credentials were not accepted'],
  403: BY_NAME.AccessDenied!,
  408: BY_NAME.RequestTimeout!,
  412: BY_NAME.PreconditionFailed!,
  429: BY_NAME.SlowDown!,
  503: BY_NAME.ServiceUnavailable!,
  507: BY_NAME.QuotaExceeded!,
}

const BY_NETWORK_CODE: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: ['STORAGE_UNREACHABLE', 'nothing listens at {endpoint}; is the server running, is the port right?'],
  ENOTFOUND: ['STORAGE_UNREACHABLE', 'the host of {endpoint} is not known; check its spelling'],
  EAI_AGAIN: ['STORAGE_UNREACHABLE', 'the host of {endpoint} cannot be looked up now'],
  EHOSTUNREACH: ['STORAGE_UNREACHABLE', '{endpoint} cannot be reached'],
  ENETUNREACH: ['STORAGE_UNREACHABLE', '{endpoint} cannot be reached'],
  ECONNRESET: ['STORAGE_UNREACHABLE', 'the connection to {endpoint} was lost'],
  EPIPE: ['STORAGE_UNREACHABLE', 'the connection to {endpoint} was lost'],
  ETIMEDOUT: ['STORAGE_TIMEOUT', '{endpoint} did not answer in time'],
  EPROTO: ['STORAGE_TLS', '{endpoint} does not speak TLS as expected; is it http:// rather than https://?'],
  ERR_SSL_WRONG_VERSION_NUMBER: ['STORAGE_TLS', '{endpoint} does not speak TLS; use http://'],
}

const UNTRUSTED: Meaning = [
  'STORAGE_TLS',
  'the certificate of {endpoint} is not trusted ({code}); name its CA in NODE_EXTRA_CA_CERTS, or use ?skip-verify=true',
]

/**
 * What a failed SDK call means, as the error to throw.
 * A StorageError comes back as it is; after an abort it is the signal's reason.
 */
export function s3Error(error: unknown, context: S3ErrorContext): unknown {
  if (context.signal?.aborted) return context.signal.reason
  const stored = storageCause(error)
  if (stored) return stored
  const sdk = error as SdkError
  const { settings } = context
  const status = sdk.$metadata?.httpStatusCode
  const [code, text] = meaning(sdk, status)
  const endpoint = settings.endpoint ?? 'AWS S3'
  const why = text
    .replaceAll('{bucket}', settings.bucket)
    .replaceAll('{endpoint}', endpoint)
    .replaceAll('{code}', String(sdk.code))
  const what = `s3://${settings.bucket}/${context.key ?? settings.path}`
  return new StorageError(code, `Cannot ${context.verb} ${what}: ${why}`, {
    at: {
      bucket: settings.bucket,
      endpoint,
      ...(context.key !== undefined && { key: context.key }),
      ...(status !== undefined && { status }),
    },
    cause: error,
  })
}

/** The name S3 gives an error, e.g. `NoSuchKey`. */
export function s3ErrorName(error: unknown): string {
  return (error as SdkError | undefined)?.name ?? ''
}

export function s3ErrorStatus(error: unknown): number | undefined {
  return (error as SdkError | undefined)?.$metadata?.httpStatusCode
}

function meaning(error: SdkError, status: number | undefined): Meaning {
  const known = Object.hasOwn(BY_NAME, error.name ?? '') ? BY_NAME[error.name!] : undefined
  if (known) return known
  const code = error.code ?? ''
  if (Object.hasOwn(BY_NETWORK_CODE, code)) return BY_NETWORK_CODE[code]!
  if (/CERT|SIGNATURE|ERR_TLS/.test(code)) return UNTRUSTED
  if (error.name === 'TimeoutError') return ['STORAGE_TIMEOUT', '{endpoint} did not answer in time']
  if (status !== undefined && BY_STATUS[status]) return BY_STATUS[status]
  const said = oneLine(`${error.name}: ${error.message}`)
  if (status !== undefined && status >= 500) return ['STORAGE_SERVER_ERROR', `the server failed (${status}, ${said})`]
  if (status !== undefined && status >= 400) return ['STORAGE_REFUSED', `the server refused (${status}, ${said})`]
  if (error.name === 'Error' && error.message?.includes('socket hang up')) return BY_NETWORK_CODE.ECONNRESET!
  return ['STORAGE_BAD_REPLY', `{endpoint} did not answer like an S3 server (${said})`]
}

/** A StorageError thrown inside the SDK, e.g. while the region was looked up. */
function storageCause(error: unknown): unknown {
  for (let each = error, depth = 0; each && depth < 5; each = (each as SdkError).cause, depth++) {
    if (isStorageError(each)) return each
  }
  return undefined
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 200 ? `${line.slice(0, 200)}...` : line
}
