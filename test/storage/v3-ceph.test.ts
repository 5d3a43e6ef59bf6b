import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { withCounting } from '../../storage/index.ts'
import { S3Replica } from '../../storage/s3/index.ts'
import { restore } from '../../writer/index.ts'
import { newBucket, rawClient, sharedCeph } from '../servers/shared-ceph.ts'
import { tempDir } from '../support/temp-dir.ts'
import { v3Fixture } from '../support/v3-fixture.ts'

test.each(['app', ''])('a v0.3 backup on S3 below "%s" is listed page by page, and restored', async (path) => {
  const dir = tempDir()
  const fixture = v3Fixture(join(dir, 'replica'))
  const bucket = await newBucket()
  const raw = rawClient()
  for (const { name } of fixture.files) {
    const Key = path === '' ? name : `${path}/${name}`
    await raw.send(new PutObjectCommand({ Bucket: bucket, Key, Body: readFileSync(join(fixture.dir, name)) }))
  }
  raw.destroy()
  const { endpoint, region, accessKeyId, secretAccessKey } = sharedCeph()
  const credentials = { accessKeyId, secretAccessKey }
  const replica = new S3Replica({ bucket, path, endpoint, region, credentials, listPageSize: 10 })
  const { client, counts } = withCounting(replica)
  const out = join(dir, 'app.db')
  const { v3 } = await restore(client, out)
  expect(createHash('sha256').update(readFileSync(out)).digest('hex')).toBe(fixture.sha256)
  // Three pages of v0.3 files and the ten levels; then each file once.
  expect(counts.snapshot()).toMatchObject({ list: 13, get: 1 + v3!.segments.length, head: 0, put: 0 })
  await client.close()
})
