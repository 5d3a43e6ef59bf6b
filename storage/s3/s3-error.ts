import { isStorageError, StorageError } from '../errors.ts'
import { fillIn, type Meaning, networkMeaning } from '../meaning.ts'
import { ANSWER_MEANINGS } from './collect-answer.ts'
import { S3_BY_NAME, S3_BY_STATUS } from './s3-meaning.ts'

export interface S3ErrorContext {
  /** e.g. `list`, `read`. */
  readonly verb: string
  readonly key?: string
  readonly settings: {
    readonly scheme?: string
    readonly bucket: string
    readonly path?: string
    readonly endpoint?: string
  }
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
  const orElse = ', or use ?skip-verify=true'
  const why = fillIn(text, { bucket: settings.bucket, endpoint, code: String(sdk.code), orElse })
  const what = `${settings.scheme ?? 's3'}://${settings.bucket}/${context.key ?? settings.path ?? ''}`
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
  const { name = '', code = '' } = error
  const known = [ANSWER_MEANINGS, S3_BY_NAME].find((meanings) => Object.hasOwn(meanings, name))?.[name]
  if (known) return known
  const network = networkMeaning(code)
  if (network) return network
  if (error.name === 'TimeoutError') return ['STORAGE_TIMEOUT', '{endpoint} did not answer in time']
  if (status !== undefined && S3_BY_STATUS[status]) return S3_BY_STATUS[status]
  const said = oneLine(`${error.name}: ${error.message}`)
  if (status !== undefined && status >= 500) return ['STORAGE_SERVER_ERROR', `the server failed (${status}, ${said})`]
  if (status !== undefined && status >= 400) return ['STORAGE_REFUSED', `the server refused (${status}, ${said})`]
  if (error.name === 'Error' && error.message?.includes('socket hang up')) return networkMeaning('ECONNRESET')!
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
