import { describe, expect, test } from 'vitest'
import { FileReplica } from '../../storage/file/index.ts'
import { openReplica, openReplicaSettings, readAll } from '../../storage/node.ts'
import type { S3ReplicaSettings } from '../../storage/replica-settings.ts'
import { S3Replica } from '../../storage/s3/index.ts'
import type { S3URL } from '../../storage/s3-url.ts'
import { replicaSettings } from '../../storage/settings-of-url.ts'
import { parseReplicaURL } from '../../storage/url.ts'
import { newBucket, sharedCeph } from '../servers/shared-ceph.ts'
import { ltxBytes, name } from './ltx-bytes.ts'

describe('openReplica', () => {
  test('opens folders and buckets', async () => {
    const file = await openReplica('file:///tmp/nowhere-1')
    expect(file).toBeInstanceOf(FileReplica)
    expect(file.url).toBe('file:///tmp/nowhere-1')

    const { endpoint, accessKeyId, secretAccessKey } = sharedCeph()
    const env = { LITESTREAM_ACCESS_KEY_ID: accessKeyId, LITESTREAM_SECRET_ACCESS_KEY: secretAccessKey }
    const bucket = await newBucket()
    for (const client of [
      await openReplica(`s3://${bucket}/app?endpoint=${endpoint}`, { env }),
      await openReplica(`s3://${bucket}/app`, { env: { ...env, LITESTREAM_S3_ENDPOINT: endpoint } }),
    ]) {
      expect(client).toBeInstanceOf(S3Replica)
      await client.write(name(0, 1), ltxBytes({ min: 1 }))
      expect(await readAll((await client.open(name(0, 1)))!)).toEqual(ltxBytes({ min: 1 }))
      expect(client.url).toBe(`s3://${bucket}/app?endpoint=${endpoint}`)
      await client.close()
    }
  })

  test.each([
    ['gs://b/p', 'GsReplica', 'gs', 'gs://b/p'],
    ['abs://account@c/p', 'AbsReplica', 'abs', 'abs://account@c/p'],
    ['oss://b/p', 'S3Replica', 'oss', 'oss://b/p?endpoint=https://s3.oss-cn-hangzhou.aliyuncs.com'],
    ['sftp://u:hunter2@h:2022/a/b', 'SftpReplica', 'sftp', 'sftp://u@h:2022/a/b'],
    ['webdav://u:hunter2@h:8080/a', 'WebdavReplica', 'webdav', 'webdav://h:8080/a'],
    ['webdavs://u:hunter2@h/a', 'WebdavReplica', 'webdav', 'webdavs://h/a'],
    ['nats://u:hunter2@h:4222/bucket', 'NatsReplica', 'nats', 'nats://h:4222/bucket'],
  ])('%s is a %s', async (url, kind, type, shown) => {
    const env = { LITESTREAM_AZURE_SAS_TOKEN: 'sv=1&sig=x', OSS_ACCESS_KEY_ID: 'id', OSS_ACCESS_KEY_SECRET: 'hunter2' }
    const client = await openReplica(url, { env })
    expect(client.constructor.name).toBe(kind)
    expect(client).toMatchObject({ type, url: shown })
    await client.close()
  })

  test('settings are opened as a URL is, and take from the environment what they leave out', async () => {
    const { endpoint, accessKeyId, secretAccessKey } = sharedCeph()
    const env = { LITESTREAM_ACCESS_KEY_ID: accessKeyId, LITESTREAM_SECRET_ACCESS_KEY: secretAccessKey }
    const client = await openReplicaSettings({ type: 's3', bucket: await newBucket(), path: 'app', endpoint }, { env })
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    expect(await readAll((await client.open(name(0, 1)))!)).toEqual(ltxBytes({ min: 1 }))
    await client.close()
    const folder = await openReplicaSettings({ type: 'file', path: '/tmp/nowhere-1' })
    expect(folder.url).toBe('file:///tmp/nowhere-1')
  })

  test('never shows a secret', async () => {
    const key = btoa('0123456789abcdef0123456789abcdef')
    const env = { AWS_ACCESS_KEY_ID: 'AKIAID', AWS_SECRET_ACCESS_KEY: 'hunter2' }
    const url = `s3://b/p?sseCustomerKey=${encodeURIComponent(key)}&endpoint=http://localhost:1`
    const client = await openReplica(url, { env, s3: { maxAttempts: 1 } })
    const error = await client.open(name(0, 1)).catch((reason) => reason)
    for (const text of [client.url, error.message, JSON.stringify(error.at)]) {
      expect(text).not.toContain('hunter2')
      expect(text).not.toContain(key)
    }
  })
})

test('an endpoint with a password is refused without showing it', async () => {
  for (const endpoint of ['http://user:hunter2@localhost:1', 'http%3A%2F%2Fuser:hunter2%40localhost:1']) {
    const error = await openReplica(`s3://b/p?endpoint=${endpoint}`).catch((reason) => reason)
    expect(error).toMatchObject({ code: 'STORAGE_BAD_OPTION' })
    expect(error.message).not.toContain('hunter2')
    const other = await openReplica(`s3://b/p?endpoint=${endpoint}&oops=1`).catch((reason) => reason)
    expect(other.message).not.toContain('hunter2')
  }
})

describe('the environment (features 5, facts 8.6)', () => {
  const options = (query: string, env: Record<string, string>) =>
    replicaSettings(parseReplicaURL(`s3://b/p${query}`) as S3URL, { env }) as S3ReplicaSettings

  test('LITESTREAM_ keys count only where AWS_ ones are unset', () => {
    const ls = { LITESTREAM_ACCESS_KEY_ID: 'lid', LITESTREAM_SECRET_ACCESS_KEY: 'lsecret' }
    const aws = { AWS_ACCESS_KEY_ID: 'aid', AWS_SECRET_ACCESS_KEY: 'asecret' }
    expect(options('', ls).credentials).toEqual({ accessKeyId: 'lid', secretAccessKey: 'lsecret' })
    expect(options('', { ...ls, ...aws }).credentials).toEqual({ accessKeyId: 'aid', secretAccessKey: 'asecret' })
    expect(options('', { ...ls, AWS_ACCESS_KEY_ID: '' }).credentials).toMatchObject({ accessKeyId: 'lid' })
    expect(options('', { ...aws, AWS_SESSION_TOKEN: 't' }).credentials).toMatchObject({ sessionToken: 't' })
    expect(options('', { AWS_ACCESS_KEY_ID: 'aid' })).not.toHaveProperty('credentials')
  })

  test('LITESTREAM_S3_ENDPOINT counts only where the URL has none', () => {
    const env = { LITESTREAM_S3_ENDPOINT: 'env.example' }
    expect(options('', env).endpoint).toBe('env.example')
    expect(options('?endpoint=url.example', env).endpoint).toBe('https://url.example')
  })
})
