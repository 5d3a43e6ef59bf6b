import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { S3Replica } from '../../storage/s3/index.ts'
import { newBucket, rawClient, sharedCeph } from '../servers/shared-ceph.ts'
import { replicaClientConformance } from './conformance.ts'

replicaClientConformance(
  'S3Replica on Ceph RGW',
  async () => {
    const bucket = await newBucket()
    const raw = rawClient()
    const { endpoint, region, accessKeyId, secretAccessKey } = sharedCeph()
    const credentials = { accessKeyId, secretAccessKey }
    return {
      client: (path) => new S3Replica({ bucket, path, endpoint, region, credentials }),
      putRaw: async (Key, Body) => void (await raw.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))),
      keys: async () => {
        const { Contents = [] } = await raw.send(new ListObjectsV2Command({ Bucket: bucket }))
        return Contents.map(({ Key }) => Key!).sort()
      },
    }
  },
  {
    subject: S3Replica,
    type: 's3',
    key: (path, level, file) => `${path}/${level.toString(16).padStart(4, '0')}/${file}`,
    fastTimestamps: false,
  },
)
