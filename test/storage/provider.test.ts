import { expect, test } from 'vitest'
import { detectProvider, providerDefaults, withScheme } from '../../storage/s3/provider.ts'

test.each([
  [undefined, 'aws'],
  ['https://fsn1.your-objectstorage.com', 'hetzner'],
  ['https://fly.storage.tigris.dev', 'tigris'],
  ['https://T3.storage.dev', 'tigris'],
  ['https://x.t3.storage.dev', 'other'],
  ['https://fra1.digitaloceanspaces.com', 'digitalocean'],
  ['https://s3.us-west-000.backblazeb2.com', 'backblaze'],
  ['s3.filebase.com', 'filebase'],
  ['https://s3.nl-ams.scw.cloud', 'scaleway'],
  ['https://account.r2.cloudflarestorage.com', 'r2'],
  ['https://p.supabase.co/storage/v1/s3', 'supabase'],
  ['https://storage.googleapis.com', 'gcs'],
  ['https://storage.europe-west1.rep.googleapis.com', 'gcs'],
  ['https://compute.googleapis.com', 'other'],
  ['http://localhost:9000', 'minio'],
  ['https://s3.example.com', 'other'],
  ['https://user:pw@account.r2.cloudflarestorage.com', 'other'],
  ['https://s3.nl-ams.scw.cloud:443', 'other'],
  ['https://s3.oss-cn-hangzhou.aliyuncs.com', 'oss'],
  ['https://s3.oss-eu-central-1-internal.aliyuncs.com', 'oss'],
  ['https://ecs.aliyuncs.com', 'other'],
])('%s is %s (facts 2.4)', (endpoint, provider) => {
  expect(detectProvider(endpoint)).toBe(provider)
})

test('what providers need', () => {
  expect(providerDefaults('aws')).toMatchObject({ forcePathStyle: false, concurrency: 5, requireContentMD5: true })
  expect(providerDefaults('r2')).toMatchObject({ concurrency: 2, signPayload: true })
  expect(providerDefaults('oss')).toMatchObject({ forcePathStyle: false, conditionalWrites: false })
  expect(providerDefaults('tigris')).toMatchObject({ requireContentMD5: false, forcePathStyle: true })
})

test.each([
  ['localhost:9000', 'http://localhost:9000'],
  ['127.0.0.1', 'http://127.0.0.1'],
  ['192.168.1.5:9000', 'http://192.168.1.5:9000'],
  ['172.20.0.2', 'http://172.20.0.2'],
  ['172.32.0.2', 'https://172.32.0.2'],
  ['nas.local:9000', 'http://nas.local:9000'],
  ['s3.example.com', 'https://s3.example.com'],
  ['10.example.com', 'https://10.example.com'],
  ['http://s3.example.com/', 'http://s3.example.com'],
])('%s gets its scheme: %s', (endpoint, url) => {
  expect(withScheme(endpoint)).toBe(url)
})
