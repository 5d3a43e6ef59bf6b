import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest'
import { openReplica, readAll } from '../../storage/node.ts'
import { hiddenHeaders, hiddenText } from '../../storage/s3/hide-secrets.ts'
import { type ScriptedServer, s3ErrorReply, startScriptedHttp } from '../servers/scripted-http.ts'
import { newBucket, sharedCeph } from '../servers/shared-ceph.ts'
import { listAll, ltxBytes, name } from './ltx-bytes.ts'

const customerKey = btoa('0123456789abcdef0123456789abcdef')
const keys = { AWS_ACCESS_KEY_ID: 'AKIAID', AWS_SECRET_ACCESS_KEY: 'hunter2', AWS_SESSION_TOKEN: 'hunter3' }

let server: ScriptedServer | undefined
let stderr: MockInstance<typeof console.error>
const lines = (): string[] => stderr.mock.calls.map(([line]) => String(line))

beforeEach(() => {
  stderr = vi.spyOn(console, 'error').mockImplementation(() => {})
})
afterEach(async () => {
  stderr.mockRestore()
  await server?.close()
  server = undefined
})

/** Writes, reads and lists against a server that fails the first request; @returns the lines */
async function run(debug: string | undefined): Promise<string[]> {
  const body = ltxBytes({ min: 1 })
  server = await startScriptedHttp((request, response) => {
    if (server!.requests.length === 1) s3ErrorReply(response, 503, 'SlowDown')
    else if (request.method === 'PUT') response.writeHead(200, { etag: '"e"' }).end()
    else if (request.url.includes('list-type')) response.end('<ListBucketResult/>')
    else response.writeHead(206, { 'content-range': 'bytes 0-999/1000', 'content-length': 1000 }).end(body)
  })
  const env = { ...keys, ...(debug !== undefined && { LITESTREAM_S3_DEBUG: debug }) }
  const url = `s3://b/app?endpoint=${server.endpoint}&sseCustomerKey=${encodeURIComponent(customerKey)}`
  const client = await openReplica(url, { env })
  await client.write(name(0, 1), body)
  expect(await readAll((await client.open(name(0, 1)))!)).toEqual(body)
  expect(await listAll(client as never, 0)).toEqual([])
  await client.close()
  return lines()
}

describe('LITESTREAM_S3_DEBUG (features 5)', () => {
  test('unset or empty says nothing', async () => {
    expect(await run(undefined)).toEqual([])
    await server!.close()
    expect(await run('')).toEqual([])
  })

  test('signing: what was signed by whom, not the signature', async () => {
    const all = await run('signing')
    expect(all).toHaveLength(4)
    for (const line of all) {
      expect(line).toMatch(/^s3 signing: AWS4-HMAC-SHA256 Credential=AKIAID\/.*SignedHeaders=.*Signature=\(hidden\)$/)
    }
  })

  test('request: every attempt with its headers', async () => {
    const all = await run('request')
    expect(all).toHaveLength(4)
    expect(all[0]).toMatch(/^s3 request: PUT http:\/\/127\.0\.0\.1:\d+\/b\/app\/0000\/\S+\?x-id=PutObject; .*attempt=1/)
    expect(all[1]).toContain('attempt=2')
    expect(all[3]).toContain('list-type=2')
  })

  test('response: status and headers; retries: what failed, and how often', async () => {
    const all = await run('response, retries')
    expect(all.map((line) => line.split(';')[0])).toEqual([
      's3 response: 503',
      expect.stringMatching(/^s3 failed: PUT \S+: attempt=1$/),
      's3 response: 200',
      's3 response: 206',
      's3 response: 200',
    ])
    expect(all[1]).toContain('SlowDown')
  })

  test('bodies: text as it is, of files only the size; and everything still works', async () => {
    const all = await run('request-with-body,response-with-body')
    expect(all).toContain('s3 request body: 1000 bytes')
    expect(all).toContain('s3 response body: <ListBucketResult/>')
    expect(all.filter((line) => line.includes('<Code>SlowDown</Code>'))).toHaveLength(1)
  })

  test('all is all of it, and nothing of it is a secret', async () => {
    const all = await run('all')
    for (const start of [
      's3 signing',
      's3 request:',
      's3 request body',
      's3 response:',
      's3 response body',
      's3 failed',
    ]) {
      expect(all.some((line) => line.startsWith(start))).toBe(true)
    }
    const text = all.join('\n')
    for (const secret of ['hunter2', 'hunter3', customerKey, encodeURIComponent(customerKey)]) {
      expect(text).not.toContain(secret)
    }
    expect(text).not.toMatch(/Signature=[0-9a-f]/)
    expect(text).toContain('x-amz-security-token: (hidden)')
  })

  test('a word that is none is named', async () => {
    expect(await run('singing')).toEqual([
      'LITESTREAM_S3_DEBUG: "singing" is unknown; known are signing, request, request-with-body, response, response-with-body, retries, all',
    ])
  })

  test('with a wrong secret, Ceph says why and not with what', async () => {
    const { endpoint, accessKeyId } = sharedCeph()
    const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: 'hunter2', LITESTREAM_S3_DEBUG: 'all' }
    const client = await openReplica(`s3://${await newBucket()}/app?endpoint=${endpoint}`, { env })
    await expect(listAll(client as never, 0)).rejects.toMatchObject({ code: 'STORAGE_BAD_CREDENTIALS' })
    await client.close()
    const text = lines().join('\n')
    expect(text).toContain('<Code>SignatureDoesNotMatch</Code>')
    expect(text).not.toContain('hunter2')
  })
})

test.each([
  ['Credential=A/1/r/s3/aws4_request, Signature=0123abcd', 'Credential=A/1/r/s3/aws4_request, Signature=(hidden)'],
  [
    'http://h/?X-Amz-Security-Token=t0k&x=1&X-Amz-Signature=abc',
    'http://h/?X-Amz-Security-Token=(hidden)&x=1&X-Amz-Signature=(hidden)',
  ],
  [
    '<CanonicalRequest>PUT\nx-amz-security-token:t0k\n</CanonicalRequest>',
    '<CanonicalRequest>(hidden)</CanonicalRequest>',
  ],
  ['<StringToSign>cut off here', '<StringToSign>(hidden)'],
  [
    'x-amz-server-side-encryption-customer-key:a2V5\nhost:h',
    'x-amz-server-side-encryption-customer-key:(hidden)\nhost:h',
  ],
])('%j is shown as %j', (text, shown) => {
  expect(hiddenText(text)).toBe(shown)
})

test('headers that hold secrets are not shown', () => {
  const shown = hiddenHeaders({
    'X-Amz-Security-Token': 't',
    'x-amz-server-side-encryption-customer-key': 'k',
    'x-amz-server-side-encryption-customer-key-MD5': 'm',
    'x-amz-copy-source-server-side-encryption-customer-key': 'k',
    host: 'h',
  })
  expect(Object.values(shown)).toEqual(['(hidden)', '(hidden)', '(hidden)', '(hidden)', 'h'])
})
