import { StorageError } from '../errors.ts'
import type { OssSettings } from '../replica-settings.ts'
import { MIN_PART_SIZE, type S3ReplicaOptions } from '../s3/settings.ts'

const DEFAULT_REGION = 'cn-hangzhou'
/** Of Alibaba's own uploader (facts 2.5). */
const CONCURRENCY = 3

/**
 * How OSS is reached by its S3-compatible API (docs/decisions/0012).
 * @throws StorageError STORAGE_NO_CREDENTIALS: the AWS chain's keys would be of no use
 */
export function ossOptions(settings: OssSettings): S3ReplicaOptions {
  const { bucket, path, accessKeyId, accessKeySecret, sessionToken } = settings
  if (!accessKeyId || !accessKeySecret) {
    const why = 'there are no credentials; set OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET'
    throw new StorageError('STORAGE_NO_CREDENTIALS', `Cannot open oss://${bucket}/${path}: ${why}`, { at: { bucket } })
  }
  const region = (settings.region || DEFAULT_REGION).replace(/^oss-/, '')
  return {
    scheme: 'oss',
    provider: 'oss',
    bucket,
    path,
    region,
    endpoint: s3Endpoint(settings.endpoint || `oss-${region}.aliyuncs.com`),
    credentials: { accessKeyId, secretAccessKey: accessKeySecret, ...(sessionToken && { sessionToken }) },
    concurrency: settings.concurrency ?? CONCURRENCY,
    ...(settings.maxAttempts && { maxAttempts: settings.maxAttempts }),
    // OSS takes smaller parts, S3's rules do not; the object is the same.
    partSize: Math.max(settings.partSize ?? 0, MIN_PART_SIZE),
  }
}

/** `[https://]oss-cn-hangzhou[-internal].aliyuncs.com` speaks OSS's own protocol, `s3.oss-...` S3's. */
function s3Endpoint(endpoint: string): string {
  return endpoint.replace(/^(https?:\/\/)?(oss-[^./]+\.aliyuncs\.com)/i, '$1s3.$2')
}
