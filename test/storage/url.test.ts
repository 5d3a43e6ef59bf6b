import { describe, expect, test } from 'vitest'
import { parseReplicaURL, redactURL } from '../../storage/node.ts'

const ARN = 'arn:aws:s3:eu-west-1:123456789012:accesspoint/logs'

describe('parseReplicaURL accepts (features 4)', () => {
  test.each([
    ['file:///var/replica', { scheme: 'file', path: '/var/replica' }],
    ['file:///var//replica/../r/?x=1', { scheme: 'file', path: '/var/r' }],
    ['file://host/a', { scheme: 'file', path: '/host/a' }],
    // Litestream does not decode these (url.ts: filePath).
    ['file:///a%20b', { scheme: 'file', path: '/a%20b' }],
    ['file:///a b', { scheme: 'file', path: '/a%20b' }],
    ["file:///it's-ä#1", { scheme: 'file', path: "/it's-%C3%A4#1" }],
    // The two empty paths of facts 2.1.
    ['s3://bucket', { scheme: 's3', bucket: 'bucket', path: '.' }],
    ['s3://bucket/', { scheme: 's3', bucket: 'bucket', path: '' }],
    ['s3://bucket/a/b', { scheme: 's3', bucket: 'bucket', path: 'a/b' }],
    ['s3://bucket//a/./c/../b/', { scheme: 's3', bucket: 'bucket', path: 'a/b' }],
    ['s3://bucket/a%20b%25', { scheme: 's3', bucket: 'bucket', path: 'a b%' }],
    ['S3://Bucket_1/a', { scheme: 's3', bucket: 'Bucket_1', path: 'a' }],
    [`s3://${ARN}`, { scheme: 's3', bucket: ARN, region: 'eu-west-1', path: '' }],
    [
      `s3://${ARN}/a//b?partSize=6000000`,
      { scheme: 's3', bucket: ARN, region: 'eu-west-1', path: 'a/b', partSize: 6e6 },
    ],
    ['s3://b.s3.amazonaws.com/p', { scheme: 's3', bucket: 'b', path: 'p' }],
    ['s3://b.c.s3.eu-west-1.amazonaws.com/p', { scheme: 's3', bucket: 'b.c', region: 'eu-west-1', path: 'p' }],
    ['gs://bucket/a/b', { scheme: 'gs', bucket: 'bucket', path: 'a/b' }],
    ['https://h.example/a?sig=x%2By', { scheme: 'https', url: 'https://h.example/a?sig=x%2By' }],
    ['http://h:8080/a', { scheme: 'http', url: 'http://h:8080/a' }],
    ['gs://bucket', { scheme: 'gs', bucket: 'bucket', path: '.' }],
    ['abs://container/a', { scheme: 'abs', bucket: 'container', path: 'a' }],
    ['abs://account@container/a', { scheme: 'abs', accountName: 'account', bucket: 'container', path: 'a' }],
    ['sftp://me@host/a/b', { scheme: 'sftp', host: 'host', user: 'me', path: '/a/b' }],
    ['sftp://me:p%40ss@host:22/a', { scheme: 'sftp', host: 'host:22', user: 'me', password: 'p@ss', path: '/a' }],
    ['webdav://host:8080/a', { scheme: 'webdav', endpoint: 'http://host:8080', path: '/a' }],
    ['webdavs://u:p@host/a', { scheme: 'webdavs', endpoint: 'https://host', user: 'u', password: 'p', path: '/a' }],
    ['nats://host:4222/bucket', { scheme: 'nats', server: 'nats://host:4222', bucket: 'bucket' }],
    ['nats://host/a/b/', { scheme: 'nats', server: 'nats://host', bucket: 'a/b' }],
    ['oss://bucket/a', { scheme: 'oss', bucket: 'bucket', path: 'a' }],
    [
      'oss://b.oss-cn-beijing.aliyuncs.com/a',
      { scheme: 'oss', bucket: 'b', region: 'cn-beijing', endpoint: 'https://oss-cn-beijing.aliyuncs.com', path: 'a' },
    ],
    [
      'oss://b.oss-cn-beijing-internal.aliyuncs.com/a',
      {
        scheme: 'oss',
        bucket: 'b',
        region: 'cn-beijing',
        endpoint: 'https://oss-cn-beijing-internal.aliyuncs.com',
        path: 'a',
      },
    ],
  ])('%s', (url, expected) => {
    expect(parseReplicaURL(url)).toEqual(expected)
  })

  test.each([
    [
      'b.fra1.digitaloceanspaces.com',
      { region: 'fra1', endpoint: 'https://fra1.digitaloceanspaces.com', style: false },
    ],
    ['b.s3.us-west-000.backblazeb2.com', { region: 'us-west-000', endpoint: 'https://s3.us-west-000.backblazeb2.com' }],
    ['b.s3.filebase.com', { endpoint: 'https://s3.filebase.com' }],
    ['b.s3.nl-ams.scw.cloud', { region: 'nl-ams', endpoint: 'https://s3.nl-ams.scw.cloud', style: false }],
    ['b.minio.local:9000', { region: 'us-east-1', endpoint: 'http://minio.local:9000' }],
    ['b.127.0.0.1:9000', { region: 'us-east-1', endpoint: 'http://127.0.0.1:9000' }],
  ] as [string, { style?: boolean; region?: string; endpoint: string }][])(
    'provider host %s (facts 2.4)',
    (host, want) => {
      const { style = true, ...expected } = want
      expect(parseReplicaURL(`s3://${host}/p`)).toEqual({
        scheme: 's3',
        bucket: 'b',
        path: 'p',
        forcePathStyle: style,
        ...expected,
      })
    },
  )

  test.each([
    ['endpoint=localhost:9000', { endpoint: 'http://localhost:9000', forcePathStyle: true }],
    ['endpoint=http://10.0.0.1:9000/', { endpoint: 'http://10.0.0.1:9000', forcePathStyle: true }],
    ['endpoint=10.0.0.1:9000', { endpoint: 'http://10.0.0.1:9000', forcePathStyle: true }],
    ['endpoint=https%3A%2F%2Fx.example', { endpoint: 'https://x.example', forcePathStyle: true }],
    ['endpoint=x.example&forcePathStyle=false', { endpoint: 'https://x.example', forcePathStyle: false }],
    ['endpoint=&region=', {}],
    ['region=eu-north-1', { region: 'eu-north-1' }],
    ['forcePathStyle=1', { forcePathStyle: true }],
    ['force-path-style=yes', { forcePathStyle: true }],
    ['skipVerify=TRUE', { skipVerify: true }],
    ['skip-verify=t', { skipVerify: true }],
    ['signPayload=false', { signPayload: false }],
    ['sign-payload=0', { signPayload: false }],
    ['requireContentMD5=no', { requireContentMD5: false }],
    ['require-content-md5=f', { requireContentMD5: false }],
    ['concurrency=7', { concurrency: 7 }],
    ['partSize=10485760', { partSize: 10485760 }],
    ['part-size=10485760', { partSize: 10485760 }],
    ['storageClass=STANDARD_IA', { storageClass: 'STANDARD_IA' }],
    ['storage-class=GLACIER_IR', { storageClass: 'GLACIER_IR' }],
    ['sseCustomerAlgorithm=AES256&sseCustomerKey=a%2Bb%3D', { sseCustomerAlgorithm: 'AES256', sseCustomerKey: 'a+b=' }],
    ['sse-customer-algorithm=AES256&sse-customer-key=k', { sseCustomerAlgorithm: 'AES256', sseCustomerKey: 'k' }],
    ['sseCustomerKeyMD5=m', { sseCustomerKeyMD5: 'm' }],
    ['sse-customer-key-md5=m', { sseCustomerKeyMD5: 'm' }],
    ['sseKmsKeyId=i', { sseKmsKeyId: 'i' }],
    ['sse-kms-key-id=i', { sseKmsKeyId: 'i' }],
  ])('s3 parameter %s', (query, expected) => {
    expect(parseReplicaURL(`s3://b/p?${query}`)).toEqual({ scheme: 's3', bucket: 'b', path: 'p', ...expected })
  })
})

