import { PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { replicaSettings } from '../../storage/node.ts'
import type { S3ReplicaSettings } from '../../storage/replica-settings.ts'
import { makeSdkClient } from '../../storage/s3/sdk-client.ts'
import { resolveSettings } from '../../storage/s3/settings.ts'
import type { S3URL } from '../../storage/s3-url.ts'
import { parseReplicaURL } from '../../storage/url.ts'

const env = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' }

/** The request that a URL's client would send, stopped before it leaves. */
async function requestOf(url: string) {
  const { type: _, ...options } = replicaSettings(parseReplicaURL(url) as S3URL, { env }) as S3ReplicaSettings
  const settings = resolveSettings({ region: 'us-west-2', ...options })
  const client = makeSdkClient(settings)
  let sent: { protocol: string; hostname: string; path: string; headers: Record<string, string> } | undefined
  client.middlewareStack.add(
    () => async (args) => {
      sent = args.request as typeof sent
      throw new Error('far enough')
    },
    { step: 'finalizeRequest', priority: 'low' },
  )
  const input = { Bucket: settings.bucket, Key: `${settings.path}/x`, Body: new Uint8Array(10) }
  await expect(client.send(new PutObjectCommand(input))).rejects.toThrow('far enough')
  client.destroy()
  return sent!
}

test.each([
  ['s3://bkt/app', 'https://bkt.s3.us-west-2.amazonaws.com/app/x'],
  ['s3://bkt.s3.eu-west-1.amazonaws.com/app', 'https://bkt.s3.eu-west-1.amazonaws.com/app/x'],
  ['s3://bkt/app?force-path-style=true', 'https://s3.us-west-2.amazonaws.com/bkt/app/x'],
  [
    's3://arn:aws:s3:eu-west-1:123456789012:accesspoint/ap/app',
    'https://ap-123456789012.s3-accesspoint.eu-west-1.amazonaws.com/app/x',
  ],
  ['s3://bkt.fra1.digitaloceanspaces.com/app', 'https://bkt.fra1.digitaloceanspaces.com/app/x'],
  ['s3://bkt.s3.us-west-000.backblazeb2.com/app', 'https://s3.us-west-000.backblazeb2.com/bkt/app/x'],
  ['s3://bkt.s3.filebase.com/app', 'https://s3.filebase.com/bkt/app/x'],
  ['s3://bkt.s3.nl-ams.scw.cloud/app', 'https://bkt.s3.nl-ams.scw.cloud/app/x'],
  ['s3://bkt.minio.local:9000/app', 'http://minio.local/bkt/app/x'],
  ['s3://bkt/app?endpoint=https://acc.r2.cloudflarestorage.com', 'https://acc.r2.cloudflarestorage.com/bkt/app/x'],
  ['s3://bkt/app?endpoint=https://p.supabase.co/storage/v1/s3', 'https://p.supabase.co/storage/v1/s3/bkt/app/x'],
  ['s3://bkt/app?endpoint=https://fsn1.your-objectstorage.com', 'https://fsn1.your-objectstorage.com/bkt/app/x'],
  ['s3://bkt/app?endpoint=https://s3.oss-cn-beijing.aliyuncs.com', 'https://bkt.s3.oss-cn-beijing.aliyuncs.com/app/x'],
])('%s goes to %s', async (url, wanted) => {
  const { protocol, hostname, path } = await requestOf(url)
  expect(`${protocol}//${hostname}${path}`).toBe(wanted)
})

test('what some providers need is in the headers (facts 2.4)', async () => {
  const tigris = await requestOf('s3://bkt/app?endpoint=https://fly.storage.tigris.dev')
  expect(tigris.headers).toMatchObject({ 'X-Tigris-Consistent': 'true' })
  const plain = await requestOf('s3://bkt/app?endpoint=https://s3.example.com')
  expect(plain.headers).not.toHaveProperty('X-Tigris-Consistent')
  const gcs = await requestOf('s3://bkt/app?endpoint=https://storage.googleapis.com')
  expect(gcs.headers).not.toHaveProperty('accept-encoding')
  expect(gcs.headers.authorization).not.toContain('accept-encoding')
})
