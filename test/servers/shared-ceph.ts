import { randomBytes } from 'node:crypto'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { inject } from 'vitest'
import type { SharedCeph } from './global-setup.ts'

/** The S3 server of this run. @throws Error that says why there is none */
export function sharedCeph(): SharedCeph {
  const ceph = inject('ceph')
  if (!ceph) throw new Error("Add globalSetup: ['test/servers/global-setup.ts'] to the vitest configuration")
  if ('missing' in ceph) throw new Error(`No S3 server: ${ceph.missing}`)
  return ceph
}

/** An SDK client of the shared server, to look at and to disturb what the replica client does. */
export function rawClient(endpoint = sharedCeph().endpoint): S3Client {
  const { region, accessKeyId, secretAccessKey } = sharedCeph()
  return new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
}

/** A new, empty bucket. */
export async function newBucket(): Promise<string> {
  const Bucket = `test-${randomBytes(8).toString('hex')}`
  const client = rawClient()
  await client.send(new CreateBucketCommand({ Bucket }))
  client.destroy()
  return Bucket
}