describe('parseReplicaURL refuses, and says what to write', () => {
  test.each([
    ['', 'it is empty'],
    ['/var/replica', 'it is a path, not a URL; write file:///var/replica'],
    ['file:replica', 'there must be two slashes; write file:///replica'],
    ['./replica', 'it is a path, not a URL; write file:///absolute/path'],
    ['bucket/path', 'it has no scheme'],
    ['s3:/bucket/p', 'write s3://bucket/p'],
    ['s3:bucket/p', 'write s3://bucket/p'],
    ['gcs:/bucket/p', 'write gs://bucket/p'],
    ['gcs://bucket/p', 'did you mean gs://?'],
    ['azblob://c/p', 'did you mean abs://?'],
    ['s4://bucket/p', 'did you mean s3://?'],
    ['sfpt://h/p', 'did you mean sftp://?'],
    ['carrier-pigeon://h/p', 'known are file, s3, gs'],
    ['https:///p', 'the host is missing'],
    ['file://', 'it names no folder'],
    ['file:///', 'it names no folder'],
    ['s3://', 'the bucket is missing'],
    ['s3:///path', 'the bucket is missing'],
    ['s3://s3.filebase.com/p', 'the bucket is missing'],
    ['s3://localhost:9000/b/p', 'write s3://bucket/path?endpoint=http://localhost:9000'],
    ['s3://127.0.0.1:9000/b/p', '127.0.0.1:9000 is no bucket'],
    ['s3://arn:aws:s3:eu-west-1:1:bucket/p', 'it is no access point'],
    ['s3://b/p?endpont=x', 'did you mean endpoint?'],
    ['s3://b/p?forcepathstyle=true', 'did you mean force-path-style?'],
    ['s3://b/p?bananas=1', 'known are endpoint, region'],
    ['s3://b/p?skipVerify=maybe', 'skipVerify must be true or false'],
    ['s3://b/p?concurrency=0', 'concurrency must be a whole number above 0'],
    ['s3://b/p?partSize=5MiB', 'partSize must be a whole number above 0'],
    ['s3://b/p#q', 'a # in it must be written %23'],
    ['s3://b/100%', 'a % in it must be written %25'],
    ['gs:///p', 'the bucket is missing; write gs://bucket/path'],
    ['gs://b/p?endpoint=x', 'gs:// takes no parameters'],
    ['abs://account@/p', 'the bucket is missing'],
    ['sftp:///p', 'the host is missing'],
    ['nats://host', 'the bucket is missing'],
    ['nats://host/', 'the bucket is missing'],
    ['oss://oss-cn-beijing.aliyuncs.com/p', 'write oss://bucket.oss-cn-beijing.aliyuncs.com/path'],
    ['oss://b/p?endpoint=x', 'oss:// takes no parameters'],
  ])('%j', (url, message) => {
    const parse = (): unknown => parseReplicaURL(url)
    expect(parse).toThrow(message)
    expect(parse).toThrow(expect.objectContaining({ code: 'STORAGE_BAD_URL', retryable: false }))
  })

  test.each([
    's3://AKIA:hunter2@bucket/p',
    's3://b/p?sseCustomerKey=hunter2&oops=1',
    's3://b/p?sse-customer-key=hunter2&skipVerify=maybe',
    's3:/AKIA:hunter2@bucket/p',
    'sftp://me:hunter2@/p',
    'sfpt://me:hunter2@host/p',
    'webdav://me:hunter2@host/p?x=1',
    'nats://me:hunter2@host',
  ])('without its secrets: %s', (url) => {
    let message = ''
    try {
      parseReplicaURL(url)
    } catch (error) {
      message = (error as Error).message
    }
    expect(message).toMatch(/^Cannot use replica URL /)
    expect(message).not.toContain('hunter2')
    expect(message.split('\n')).toHaveLength(1)
  })
})

test('redactURL keeps what identifies and hides what opens', () => {
  expect(redactURL('sftp://me:p:w@host/a')).toBe('sftp://me:***@host/a')
  expect(redactURL('s3://b/p?endpoint=x&sseCustomerKey=abc&region=r')).toBe(
    's3://b/p?endpoint=x&sseCustomerKey=***&region=r',
  )
})
