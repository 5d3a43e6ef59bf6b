import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { startCephS3 } from '../servers/ceph-s3.ts'
import { faultSuite } from './faults.ts'

faultSuite('s3', async () => {
  const { endpoint, region, accessKeyId, secretAccessKey, stop } = await startCephS3()
  const credentials = { accessKeyId, secretAccessKey }
  const admin = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
  await admin.send(new CreateBucketCommand({ Bucket: 'faults' }))
  admin.destroy()
  const settings = { type: 's3' as const, bucket: 'faults', path: 'app', region, credentials, idleTimeoutMs: 2000 }
  return {
    port: Number(new URL(endpoint).port),
    settings: (through) => ({ ...settings, endpoint: `http://127.0.0.1:${through}`, maxAttempts: 4 }),
    stop,
  }
})
