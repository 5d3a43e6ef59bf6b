import type { OssSettings } from '../replica-settings.ts'
import { S3Replica } from '../s3/index.ts'
import { ossOptions } from './oss-options.ts'

/**
 * A replica on Alibaba Cloud OSS, by its S3-compatible API: `<path>/%04x/<name>` (facts 2.1, 2.5). Nothing is sent yet.
 * OSS has no conditional writes by that API: `createsExclusively` is false, and a lease cannot be held.
 *
 * @throws StorageError STORAGE_NO_CREDENTIALS, STORAGE_BAD_OPTION
 */
export function openOss(settings: OssSettings): S3Replica {
  return new S3Replica(ossOptions(settings))
}
