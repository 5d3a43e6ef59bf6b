import type { S3ReplicaSettings } from '../replica-settings.ts'
import { S3Replica } from './s3-replica.ts'

/**
 * A replica on S3. Nothing is sent yet.
 * @throws StorageError STORAGE_BAD_OPTION, also for a key file that cannot be read
 */
export async function openS3(settings: S3ReplicaSettings): Promise<S3Replica> {
  const { type: _, sseCustomerKeyPath: path, ...options } = settings
  if (!path) return new S3Replica(options)
  const { readSecret } = await import('../file/read-secret.ts')
  return new S3Replica({ ...options, sseCustomerKey: await readSecret(path, 'sse-customer-key') })
}
