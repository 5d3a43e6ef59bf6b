import { StorageError } from '../errors.ts'
import {
  detectProvider,
  endpointHost,
  isPrivateHost,
  type ProviderDefaults,
  providerDefaults,
  type S3Provider,
  withScheme,
} from './provider.ts'

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface S3ReplicaOptions {
  /** What it is called: the client's `type`, and its URL's scheme. Default `s3`. */
  readonly scheme?: 's3' | 'oss'
  /** Name or access point ARN. */
  readonly bucket: string
  /** Prefix without a leading slash. Empty and `.` are as in facts 2.1. Default: empty. */
  readonly path?: string
  /** Default: asked from AWS where there is no endpoint, else us-east-1. */
  readonly region?: string
  /** URL or host of another S3 server. Default: AWS. */
  readonly endpoint?: string
  /** Default: recognised by the endpoint. */
  readonly provider?: S3Provider
  readonly forcePathStyle?: boolean
  /** Do not verify TLS certificates. */
  readonly skipVerify?: boolean
  readonly signPayload?: boolean
  readonly requireContentMD5?: boolean
  /** Parts uploaded together. */
  readonly concurrency?: number
  /** Bytes per part, at least 5 MiB. Smaller files are one PUT. */
  readonly partSize?: number
  readonly storageClass?: string
  readonly sseCustomerAlgorithm?: string
  /** Base64 of 32 bytes. */
  readonly sseCustomerKey?: string
  readonly sseCustomerKeyMD5?: string
  readonly sseKmsKeyId?: string
  /** Default: the AWS chain (environment, profile, roles). */
  readonly credentials?: S3Credentials
  /** Attempts per request, the first included. Default 10. */
  readonly maxAttempts?: number
  /** Longest silence of a connection before it is given up. Default 60 000. */
  readonly idleTimeoutMs?: number
  /** HEAD requests in flight for a listing with timestamps. Default 50. */
  readonly metadataConcurrency?: number
  /** Keys per LIST page, at most 1000. */
  readonly listPageSize?: number
  /** Environment that may name HTTP proxies, on runtimes that can use them (Node 24.5). */
  readonly proxyEnv?: Readonly<Record<string, string | undefined>>
  /** What to say on stderr of each request: `signing`, `request`, ... as in `LITESTREAM_S3_DEBUG`. */
  readonly debug?: readonly string[]
}

/** Checked options with every default filled in. */
export interface S3Settings extends Omit<S3ReplicaOptions, keyof ProviderDefaults>, ProviderDefaults {
  readonly scheme: 's3' | 'oss'
  readonly path: string
  readonly skipVerify: boolean
  readonly partSize: number
  readonly maxAttempts: number
  readonly idleTimeoutMs: number
  readonly metadataConcurrency: number
  /** S3 Express: lists in no order, knows no start-after and no MD5. */
  readonly directoryBucket: boolean
}

/** Smallest part S3 takes, and Litestream's default (facts 2.4). */
export const MIN_PART_SIZE = 5 * 1024 * 1024

/**
 * Check options and fill in defaults.
 * @throws StorageError STORAGE_BAD_OPTION
 */
export function resolveSettings(options: S3ReplicaOptions): S3Settings {
  const endpoint = options.endpoint ? withScheme(options.endpoint) : undefined
  const defaults = providerDefaults(options.provider ?? detectProvider(endpoint))
  const settings = {
    ...options,
    scheme: options.scheme ?? 's3',
    provider: defaults.provider,
    conditionalWrites: defaults.conditionalWrites,
    path: options.path ?? '',
    endpoint,
    signPayload: options.signPayload ?? defaults.signPayload,
    requireContentMD5: options.requireContentMD5 ?? defaults.requireContentMD5,
    forcePathStyle: options.forcePathStyle ?? defaults.forcePathStyle,
    skipVerify: options.skipVerify ?? false,
    concurrency: options.concurrency ?? defaults.concurrency,
    partSize: options.partSize ?? MIN_PART_SIZE,
    maxAttempts: options.maxAttempts ?? 10,
    idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
    metadataConcurrency: options.metadataConcurrency ?? 50,
    directoryBucket: options.bucket.endsWith('--x-s3'),
  }
  if (endpoint && !endpointHost(endpoint)) throw bad('its endpoint must be a host or URL, without a user or password')
  if (settings.bucket === '') throw bad('the bucket name is missing')
  if (!(settings.partSize >= MIN_PART_SIZE)) throw bad(`part size must be at least ${MIN_PART_SIZE} bytes (5 MiB)`)
  if (!(settings.concurrency >= 1)) throw bad('concurrency must be at least 1')
  const { endpoint: url, ...rest } = settings
  return { ...rest, ...(url === undefined ? {} : { endpoint: url }), ...checkEncryption(options, url) }
}

/** SSE-C and SSE-KMS rules of facts 2.4. */
function checkEncryption(options: S3ReplicaOptions, endpoint: string | undefined): { sseCustomerAlgorithm?: string } {
  const key = options.sseCustomerKey
  if (!key) return {}
  if (options.sseKmsKeyId) throw bad('sse-customer-key and sse-kms-key-id exclude each other')
  const algorithm = options.sseCustomerAlgorithm ?? 'AES256'
  if (algorithm !== 'AES256') throw bad(`sse-customer-algorithm must be AES256, not ${algorithm}`)
  const length = decodedLength(key)
  if (length === undefined) throw bad('sse-customer-key is not base64')
  if (length !== 32) throw bad(`sse-customer-key must be 32 bytes in base64, it has ${length}`)
  if (endpoint?.startsWith('http://') && !isPrivateHost(new URL(endpoint).host)) {
    throw bad('sse-customer-key needs an https endpoint: the key is sent with every request')
  }
  return { sseCustomerAlgorithm: algorithm }
}

function decodedLength(base64: string): number | undefined {
  try {
    return atob(base64).length
  } catch {
    return undefined
  }
}

function bad(why: string): StorageError {
  return new StorageError('STORAGE_BAD_OPTION', `Cannot use the s3 replica: ${why}`)
}

/** Request fields for reading and for addressing objects encrypted with a customer key. */
export function customerKey(settings: S3Settings): Record<string, string> {
  if (!settings.sseCustomerKey) return {}
  return {
    SSECustomerAlgorithm: settings.sseCustomerAlgorithm ?? 'AES256',
    SSECustomerKey: settings.sseCustomerKey,
    ...(settings.sseCustomerKeyMD5 ? { SSECustomerKeyMD5: settings.sseCustomerKeyMD5 } : {}),
  }
}

/** Request fields for writing objects encrypted with a customer key or with one of the server's. */
export function encryption(settings: S3Settings): Record<string, string> {
  const kms = settings.sseKmsKeyId && { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: settings.sseKmsKeyId }
  return { ...customerKey(settings), ...kms }
}
