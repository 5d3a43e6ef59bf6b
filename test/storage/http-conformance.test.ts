import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterEach } from 'vitest'
import { CatalogFinder } from '../../storage/http/catalog-finder.ts'
import { HttpConnection } from '../../storage/http/connection.ts'
import { HttpReplica } from '../../storage/http/index.ts'
import { ListingFinder } from '../../storage/http/listing-finder.ts'
import { s3Dialect } from '../../storage/http/s3-dialect.ts'
import { s3Signer } from '../../storage/http/s3-signer.ts'
import { S3Replica } from '../../storage/s3/index.ts'
import { newBucket, rawClient, sharedCeph } from '../servers/shared-ceph.ts'
import { replicaReaderConformance } from './conformance.ts'
import { type CatalogStore, startCatalogStore } from './http-catalog-store.ts'

const stores: CatalogStore[] = []
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
})

replicaReaderConformance(
  'HttpReplica by a catalog on a web server',
  async () => {
    const store = await startCatalogStore()
    stores.push(store)
    return {
      client: (path) => {
        const root = new URL(store.url(path))
        const connection = new HttpConnection({ root, shown: root.href }, {})
        return new HttpReplica({ type: 'http', url: root.href }, connection, new CatalogFinder(connection))
      },
      writer: store.writer,
      putRaw: async (key, bytes) => {
        await mkdir(dirname(join(store.root, key)), { recursive: true })
        await writeFile(join(store.root, key), bytes)
      },
      keys: store.keys,
    }
  },
  {
    subject: HttpReplica,
    type: 'http',
    key: (path, level, file) => `${path}/ltx/${level}/${file}`,
    fastTimestamps: true,
  },
)

replicaReaderConformance(
  'HttpReplica by listings of Ceph RGW, signed',
  async () => {
    const bucket = await newBucket()
    const raw = rawClient()
    const { endpoint, region, accessKeyId, secretAccessKey } = sharedCeph()
    const credentials = { accessKeyId, secretAccessKey }
    return {
      client: (path) => {
        const root = new URL(`${endpoint}/${bucket}`)
        const place = { root, shown: `s3://${bucket}`, bucket, sign: s3Signer(credentials, region) }
        const connection = new HttpConnection(place, {})
        const finder = new ListingFinder(connection, { dialect: s3Dialect, layout: 's3', path })
        return new HttpReplica({ type: 's3', url: `s3://${bucket}/${path}` }, connection, finder)
      },
      writer: (path) => new S3Replica({ bucket, path, endpoint, region, credentials }),
      putRaw: async (Key, Body) => void (await raw.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))),
      keys: async () => {
        const { Contents = [] } = await raw.send(new ListObjectsV2Command({ Bucket: bucket }))
        return Contents.map(({ Key }) => Key!).sort()
      },
    }
  },
  {
    subject: HttpReplica,
    type: 's3',
    key: (path, level, file) => `${path}/${level.toString(16).padStart(4, '0')}/${file}`,
    fastTimestamps: false,
  },
)
